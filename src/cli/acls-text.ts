import type { AclsView, ApplicationsView, LinkAclsView } from '../worker/acl-view.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { count, plural } from './quantities.ts';

type AclRow = LinkAclsView['synced']['first'][number];

/** Of each list; `--json` has a thousand. */
const shownMax = 20;

/** `umbra acls`: per link who may write its copies, then its ACLs by what becomes of them; then the sites' applications. Pure. */
export function renderAcls({ links, sites }: AclsSaid, colours: Colours): string {
  const parts = [
    ...links.map((link) => linkPart(link, colours)),
    ...sites.flatMap(({ site, applications }) => applicationsPart(site, applications, colours)),
  ];
  return parts.length === 0 ? 'No link is known.' : parts.map((part) => part.join('\n')).join('\n\n');
}

export interface AclsSaid {
  readonly links: readonly LinkAclsView[];
  readonly sites: readonly { readonly site: string; readonly applications: AclsView['applications'] }[];
}

function linkPart(link: LinkAclsView, colours: Colours): readonly string[] {
  const { synced, created, removed, restored, levelAt, off, behind } = link;
  const level = levelAt === undefined ? 'not level yet' : `level at ${levelAt}`;
  const changed = `${count(created)} created, ${count(removed)} removed, ${count(restored)} restored`;
  return [
    `${colours.bold(`Link ${link.link}`)}: ${fenceText(link, colours)}; ${plural(synced.count, 'ACL')} synced (${changed}), ${level}`,
    ...(off === undefined
      ? []
      : [`${colours.bad('not synced')}: ${printable(off.why)}`, `  → ${printable(off.remedy)}`]),
    ...leaks(link, colours),
    ...list('withheld until a promotion', link.withheld),
    ...list(colours.warn('foreign, left alone'), link.foreign),
    ...list(colours.warn('not carried over'), link.notSynced),
    ...list(colours.bad('refused by the standby'), link.refused),
    ...late(behind, colours),
    ...trouble(link.trouble, colours),
  ];
}

function fenceText({ fence }: LinkAclsView, colours: Colours): string {
  switch (fence.kind) {
    case 'fenced':
      return `${colours.good('fenced')}${beyond(fence.beyondAcls)}`;
    case 'leaking':
      return `${colours.bad(`LEAKING (${count(fence.count)})`)}${beyond(fence.beyondAcls)}`;
    case 'unfenced':
      return colours.bad('UNFENCED');
    case 'unknown':
      return colours.warn('fence not known');
  }
}

function beyond(principals: readonly string[]): string {
  return principals.length === 0 ? '' : ` but for super users (${printable(principals.join(', '))})`;
}

function leaks({ fence }: LinkAclsView, colours: Colours): readonly string[] {
  if (fence.kind === 'unfenced') return [`  ${printable(fence.message)}`, `  → ${printable(fence.remedy)}`];
  if (fence.kind !== 'leaking') return [];
  return [
    ...fence.leaks
      .slice(0, shownMax)
      .flatMap(({ message, remedy }) => [`  ${colours.bad(printable(message))}`, `  → ${printable(remedy)}`]),
    ...rest(fence.count, Math.min(fence.leaks.length, shownMax)),
  ];
}

function applicationsPart(site: string, view: ApplicationsView, colours: Colours): readonly (readonly string[])[] {
  if (view.wanted === 0 && view.refused.count === 0 && view.trouble === undefined) return [];
  const level = view.levelAt === undefined ? colours.warn('not level yet') : `level at ${view.levelAt}`;
  return [
    [
      `${colours.bold(`Applications of site ${site}`)}: ${plural(view.wanted, 'ACL')} by the prefix policy, ${level}`,
      ...list('made by somebody else', view.alreadyThere),
      ...list(colours.bad('refused by the cluster'), view.refused),
      ...late(view.behind, colours),
      ...trouble(view.trouble, colours),
    ],
  ];
}

function list(
  title: string,
  { count: total, first }: { readonly count: number; readonly first: readonly Row[] },
): string[] {
  if (total === 0) return [];
  return [
    `${title}: ${count(total)}`,
    ...first.slice(0, shownMax).map((acl) => `  ${line(acl)}`),
    ...rest(total, Math.min(first.length, shownMax)),
  ];
}

type Row = AclRow & { readonly why?: string };

function line({ why, ...acl }: Row): string {
  const { permission, operation, resourceType, resourceName, patternType, principal, host } = acl;
  const said = `${permission} ${operation} on ${resourceType} ${resourceName} (${patternType}) to ${principal} from ${host}`;
  return printable(why === undefined ? said : `${said}: ${why}`);
}

function late(brokers: readonly number[], colours: Colours): readonly string[] {
  return brokers.length === 0
    ? []
    : [colours.warn(`not shown yet by ${plural(brokers.length, 'broker')}: ${brokers.join(', ')}`)];
}

function trouble(
  view: { readonly at: string; readonly message: string } | undefined,
  colours: Colours,
): readonly string[] {
  return view === undefined ? [] : [`${colours.bad('trouble')}: ${printable(view.message)} (${view.at})`];
}

function rest(total: number, shown: number): readonly string[] {
  return total > shown ? [`  and ${count(total - shown)} more`] : [];
}
