import { type Acl, anyHost } from '../../kafka/acl-words.ts';
import { topicOperations } from '../../kafka/authorized-operations.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { copyGroupOperations, copyOperations } from '../../prefix-policy/acls.ts';
import { type NamePattern, resourceOf } from './name-pattern.ts';

export interface LinkRightsInput {
  /** Umbra's principals at this site, with their type. */
  readonly own: readonly string[];
  /** As far as they are known: who is one needs nothing. */
  readonly superUsers: readonly string[];
  /** Topics that are home here and are going to be copies. */
  readonly topics: readonly NamePattern[];
  /** The groups that go with them: those of the whole site. */
  readonly groups: readonly NamePattern[];
}

/**
 * Pure: what umbra needs at a site to make copies of topics that are home there, beside what the site's grants give it on the
 * other site's names. To be made before the link runs in the other direction, and taken back when the topics are home again.
 */
export function linkRights({ own, superUsers, topics, groups }: LinkRightsInput): readonly Acl[] {
  const resources = [
    ...topics.map((names) => ({ resourceType: 'TOPIC', names, operations: copyOperations }) as const),
    ...groups.map((names) => ({ resourceType: 'GROUP', names, operations: copyGroupOperations }) as const),
  ];
  return own
    .filter((principal) => !superUsers.includes(principal))
    .flatMap((principal) =>
      resources.flatMap(({ resourceType, names, operations }) =>
        operations.map((operation): Acl => ({
          ...{ resourceType, ...resourceOf(names), principal, host: anyHost, operation, permission: 'ALLOW' },
        })),
      ),
    );
}

/** The topics on which umbra lacks rights to make copies, by the cluster's own authorizer: a DENY shows here, too. */
export async function missingLinkRights(
  cluster: Cluster,
  topics: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const allowed = await topicOperations(cluster, topics);
  return new Map(
    topics.flatMap((topic) => {
      const missing = copyOperations.filter((operation) => allowed.get(topic)?.has(operation) !== true);
      return missing.length === 0 ? [] : [[topic, missing] as const];
    }),
  );
}
