import { Consumer } from '@platformatic/kafka';
import type { ClusterConfig } from '../kafka/cluster-config.ts';
import { ordinaryClient } from '../kafka/ordinary-client.ts';
import type { CanaryLog, LoggedRecord } from './canary-log.ts';
import { decodeCanary, hashOf } from './canary-record.ts';
import { fetchFrom, type FetchedRecord, type Leader, leadersOf, offsetsOf } from './fetch-canaries.ts';

export interface ReadLogOptions {
  /** By partition where to begin. Default where the log begins. */
  readonly from?: ReadonlyMap<number, bigint>;
  readonly signal?: AbortSignal;
}

/** A canary topic has far fewer: it is small, and keeps little. */
const recordsMax = 1_000_000;
const readMsMax = 120_000;
const fetchWaitMs = 500;
const clientId = 'umbra-canary-log';

/**
 * All that a site has of a canary topic, as a consumer with `read_committed` sees it, up to where it ended when this
 * began; by partition. Rejects when the site does not answer or does not know the topic, and when there is more than a
 * canary topic can hold.
 */
export async function readCanaryLog(
  cluster: ClusterConfig,
  topic: string,
  { from = new Map(), signal }: ReadLogOptions = {},
): Promise<readonly CanaryLog[]> {
  const late = AbortSignal.timeout(readMsMax);
  const until = signal === undefined ? late : AbortSignal.any([signal, late]);
  const options = ordinaryClient(cluster, { clientId, timeoutMs: 10_000 });
  const consumer = new Consumer({ ...options, groupId: clientId });
  try {
    const readAtMs = Date.now();
    const leaders = await leadersOf(consumer, topic);
    // Both before anything is read: what is written meanwhile is above.
    const ends = await offsetsOf(consumer, topic, 'stable');
    const starts = await offsetsOf(consumer, topic, 'earliest');
    const logs: CanaryLog[] = [];
    let count = 0;
    for (const leader of leaders) {
      const { partition } = leader;
      const [start = 0n, end = 0n] = [starts[partition], ends[partition]];
      const records: LoggedRecord[] = [];
      const wanted = { from: max(from.get(partition) ?? start, start), end };
      for await (const record of recordsIn(consumer, leader, { ...wanted, signal: until })) {
        count += 1;
        if (count > recordsMax)
          throw new Error(`${topic} holds more than ${recordsMax} records: it is no canary topic`);
        records.push(logged(record));
      }
      logs.push({ topic, partition, start, end, readAtMs, records });
    }
    return logs;
  } finally {
    await consumer.close(true);
  }
}

async function* recordsIn(
  consumer: Consumer,
  leader: Leader,
  { from, end, signal }: { readonly from: bigint; readonly end: bigint; readonly signal: AbortSignal },
): AsyncGenerator<FetchedRecord> {
  let offset = from;
  while (offset < end) {
    signal.throwIfAborted();
    const { records, next } = await fetchFrom(consumer, [{ ...leader, offset }], fetchWaitMs);
    for (const record of records) if (record.offset < end) yield record;
    offset = next.get(leader.partition) ?? offset;
  }
}

function logged({ offset, key, value }: FetchedRecord): LoggedRecord {
  const bytes = value ?? Buffer.alloc(0);
  return { offset, key: key?.toString(), hash: hashOf(bytes), decoded: decodeCanary(bytes.toString()) };
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
