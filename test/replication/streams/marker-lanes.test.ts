import { Reader, Writer } from '@platformatic/kafka';
import { expect, it } from 'vitest';
import { FramePool } from '../../../src/kafka/frame-pool.ts';
import { Copier } from '../../../src/replication/copier/copier.ts';
import { LinkMeters } from '../../../src/replication/streams/link-meters.ts';
import { defaultReplicatorLimits } from '../../../src/replication/replicator-limits.ts';
import { type Route, StreamSet } from '../../../src/replication/streams/stream-set.ts';
import { answerTo, clusterOf, serveBroker } from '../../kafka/loopback.ts';
import { metadataAnswer } from '../../kafka/metadata-answer.ts';
import { soon } from '../../kafka/soon.ts';
import { attribute, makeBatch } from '../batches/batches.ts';

const topicId = 'aa'.repeat(16);
const keys = { metadata: 3, epochEnds: 23, markers: 27 } as const;
/** The partition whose last replica in sync went away: whatever request names it is not answered. */
const held = 1;

it('a partition short of replicas holds up no markers of partitions that have them all', async () => {
  const ends = new Map<number, bigint>();
  const server = await serveBroker((request) => {
    const reply = (body: Buffer): void => void request.socket.write(answerTo(request, body));
    switch (request.apiKey) {
      case keys.metadata:
        reply(metadataAnswer([{ nodeId: 1, ...server.address }]));
        return;
      case keys.markers: {
        const partitions = markedPartitions(request.body);
        for (const partition of partitions) ends.set(partition, (ends.get(partition) ?? 0n) + 1n);
        if (!partitions.includes(held)) reply(Buffer.of(1, 0));
        return;
      }
      case keys.epochEnds:
        reply(endsAnswer(ends));
    }
  });
  const cluster = clusterOf(server);
  await cluster.metadata('all');
  const stopping = new AbortController();
  const running: Promise<void>[] = [];
  const streams = new StreamSet({
    source: cluster,
    target: cluster,
    pool: new FramePool(1 << 20),
    lease: {
      identity: { producerId: 7n, producerEpoch: 0 },
      held: () => true,
      maySend: () => true,
      confirm: () => Promise.resolve(true),
      wait: () => Promise.resolve(),
    },
    limits: defaultReplicatorLimits,
    meters: new LinkMeters(),
    onRoom: () => undefined,
    spawn: (run) => void running.push(run(stopping.signal)),
  });
  const start = (partition: number, replicas: 'all' | 'some'): Copier => {
    const route = streams.route({ sourceBroker: 1, targetBroker: 1, partition, replicas });
    return copierWithGaps(partition, route);
  };
  try {
    const short = start(held, 'some');
    await soon('the request of the short one is there', () => ends.get(held));
    const whole = start(0, 'all');
    await soon('the whole one has its markers', () => (whole.copiedTo === 3n ? true : undefined));
    expect(short.copiedTo).toBe(0n);
  } finally {
    stopping.abort();
    await cluster.close();
    await Promise.all(running);
    await server.close();
  }
});

/** Its source begins with three markers. */
function copierWithGaps(partition: number, route: Route): Copier {
  const copier = new Copier(
    { topic: 't', partition, sourceTopicId: topicId, targetTopicId: topicId, producerId: 2n ** 52n },
    {
      clock: { monotonicMs: () => performance.now(), now: () => new Date() },
      queueBytesMax: 1000,
      gapOffsetsMax: () => 10n,
      changed: (changed) => route.markers.touch(changed),
    },
  );
  route.markers.assign(copier, 0);
  copier.resumed({ logEnd: 0n, sequence: 0, lastFetchedEpoch: undefined }, copier.generation, route.budget);
  const batches = [0n, 1n, 2n].map((baseOffset) =>
    makeBatch({ baseOffset, records: 1, attributes: attribute.control, producerId: 9n }),
  );
  const bytes = Buffer.concat(batches);
  const frame = new FramePool(1 << 20).acquire(bytes.length);
  bytes.copy(frame.bytes);
  const offsets = { highWatermark: 3n, lastStableOffset: 3n, logStartOffset: 0n };
  copier.fetched(frame, {
    ...{ topicId, partition, errorCode: 0, ...offsets, abortedTransactions: [] },
    ...{ records: { start: 0, end: bytes.length }, diverging: undefined },
  });
  frame.release();
  return copier;
}

/** One partition number for each marker asked for. */
function markedPartitions(body: Buffer): readonly number[] {
  const markers = Reader.from(body).readArray((marker) => {
    marker.readInt64(); // producer id
    marker.readInt16();
    marker.readInt8(); // abort
    const topics = marker.readArray((topic) => {
      topic.readString();
      return topic.readArray((each) => each.readInt32(), true, false);
    });
    marker.readInt32(); // coordinator epoch
    return topics.flat();
  });
  return markers.flat();
}

function endsAnswer(ends: ReadonlyMap<number, bigint>): Buffer {
  return Writer.create()
    .appendInt32(0)
    .appendArray([0], (topic) => {
      topic.appendString('t').appendArray([...ends], (each, [partition, end]) => {
        each.appendInt16(0).appendInt32(partition).appendInt32(0).appendInt64(end);
      });
    })
    .appendTaggedFields().buffer;
}
