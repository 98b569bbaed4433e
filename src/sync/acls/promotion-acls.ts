import { describeAcls } from '../../kafka/acl-admin.ts';
import { type Acl, aclKey, anyHost } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { contains, covers, patternOf, resourceOf } from './name-pattern.ts';

/**
 * Pure: the withheld ALLOWs that a promotion grants. For `all` names of the link they are granted as they were
 * withheld. For single topics each is cut down to the topic's name: a prefix cannot be allowed to one topic only, and the
 * others are still copies. DENYs are at the standby already, so that afterwards everybody may do with these
 * topics what they may do at the source.
 */
export function promotionAcls(withheld: readonly Acl[], topics: 'all' | Iterable<string>): readonly Acl[] {
  if (topics === 'all') return withheld;
  const granted = new Map<string, Acl>();
  for (const name of topics) {
    for (const acl of withheld) {
      const pattern = patternOf(acl);
      if (pattern === undefined || !covers(pattern, name)) continue;
      const literal = { ...acl, ...resourceOf({ kind: 'literal', name }) };
      granted.set(aclKey(literal), literal);
    }
  }
  return [...granted.values()];
}

export interface WantedGrants {
  readonly wanted: readonly Acl[];
  /** Made for the same purpose before: they stay, whatever else is there. */
  readonly made: readonly Acl[];
}

/** Of the ALLOWs that are wanted those that no other ACL of the cluster gives already. */
export async function missingAcls(cluster: Cluster, grants: WantedGrants): Promise<readonly Acl[]> {
  if (grants.wanted.length === 0) return [];
  const seen = await describeAcls(cluster);
  return seen.kind === 'seen' ? notGiven(seen.acls, grants) : grants.wanted;
}

/** Pure: who is allowed the same on a wider name, or from anywhere, needs no ACL of his own. */
export function notGiven(now: readonly Acl[], { wanted, made }: WantedGrants): readonly Acl[] {
  const own = new Set(made.map(aclKey));
  const allows = Map.groupBy(
    now.filter((acl) => acl.permission === 'ALLOW' && !own.has(aclKey(acl))),
    ({ principal }) => principal,
  );
  return wanted.filter((acl) => !(allows.get(acl.principal) ?? []).some((other) => givesAll(other, acl)));
}

function givesAll(other: Acl, acl: Acl): boolean {
  if (other.resourceType !== acl.resourceType) return false;
  if (other.operation !== acl.operation && other.operation !== 'ALL') return false;
  if (other.host !== acl.host && other.host !== anyHost) return false;
  const [outer, inner] = [patternOf(other), patternOf(acl)];
  return outer !== undefined && inner !== undefined && contains(outer, inner);
}
