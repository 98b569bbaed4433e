/** Quotas of clients: DescribeClientQuotas (48) version 0. Takes DESCRIBE_CONFIGS on the cluster. */
import { ClientQuotaMatchTypes, describeClientQuotasV0 } from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import { KafkaError } from './errors.ts';
import { call } from './library-api.ts';

/** One limit. `<default>` is for all who have none of their own; undefined does not tell users, or client ids, apart. */
export interface ClientQuota {
  readonly user: string | undefined;
  readonly clientId: string | undefined;
  readonly key: string;
  /** Bytes per second; per cent for `request_percentage`. */
  readonly value: number;
}

export const defaultEntity = '<default>';

/** All of users and client ids. Throws {@link KafkaError}, 31 without the right. */
export async function describeClientQuotas(cluster: Cluster): Promise<readonly ClientQuota[]> {
  const [users, clients] = [await quotasWith(cluster, 'user'), await quotasWith(cluster, 'client-id')];
  // Those of a user with a client id are in both.
  return [...users, ...clients.filter(({ user }) => user === undefined)];
}

async function quotasWith(cluster: Cluster, entityType: 'user' | 'client-id'): Promise<readonly ClientQuota[]> {
  const broker = await cluster.any();
  const component = { entityType, matchType: ClientQuotaMatchTypes.ANY };
  const answer = await call(broker.connection, broker.negotiate(describeClientQuotasV0.api), [component], false);
  if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, `client quotas at ${cluster.name}`);
  return (answer.entries ?? []).flatMap(({ entity, values }) => {
    const nameOf = (type: string): string | undefined => {
      const part = entity.find((each) => each.entityType === type);
      return part === undefined ? undefined : (part.entityName ?? defaultEntity);
    };
    return values.map(({ key, value }) => ({ user: nameOf('user'), clientId: nameOf('client-id'), key, value }));
  });
}
