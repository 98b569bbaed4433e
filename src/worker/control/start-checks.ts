import { describeAcls } from '../../kafka/acl-admin.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, MalformedError } from '../../kafka/errors.ts';
import { GroupCoordinators } from '../../kafka/group-coordinators.ts';
import { linkId, type LinkSpec } from '../../pair/spec.ts';
import type { MovedNames } from '../../prefix-policy/moved-names.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import { refusalOf, type UnownedName, unownedNames } from '../../prefix-policy/unowned-names.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';
import { type Preflight, preflight } from '../../sync/acls/preflight.ts';
import { Problem } from '../problems.ts';
import { type LinkRights, linkScope, ownPrincipals, promotedNames } from './link-acls.ts';

export interface StartChecks {
  readonly link: LinkSpec;
  readonly source: Cluster;
  readonly target: Cluster;
  readonly policy: PrefixPolicy;
  readonly schemaPrimary: SchemaPrimary | undefined;
  readonly rights: LinkRights;
  /** Which names are not primary at home. */
  readonly moved: () => MovedNames;
}

/** More are counted, not named. */
const leaksNamedMax = 10;

/**
 * What has to be asked before a link may start, where its spec or the policy says `refuse`. Throws Problem LINK_REFUSED
 * with what stands against it, UNREACHABLE when that cannot be told. Changes nothing.
 */
export async function checkStart(checks: StartChecks, signal: AbortSignal): Promise<void> {
  const { link, policy } = checks;
  try {
    if (policy.unowned === 'refuse') await refuseUnowned(checks, signal);
    if (link.acls?.leaks === 'refuse') await refuseLeaks(checks);
  } catch (error) {
    signal.throwIfAborted();
    const kinds = [KafkaError, ConnectionError, MalformedError] as const;
    if (!(error instanceof Error) || !kinds.some((kind) => error instanceof kind)) throw error;
    const what = `whether the link ${linkId(link)} may start cannot be told`;
    throw new Problem('UNREACHABLE', `${what}: ${error.message}`, { cause: error });
  }
}

/** The same for a link that runs, where `refuse` is new. */
export async function refuseLeaks({
  link,
  target,
  policy,
  schemaPrimary,
  rights,
  ...checks
}: StartChecks): Promise<void> {
  const own = ownPrincipals(rights);
  if (own.kind === 'unknown') throw refused(link, `${own.why}. ${own.remedy}`);
  const { superUsers, allowsWithoutAcl } = rights.target;
  const moved = checks.moved();
  const fence = preflight({
    target: await describeAcls(target),
    scope: linkScope(link, policy, schemaPrimary, moved),
    ...{ ...promotedNames(link, policy, moved), own: own.names, superUsers, allowsWithoutAcl },
  });
  const why = objectionOf(fence);
  if (why !== undefined) throw refused(link, why);
}

/** Why nobody may rely on the copies being written by the link alone, with the remedy; undefined when he may. Pure. */
export function objectionOf(fence: Preflight): string | undefined {
  switch (fence.kind) {
    case 'fenced':
      return undefined;
    case 'unfenced':
      return `${fence.message}. ${fence.remedy}`;
    case 'leaking': {
      const named = fence.leaks.slice(0, leaksNamedMax).map(({ message, remedy }) => `${message}. ${remedy}`);
      const others = fence.leaks.length - named.length;
      return [...named, ...(others > 0 ? [`And ${others} more.`] : [])].join(' ');
    }
  }
}

async function refuseUnowned({ link, source, target, policy }: StartChecks, signal: AbortSignal): Promise<void> {
  const unowned: UnownedName[] = [];
  for (const [site, cluster] of [[link.from, source] as const, [link.to, target] as const]) {
    const { topics } = await cluster.metadata('all');
    const { groups, troubles } = await new GroupCoordinators(cluster).list('groups', signal);
    const [trouble] = troubles;
    if (trouble !== undefined) throw new ConnectionError(`not every group of site ${site} can be seen: ${trouble}`);
    const visible = [...topics.values()].filter(({ internal }) => !internal).map(({ name }) => name);
    unowned.push(...unownedNames({ site, topics: visible, groups: groups.keys() }, policy));
  }
  const why = refusalOf(unowned, policy);
  if (why !== undefined) throw refused(link, why);
}

function refused(link: LinkSpec, why: string): Problem {
  return new Problem('LINK_REFUSED', `the link ${linkId(link)} does not start; nothing was changed: ${why}`);
}
