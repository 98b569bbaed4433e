import { Reader, Writer } from '@platformatic/kafka';
import { FramePool } from '../../../src/kafka/frame-pool.ts';
import { Copier } from '../../../src/replication/copier/copier.ts';
import { FetchStream } from '../../../src/replication/streams/fetch-stream.ts';
import { LinkMeters } from '../../../src/replication/streams/link-meters.ts';
import { answerTo, clusterOf, type LoopbackRequest, serveBroker } from '../../kafka/loopback.ts';
import { metadataAnswer } from '../../kafka/metadata-answer.ts';
import { soon } from '../../kafka/soon.ts';

/** A Fetch request as the library's reader understands it. */
export interface AskedFetch {
  readonly session: readonly [id: number, epoch: number];
  readonly maxWaitMs: number;
  readonly bytesMax: number;
  /** `topic id/partition@offset` */
  readonly partitions: readonly string[];
  readonly details: readonly { readonly currentLeaderEpoch: number; readonly lastFetchedEpoch: number }[];
  readonly forgotten: readonly string[];
}

export interface AnsweredFetch {
  readonly errorCode?: number;
  readonly sessionId?: number;
  readonly partitions?: readonly {
    readonly topicId: string;
    readonly partition: number;
    readonly errorCode?: number;
    readonly end?: bigint;
    readonly records?: Buffer;
    readonly diverging?: { readonly epoch: number; readonly endOffset: bigint };
  }[];
}

export const topicId = 'aa'.repeat(16);

/** A source of one broker whose Fetch answers are given by the test, one by one, and a stream that fetches from it. */
export interface FetchSource {
  readonly stream: FetchStream;
  readonly pool: FramePool;
  readonly meters: LinkMeters;
  /** The request number `count`, counted from 1. */
  readonly asked: (count: number) => Promise<AskedFetch>;
  /** Answers the oldest request without an answer. */
  readonly answer: (answer: AnsweredFetch) => void;
  readonly answerBytes: (body: Buffer) => void;
  readonly hangUp: () => void;
  /** A copier that has resumed at `logEnd` and is assigned to the stream. */
  readonly copier: (partition: number, logEnd?: bigint) => Copier;
  readonly resume: (copier: Copier, logEnd: bigint) => void;
  readonly stop: () => Promise<void>;
}

export const limits = { answerBytesMax: 100_000, partitionBytesMax: 50_000, maxWaitMs: 500 };
const queueBytesMax = 150;
const leaderEpoch = 7;
const fetchKey = 1;

export async function fetchSource(bytesShare = 1_000_000): Promise<FetchSource> {
  const requests: AskedFetch[] = [];
  const unanswered: LoopbackRequest[] = [];
  const server = await serveBroker((request) => {
    if (request.apiKey === fetchKey) {
      requests.push(parseFetch(request.body));
      unanswered.push(request);
    } else {
      request.socket.write(answerTo(request, metadataAnswer([{ nodeId: 1, ...server.address }])));
    }
  });
  const cluster = clusterOf(server);
  await cluster.metadata('all');
  const pool = new FramePool(1 << 22);
  const meters = new LinkMeters();
  const stream = new FetchStream(1, cluster, { pool, limits, bytesShare: () => bytesShare, meters });
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
  const resume = (copier: Copier, logEnd: bigint): void => {
    copier.resumed({ logEnd, sequence: 0, lastFetchedEpoch: logEnd === 0n ? undefined : 4 }, copier.generation);
    stream.assign(copier, leaderEpoch);
  };
  return {
    stream,
    pool,
    meters,
    asked: (count) => soon(`fetch request ${count}`, () => requests[count - 1]),
    answer: (answer) => answerBytes(encodeAnswer(answer)),
    answerBytes,
    hangUp: () => void oldest().socket.destroy(),
    copier: (partition, logEnd = 0n) => {
      const copier = newCopier(partition, stream);
      resume(copier, logEnd);
      return copier;
    },
    resume,
    stop: async () => {
      stopping.abort();
      await cluster.close();
      await running;
      await server.close();
    },
  };
}

/** Tells the stream of its changes, as the replicator does. */
function newCopier(partition: number, stream: FetchStream): Copier {
  return new Copier(
    { topic: 't', partition, sourceTopicId: topicId, targetTopicId: topicId, producerId: 2n ** 52n },
    {
      clock: { monotonicMs: () => performance.now(), now: () => new Date() },
      queueBytesMax,
      gapOffsetsMax: () => 1_000_000n,
      changed: (copier) => {
        if (copier.state.kind === 'copying' || copier.state.kind === 'waiting') stream.touch(copier);
        else stream.unassign(copier);
      },
    },
  );
}

function parseFetch(body: Buffer): AskedFetch {
  const reader = Reader.from(body);
  reader.readInt32(); // replica id
  const maxWaitMs = reader.readInt32();
  reader.readInt32(); // min bytes
  const bytesMax = reader.readInt32();
  reader.readInt8(); // isolation level
  const session = [reader.readInt32(), reader.readInt32()] as const;
  const asked = reader.readArray((topic) => {
    const id = topic.readUUID().replaceAll('-', '');
    return topic.readArray((each) => {
      const partition = each.readInt32();
      const currentLeaderEpoch = each.readInt32();
      const place = `${id}/${partition}@${each.readInt64()}`;
      const lastFetchedEpoch = each.readInt32();
      each.readInt64(); // log start
      each.readInt32(); // partition bytes
      return { place, currentLeaderEpoch, lastFetchedEpoch };
    });
  });
  const forgotten = reader.readArray((topic) => {
    const id = topic.readUUID().replaceAll('-', '');
    return topic.readArray((each) => `${id}/${each.readInt32()}`, true, false);
  });
  const details = asked.flat();
  return {
    ...{ session, maxWaitMs, bytesMax, details, forgotten: forgotten.flat() },
    partitions: details.map(({ place }) => place),
  };
}

function encodeAnswer({ errorCode = 0, sessionId = 0, partitions = [] }: AnsweredFetch): Buffer {
  return Writer.create()
    .appendInt32(0)
    .appendInt16(errorCode)
    .appendInt32(sessionId)
    .appendArray([...partitions], (topic, answer) => {
      const end = answer.end ?? 0n;
      topic.appendUUID(answer.topicId).appendArray(
        [answer],
        (each) => {
          each.appendInt32(answer.partition).appendInt16(answer.errorCode ?? 0);
          each.appendInt64(end).appendInt64(end).appendInt64(0n);
          each.appendArray([], () => undefined).appendInt32(-1);
          each.appendBytes(answer.records ?? Buffer.alloc(0));
          const { diverging } = answer;
          if (diverging === undefined) each.appendTaggedFields();
          else each.appendUnsignedVarInt(1).appendUnsignedVarInt(0).appendUnsignedVarInt(13);
          if (diverging !== undefined)
            each.appendInt32(diverging.epoch).appendInt64(diverging.endOffset).appendTaggedFields();
        },
        true,
        false,
      );
    })
    .appendTaggedFields().buffer;
}
