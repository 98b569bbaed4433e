import { Writer } from '@platformatic/kafka';
import type { Broker } from '../../src/kafka/cluster.ts';
import { answerTo, clusterOf, type LoopbackRequest, serveBroker } from '../kafka/loopback.ts';

/** What one broker says about partition 0 of topic `t`, which it leads. */
export interface LogState {
  /** Log ends, one for each time it is asked; the last one stays. */
  readonly ends?: readonly (bigint | { readonly code: number })[];
  readonly start?: bigint;
  /** Producer id → last sequence. */
  readonly producers?: ReadonlyMap<bigint, number>;
  /** What a Fetch finds: batches, or an error. */
  readonly fetched?: Buffer | { readonly code: number };
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
  const answers: Readonly<Record<number, () => Writer>> = {
    [keys.epochEnds]: () => epochEnd((ends.length > 1 ? ends.shift() : ends[0]) ?? 0n),
    [keys.producers]: () => producers(log.producers ?? new Map()),
    [keys.listOffsets]: () => offset(log.start ?? 0n),
    [keys.fetch]: () => fetched(log.fetched ?? Buffer.alloc(0)),
  };
  const server = await serveBroker((request: LoopbackRequest) => {
    asked.push(request.apiKey);
    const answer = answers[request.apiKey];
    if (answer === undefined) throw new Error(`nobody expects API ${request.apiKey}`);
    request.socket.write(answerTo(request, answer().appendTaggedFields().buffer));
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

function fetched(found: Buffer | { readonly code: number }): Writer {
  const [code, records] = Buffer.isBuffer(found) ? [0, found] : [found.code, Buffer.alloc(0)];
  return Writer.create()
    .appendInt32(0)
    .appendInt16(0)
    .appendInt32(0)
    .appendArray([0], (topic) => {
      topic.appendUUID(topicId).appendArray([0], (partition) => {
        partition.appendInt32(0).appendInt16(code).appendInt64(0n).appendInt64(0n).appendInt64(0n);
        partition
          .appendArray([], () => undefined)
          .appendInt32(-1)
          .appendBytes(records);
      });
    });
}
