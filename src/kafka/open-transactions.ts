/**
 * Transactions that are not over, as their coordinators know them: ListTransactions (66) version 0 at every broker, then
 * DescribeTransactions (65) version 0 at the one that coordinates them. In contrast to what partitions tell
 * (`openTransactions`), one is seen here also before its first record is written: its marker may still come. Takes DESCRIBE
 * on the transactional ids; what may not be seen is left out by the broker.
 */
import { describeTransactionsV0, listTransactionsV0 } from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import { KafkaError } from './errors.ts';
import { call } from './library-api.ts';

/** A transaction that has begun, or that is being ended, and whose markers may not be written yet. */
export interface UnendedTransaction {
  readonly transactionalId: string;
  readonly producerId: bigint;
  /** `Ongoing`, `PrepareCommit`, `PrepareAbort` or `PrepareEpochFence`. */
  readonly state: string;
  /** In ms since 1970; undefined where the coordinator does not know. */
  readonly startedAtMs: number | undefined;
  /** Of these topics it has something, or is going to. */
  readonly topics: readonly string[];
}

const unended = ['Ongoing', 'PrepareCommit', 'PrepareAbort', 'PrepareEpochFence'] as const;
const purpose = 'transactions';
/** Ids in one request. */
const idsMax = 1_000;
/** TRANSACTIONAL_ID_NOT_FOUND: it was over, and is forgotten by now. */
const forgotten = 105;

/** Those that take part in one of these topics. Throws {@link KafkaError} and `ConnectionError`. */
export async function unendedTransactions(
  cluster: Cluster,
  topics: ReadonlySet<string>,
): Promise<readonly UnendedTransaction[]> {
  await cluster.metadata([]);
  const found = await Promise.all(cluster.nodeIds().map((nodeId) => coordinatedBy(cluster, nodeId, topics)));
  return found.flat();
}

async function coordinatedBy(
  cluster: Cluster,
  nodeId: number,
  topics: ReadonlySet<string>,
): Promise<readonly UnendedTransaction[]> {
  const broker = await cluster.broker(nodeId, purpose);
  const list = broker.negotiate(listTransactionsV0.api);
  const listed = await call(broker.connection, list, [...unended], [], -1n, null);
  if (listed.errorCode !== 0) throw new KafkaError(listed.errorCode, `ListTransactions at ${cluster.name}`);
  const ids = listed.transactionStates.map(({ transactionalId }) => transactionalId);
  const found: UnendedTransaction[] = [];
  for (let start = 0; start < ids.length; start += idsMax) {
    const asked = ids.slice(start, start + idsMax);
    const answer = await call(broker.connection, broker.negotiate(describeTransactionsV0.api), asked);
    for (const each of answer.transactionStates) {
      if (each.errorCode !== 0 && each.errorCode !== forgotten) {
        throw new KafkaError(each.errorCode, `DescribeTransactions(${each.transactionalId}) at ${cluster.name}`);
      }
      const own = each.topics.map(({ topic }) => topic).filter((topic) => topics.has(topic));
      if (each.errorCode === 0 && own.length > 0) found.push(viewOf(each, own));
    }
  }
  return found;
}

type Described = Awaited<ReturnType<typeof describeTransactionsV0.api.async>>['transactionStates'][number];

function viewOf(state: Described, topics: readonly string[]): UnendedTransaction {
  const { transactionalId, producerId, transactionState, transactionStartTimeMs: at } = state;
  return {
    transactionalId,
    producerId,
    state: transactionState,
    startedAtMs: at < 0n ? undefined : Number(at),
    topics,
  };
}

/** For people: one line. */
export function unendedText(
  { transactionalId, state, startedAtMs, topics }: UnendedTransaction,
  nowMs: number,
): string {
  const age = startedAtMs === undefined ? '' : ` for ${Math.max(0, Math.round((nowMs - startedAtMs) / 1000))} s`;
  return `the transaction of ${transactionalId} is ${state}${age}, with records of ${topics.slice(0, 5).join(', ')}`;
}
