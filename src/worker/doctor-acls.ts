import { describeAcls } from '../kafka/acl-admin.ts';
import type { Cluster } from '../kafka/cluster.ts';
import { verdictOf } from '../kafka/errors.ts';
import { linkId, type LinkSpec } from '../pair/spec.ts';
import type { PrefixPolicy } from '../prefix-policy/declared-policy.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import { preflight } from '../sync/acls/preflight.ts';
import { type LinkRights, linkScope, ownPrincipals } from './control/link-acls.ts';
import type { Finding } from './finding.ts';

export interface LeakChecks {
  readonly link: LinkSpec;
  readonly target: Cluster;
  readonly policy: PrefixPolicy;
  readonly schemaPrimary: SchemaPrimary | undefined;
  readonly rights: LinkRights;
}

/**
 * Who else than the link may write its copies, one finding each; an error where the link's spec refuses leaks. Silent where
 * ACLs cannot be read at all: that is a finding of its own.
 */
export async function examineLeaks(checks: LeakChecks): Promise<readonly Finding[]> {
  const { link, target, policy, schemaPrimary, rights } = checks;
  const at = { site: link.to, subject: 'acls' } as const;
  const own = ownPrincipals(rights);
  if (own.kind === 'unknown') {
    return [{ level: 'warn', ...at, message: `${own.why}; ACLs are not synced`, remedy: own.remedy }];
  }
  const seen = await describeAcls(target).catch((error: unknown) => {
    if (verdictOf(error) === 'final') throw error;
    return undefined;
  });
  if (seen?.kind !== 'seen') return [];
  const { superUsers, allowsWithoutAcl } = rights.target;
  const fence = preflight({
    target: seen,
    scope: linkScope(link, policy, schemaPrimary),
    ...{ own: own.names, promoted: new Set<string>(), superUsers, allowsWithoutAcl },
  });
  if (fence.kind === 'leaking') {
    const level = link.acls?.leaks === 'refuse' ? 'error' : 'warn';
    return fence.leaks.map(({ message, remedy }) => ({ level, ...at, message, remedy }));
  }
  return [{ level: 'ok', ...at, message: `only the link ${linkId(link)} may write its copies, by the ACLs here` }];
}
