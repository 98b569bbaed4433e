import { Reader, Writer } from '@platformatic/kafka';
import { FramePool } from '../../../src/kafka/frame-pool.ts';
import { Copier } from '../../../src/replication/copier/copier.ts';
import { LinkMeters } from '../../../src/replication/streams/link-meters.ts';
import { type ProduceLimits, ProduceStream } from '../../../src/replication/streams/produce-stream.ts';
import {
  answerTo,
  clusterOf,
  frame,
  type Loopback,
  type LoopbackRequest,
  serveBroker,
  serveFrames,
} from '../../kafka/loopback.ts';
import { metadataAnswer } from '../../kafka/metadata-answer.ts';
import { soon } from '../../kafka/soon.ts';
import { deliver } from './deliver.ts';

/** A Produce request as the library's reader understands it. */
export interface AskedProduce {
  readonly version: number;
  readonly acks: number;
  readonly timeoutMs: number;
  /** `topic/partition` → batch. */
  readonly batches: ReadonlyMap<string, Buffer>;
}

export interface AnsweredProduce {
  readonly partition: number;
  readonly errorCode?: number;
  readonly baseOffset?: bigint;
  readonly message?: string;
}

/** A target of one broker whose Produce answers are given by the test, one by one, and a stream that appends to it. */
export interface ProduceTarget {
  readonly stream: ProduceStream;
  readonly meters: LinkMeters;
  /** Of the frames that the copiers hold. */
  readonly pool: FramePool;
  /** The request number `count`, counted from 1. */
  readonly asked: (count: number) => Promise<AskedProduce>;
  /** Requests so far. */
  readonly requests: () => number;
  /** The connections that requests came over, one for each request. */
  readonly connections: readonly unknown[];
  /** Answers the oldest request without an answer. */
  readonly answer: (...partitions: readonly AnsweredProduce[]) => void;
  readonly answerBytes: (body: Buffer) => void;
  readonly hangUp: () => void;
  /** The broker goes away: connections break and nobody listens. */
  readonly leave: () => Promise<void>;
  /** A copier that has resumed at `logEnd` and got these batches from the source. */
  readonly copier: (partition: number, batches: readonly Buffer[], logEnd?: bigint) => Copier;
  readonly stop: () => Promise<void>;
}

const produceKey = 0;
const topicId = 'aa'.repeat(16);

export async function produceTarget(
  limits: Partial<ProduceLimits> = {},
  serve: (script: (request: LoopbackRequest) => void) => Promise<Loopback> = serveBroker,
): Promise<ProduceTarget> {
  const requests: AskedProduce[] = [];
  const unanswered: LoopbackRequest[] = [];
  const connections: unknown[] = [];
  const server = await serve((request) => {
    if (request.apiKey === produceKey) {
      requests.push(parseProduce(request));
      unanswered.push(request);
      connections.push(request.socket);
    } else {
      request.socket.write(answerTo(request, metadataAnswer([{ nodeId: 1, ...server.address }])));
    }
  });
  const cluster = clusterOf(server);
  await cluster.metadata('all');
  const meters = new LinkMeters();
  const pool = new FramePool(1 << 22);
  const options = {
    lane: 0,
    meters,
    lease: {
      ...{ identity: undefined, held: () => true, maySend: () => true },
      ...{ wait: () => Promise.resolve(), confirm: () => Promise.resolve(true) },
    },
    limits: { requestBytesMax: 1 << 20, partitionsMax: 100, timeoutMs: 4_000, ...limits },
  };
  const stream = new ProduceStream(1, cluster, options);
  const stopping = new AbortController();
  const running = stream.run(stopping.signal);
  const oldest = (): LoopbackRequest => {
    const request = unanswered.shift();
    if (request === undefined) throw new Error('no request waits for an answer');
    return request;
  };
  const answerBytes = (body: Buffer): void => {
    const request = oldest();
    request.socket.write(answerTo(request, body));
  };
  return {
    ...{ stream, meters, pool, connections, answerBytes },
    asked: (count) => soon(`produce request ${count}`, () => requests[count - 1]),
    requests: () => requests.length,
    answer: (...partitions) => answerBytes(encodeAnswer(partitions)),
    hangUp: () => void oldest().socket.destroy(),
    leave: () => server.close(),
    copier: (partition, batches, logEnd = 0n) => {
      const copier = newCopier(partition, stream);
      copier.resumed({ logEnd, sequence: Number(logEnd), lastFetchedEpoch: undefined }, copier.generation);
      deliver(copier, pool, Buffer.concat(batches), 1000n);
      return copier;
    },
    stop: async () => {
      stopping.abort();
      await cluster.close();
      await running;
      await server.close();
    },
  };
}

/** A broker whose Produce is too old, told in its ApiVersions. */
export function serveOldProduce(script: (request: LoopbackRequest) => void): Promise<Loopback> {
  const apis = [
    { key: 0, max: 8 },
    { key: 3, max: 12 },
    { key: 18, max: 3 },
  ];
  const versions = Writer.create()
    .appendInt16(0)
    .appendArray(apis, (w, { key, max }) => void w.appendInt16(key).appendInt16(0).appendInt16(max))
    .appendInt32(0)
    .appendTaggedFields().buffer;
  return serveFrames((request) => {
    if (request.apiKey === 18) request.socket.write(frame(request.correlationId, versions));
    else script(request);
  });
}

/** Tells the stream of its changes, as the replicator does. */
function newCopier(partition: number, stream: ProduceStream): Copier {
  return new Copier(
    { topic: 't', partition, sourceTopicId: topicId, targetTopicId: topicId, producerId: 2n ** 52n + 5n },
    {
      clock: { monotonicMs: () => performance.now(), now: () => new Date() },
      queueBytesMax: 1 << 20,
      gapOffsetsMax: () => 1_000_000n,
      changed: (copier) => {
        if (copier.state.kind === 'copying' || copier.state.kind === 'waiting') stream.touch(copier);
        else stream.remove(copier);
      },
    },
  );
}

function parseProduce({ apiVersion, body }: LoopbackRequest): AskedProduce {
  const reader = Reader.from(body);
  reader.readNullableString(); // transactional id
  const acks = reader.readInt16();
  const timeoutMs = reader.readInt32();
  const batches = new Map<string, Buffer>();
  reader.readArray((topic) => {
    const name = topic.readString();
    topic.readArray((each) => batches.set(`${name}/${each.readInt32()}`, Buffer.from(each.readBytes())));
  });
  return { version: apiVersion, acks, timeoutMs, batches };
}

function encodeAnswer(partitions: readonly AnsweredProduce[]): Buffer {
  return Writer.create()
    .appendArray([partitions], (topic, list) => {
      topic
        .appendString('t')
        .appendArray([...list], (each, { partition, errorCode = 0, baseOffset = -1n, message }) => {
          each.appendInt32(partition).appendInt16(errorCode).appendInt64(baseOffset).appendInt64(-1n).appendInt64(0n);
          each.appendArray([], () => undefined).appendString(message ?? null);
        });
    })
    .appendInt32(0)
    .appendTaggedFields().buffer;
}
