import { Reader, Writer } from '@platformatic/kafka';
import type { Broker } from '../../../src/kafka/cluster.ts';
import { answerTo, clusterOf, type LoopbackRequest, serveBroker } from '../../kafka/loopback.ts';

/** What one broker says about partition 0 of topic `t`, which it leads. */
export interface LogState {
  /** Log ends, one for each time it is asked; the last one stays. */
  readonly ends?: readonly (bigint | { readonly code: number })[];
  readonly start?: bigint;
  /** Producer id → last sequence. */
  readonly producers?: ReadonlyMap<bigint, number>;
  /** What a Fetch finds: batches, or an error. */
  readonly fetched?: Buffer | { readonly code: number };
  /** A whole log, instead of `fetched` and `ends`: batches without holes, read at any offset. */
  readonly log?: readonly Buffer[];
  /** Transactions that a Fetch calls aborted. */
  readonly aborted?: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
}

export interface LogBroker {
  readonly broker: Broker;
  /** API keys of the questions, in their order. */
  readonly asked: readonly number[];
  readonly close: () => Promise<void>;
}

export const topicId = 'aa'.repeat(16);
const keys = { fetch: 1, listOffsets: 2, epochEnds: 23, producers: 61 } as const;

export async function logBroker(log: LogState): Promise<LogBroker> {
  const asked: number[] = [];
  const ends = [...(log.ends ?? [0n])];
  const answers: Readonly<Record<number, (request: LoopbackRequest) => Writer>> = {
    [keys.epochEnds]: ({ body }) =>
      epochEnd(
        log.log === undefined ? ((ends.length > 1 ? ends.shift() : ends[0]) ?? 0n) : endOf(log.log, askedEpoch(body)),
      ),
    [keys.producers]: () => producers(log.producers ?? new Map()),
    [keys.listOffsets]: () => offset(log.start ?? 0n),
    [keys.fetch]: ({ body }) =>
      fetched(log.log === undefined ? (log.fetched ?? Buffer.alloc(0)) : readAt(log, askedOffset(body)), log.aborted),
  };
  const server = await serveBroker((request: LoopbackRequest) => {
    asked.push(request.apiKey);
    const answer = answers[request.apiKey];
    if (answer === undefined) throw new Error(`nobody expects API ${request.apiKey}`);
    request.socket.write(answerTo(request, answer(request).appendTaggedFields().buffer));
  });
  const cluster = clusterOf(server);
  return {
    broker: await cluster.any(),
    asked,
    close: async () => {
      await cluster.close();
      await server.close();
    },
  };
}

const baseOf = (batch: Buffer): bigint => batch.readBigInt64BE(0);
const nextOf = (batch: Buffer): bigint => baseOf(batch) + BigInt(batch.readInt32BE(23)) + 1n;
const epochOf = (batch: Buffer): number => batch.readInt32BE(12);

/** End of the newest epoch at or below the one asked for, or where the first known one begins. */
function endOf(log: readonly Buffer[], epoch: number): bigint {
  const older = log.filter((batch) => epochOf(batch) <= epoch).at(-1);
  const [first] = log;
  if (older !== undefined) return nextOf(older);
  return first === undefined ? 0n : baseOf(first);
}

function readAt({ log = [], start = 0n }: LogState, offset: bigint): Buffer | { readonly code: number } {
  const last = log.at(-1);
  const end = last === undefined ? start : nextOf(last);
  if (offset < start || offset > end) return { code: 1 };
  return log.find((batch) => nextOf(batch) > offset) ?? Buffer.alloc(0);
}

function askedEpoch(body: Buffer): number {
  const reader = Reader.from(body);
  reader.readInt32(); // replica id
  const epochs = reader.readArray((topic) => {
    topic.readString();
    return topic.readArray((each) => {
      each.readInt32(); // partition
      each.readInt32(); // current leader epoch
      return each.readInt32();
    });
  });
  return epochs.flat()[0] ?? -1;
}

function askedOffset(body: Buffer): bigint {
  const reader = Reader.from(body);
  reader.skip(4 + 4 + 4 + 4 + 1 + 4 + 4); // replica, waiting time, bytes, isolation, session
  const offsets = reader.readArray(
    (topic) => {
      topic.readUUID();
      return topic.readArray(
        (each) => {
          each.readInt32(); // partition
          each.readInt32(); // current leader epoch
          return each.readInt64();
        },
        true,
        false,
      );
    },
    true,
    false,
  );
  return offsets.flat()[0] ?? -1n;
}

function topics(fill: (partition: Writer) => void): Writer {
  return Writer.create()
    .appendInt32(0)
    .appendArray([0], (topic) => {
      topic.appendString('t').appendArray([0], (partition) => fill(partition));
    });
}

function epochEnd(end: bigint | { readonly code: number }): Writer {
  const [code, offsetOrNone] = typeof end === 'bigint' ? [0, end] : [end.code, -1n];
  return topics(
    (partition) => void partition.appendInt16(code).appendInt32(0).appendInt32(0).appendInt64(offsetOrNone),
  );
}

function producers(states: ReadonlyMap<bigint, number>): Writer {
  return topics((partition) => {
    partition.appendInt32(0).appendInt16(0).appendString(null);
    partition.appendArray([...states], (each, [id, sequence]) => {
      each.appendInt64(id).appendInt32(0).appendInt32(sequence).appendInt64(0n).appendInt32(-1).appendInt64(-1n);
    });
  });
}

function offset(start: bigint): Writer {
  return topics((partition) => {
    partition.appendInt32(0).appendInt16(0).appendInt64(-1n).appendInt64(start).appendInt32(0);
  });
}

function fetched(found: Buffer | { readonly code: number }, aborted: LogState['aborted'] = []): Writer {
  const [code, records] = Buffer.isBuffer(found) ? [0, found] : [found.code, Buffer.alloc(0)];
  return Writer.create()
    .appendInt32(0)
    .appendInt16(0)
    .appendInt32(0)
    .appendArray([0], (topic) => {
      topic.appendUUID(topicId).appendArray([0], (partition) => {
        partition.appendInt32(0).appendInt16(code).appendInt64(0n).appendInt64(0n).appendInt64(0n);
        partition
          .appendArray([...aborted], (each, { producerId, firstOffset }) => {
            each.appendInt64(producerId).appendInt64(firstOffset);
          })
          .appendInt32(-1)
          .appendBytes(records);
      });
    });
}
