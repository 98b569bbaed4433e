import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../kafka/cluster.ts';
import { errorName } from '../../kafka/errors.ts';
import {
  type Answer,
  listOffsets,
  logEnds,
  type OpenTransaction,
  openTransactions,
  partitionKey,
  type PartitionRef,
} from '../../kafka/log-queries.ts';

/** A partition that is not proven to stand still, and why. */
export type MovingPartition = PartitionRef &
  (
    | { readonly kind: 'moved'; readonly from: bigint; readonly to: bigint }
    /** Its producers may still end these; `transactions` is empty where a replica is behind, or the broker does not tell. */
    | {
        readonly kind: 'open';
        readonly stable: bigint;
        readonly end: bigint;
        readonly transactions: readonly OpenTransaction[];
      }
    /** Its leader could not be asked, or changed between the looks. */
    | { readonly kind: 'unknown'; readonly reason: string }
  );

export type FrozenLogs =
  /** Log ends by `topic/partition`: of every partition of the topics. */
  | { readonly kind: 'frozen'; readonly ends: ReadonlyMap<string, bigint> }
  | { readonly kind: 'moving'; readonly moving: readonly MovingPartition[]; readonly missing: readonly string[] };

const purpose = 'frozen logs';

/**
 * Whether the logs of these topics stand still: every partition's log end is the same in two looks `apartMs` apart, and no
 * transaction is open at the second one (the last stable offset is the log end). Three requests per broker, whatever the
 * number of partitions. Topics that do not exist are `missing`. Throws what a cluster that does not answer throws.
 */
export async function frozenLogs(
  cluster: Cluster,
  topics: readonly string[],
  { apartMs, signal }: { readonly apartMs: number; readonly signal: AbortSignal },
): Promise<FrozenLogs> {
  const first = await lookAtEnds(cluster, topics);
  await sleep(apartMs, undefined, { signal });
  const second = await lookAtEnds(cluster, topics);
  const stable = await stableOffsets(cluster, second.partitions);
  const missing = topics.filter((topic) => !second.partitions.some((each) => each.topic === topic));
  const ends = new Map<string, bigint>();
  const moving: MovingPartition[] = [];
  const open: (Led & { readonly stable: bigint; readonly end: bigint })[] = [];
  for (const partition of second.partitions) {
    const key = partitionKey(partition.topic, partition.partition);
    const [before, now, lso] = [first.ends.get(key), second.ends.get(key), stable.get(key)];
    const refused = [before, now, lso].find((answer) => answer?.ok !== true);
    if (before?.ok !== true || now?.ok !== true || lso?.ok !== true) {
      moving.push({ ...refOf(partition), kind: 'unknown', reason: reasonOf(refused) });
    } else if (before.value !== now.value) {
      moving.push({ ...refOf(partition), kind: 'moved', from: before.value, to: now.value });
    } else if (lso.value !== now.value) {
      open.push({ ...partition, stable: lso.value, end: now.value });
    } else {
      ends.set(key, now.value);
    }
  }
  const transactions = await byLeader(cluster, open, openTransactions);
  for (const { stable: lso, end, ...partition } of open) {
    const known = transactions.get(partitionKey(partition.topic, partition.partition)) ?? [];
    moving.push({ ...refOf(partition), kind: 'open', stable: lso, end, transactions: known });
  }
  return moving.length + missing.length === 0 ? { kind: 'frozen', ends } : { kind: 'moving', moving, missing };
}

interface Led extends PartitionRef {
  readonly leader: number | undefined;
  readonly leaderEpoch: number;
}

interface Ends {
  readonly partitions: readonly Led[];
  readonly ends: ReadonlyMap<string, Answer<bigint>>;
}

async function lookAtEnds(cluster: Cluster, topics: readonly string[]): Promise<Ends> {
  const metadata = await cluster.metadata(topics);
  const partitions = [...metadata.topics.values()].flatMap(({ name, partitions: each }) =>
    each.map(({ partition, leader, leaderEpoch }): Led => ({ topic: name, partition, leader, leaderEpoch })),
  );
  return { partitions, ends: await byLeader(cluster, partitions, logEnds) };
}

function stableOffsets(cluster: Cluster, partitions: readonly Led[]): Promise<ReadonlyMap<string, Answer<bigint>>> {
  return byLeader(cluster, partitions, (broker, led) => listOffsets(broker, 'stable', led));
}

/** Asks each leader for all of its partitions at once. Those without a leader are left out. */
async function byLeader<T>(
  cluster: Cluster,
  partitions: readonly Led[],
  ask: (broker: Awaited<ReturnType<Cluster['broker']>>, led: readonly Led[]) => Promise<ReadonlyMap<string, T>>,
): Promise<ReadonlyMap<string, T>> {
  const groups = [...Map.groupBy(partitions, ({ leader }) => leader)];
  const answers = await Promise.all(
    groups.map(async ([leader, led]) =>
      leader === undefined ? new Map<string, T>() : ask(await cluster.broker(leader, purpose), led),
    ),
  );
  return new Map(answers.flatMap((answer) => [...answer]));
}

function reasonOf(refused: Answer<bigint> | undefined): string {
  return refused === undefined || refused.ok ? 'it has no leader, or is new' : errorName(refused.code);
}

function refOf({ topic, partition }: PartitionRef): PartitionRef {
  return { topic, partition };
}
