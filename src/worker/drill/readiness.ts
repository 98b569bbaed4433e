import type { LinkControl } from '../control/link-control.ts';
import type { Finding } from '../finding.ts';
import { failed, type Found, passed, warned } from './check.ts';

/** What readiness (L0) is judged by, beside what stands for or against every run. */
export interface ReadinessSight {
  /** Of `umbra doctor` (docs/doctor.md), of both sites. */
  readonly findings: readonly Finding[];
  readonly link: string;
  /** What goes with the records of the link that ends here. */
  readonly acls: { readonly off: string | undefined; readonly refused: number; readonly trouble: string | undefined };
  readonly groups: { readonly synced: number; readonly refused: number; readonly trouble: string | undefined };
  readonly configs: { readonly topics: number; readonly level: number; readonly refused: number };
  readonly schemas: 'equal' | 'behind' | 'different' | 'unknown';
}

export interface ReadinessPorts {
  readonly link: () => LinkControl | undefined;
  /** Never rejects for what it finds. */
  readonly diagnose: (signal: AbortSignal) => Promise<readonly Finding[]>;
}

/** Looks at both sites as `umbra doctor` does: some seconds. Empty where no link ends here, which is said elsewhere. */
export async function checkReadiness(
  { link: linkOf, diagnose }: ReadinessPorts,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const link = linkOf();
  if (link === undefined) return [];
  const findings = await diagnose(signal);
  const { acls, groups, configs, schemas } = link.syncs;
  const { off, refused, trouble } = acls.view();
  const { counts, trouble: groupTrouble } = groups.view();
  const { topics, level, refused: configsRefused } = configs.view();
  const schemaView = schemas.view();
  return readinessOf({
    ...{ findings, link: link.id },
    acls: { off: off?.why, refused: refused.count, trouble: trouble?.message },
    groups: { synced: counts.level + counts.behind, refused: counts.refused, trouble: groupTrouble?.message },
    configs: { topics, level, refused: configsRefused.count },
    schemas: schemaView.kind === 'watched' ? schemaView.comparison.verdict : 'unknown',
  });
}

/** An error fails, what will hurt when something else happens is noted. Pure. */
export function readinessOf({ findings, link, acls, groups, configs, schemas }: ReadinessSight): readonly Found[] {
  return [
    ...findings.map(ofFinding),
    aclsOf(link, acls),
    groupsOf(link, groups),
    configsOf(link, configs),
    ...schemasOf(schemas),
  ];
}

function ofFinding({ level, code, site, subject, message, remedy }: Finding): Found {
  const where = site === undefined ? '' : ` of ${site}`;
  const text = remedy === undefined ? message : `${message}. ${remedy}`;
  if (level === 'ok') return passed(`${subject}${where}`, text);
  return (level === 'error' ? failed : warned)(`${subject}${where} (${code ?? 'doctor'})`, text);
}

function aclsOf(link: string, { off, refused, trouble }: ReadinessSight['acls']): Found {
  const name = `ACLs of ${link}`;
  if (off !== undefined) return failed(name, `they are not synced: ${off}`);
  if (refused > 0) return failed(name, `the standby refuses ${refused}: who has them cannot follow a move`);
  return trouble === undefined ? passed(name, 'level') : warned(name, trouble);
}

function groupsOf(link: string, { synced, refused, trouble }: ReadinessSight['groups']): Found {
  const name = `groups of ${link}`;
  if (refused > 0) return failed(name, `positions of ${refused} are refused: they would begin anew after a move`);
  return trouble === undefined ? passed(name, `positions of ${synced} are kept`) : warned(name, trouble);
}

function configsOf(link: string, { topics, level, refused }: ReadinessSight['configs']): Found {
  const name = `configs of ${link}`;
  const figure = `${level} of ${topics} topics are level`;
  if (refused > 0) return failed(name, `${figure}; the standby refuses ${refused} values`);
  return level === topics ? passed(name, figure) : warned(name, figure);
}

function schemasOf(verdict: ReadinessSight['schemas']): readonly Found[] {
  switch (verdict) {
    case 'unknown':
      return [];
    case 'different':
      return [failed('schemas', 'the sites do not agree: an id may stand for another schema after a move')];
    case 'equal':
    case 'behind':
      return [passed('schemas', verdict)];
  }
}
