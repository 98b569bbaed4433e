import { describe, expect, it } from 'vitest';
import type { Broker, Cluster } from '../../src/kafka/cluster.ts';
import { epochEnds, lastSequences, listOffsets, logEnds, partitionKey } from '../../src/kafka/log-queries.ts';
import { apiVersions } from '../../src/kafka/versions-api.ts';
import { call } from '../../src/kafka/library-api.ts';
import { type GoldenVersion, goldenVersions, topicIdOf, witnessOf } from './golden-frames.ts';
import { goldenAnswer, type LoopbackRequest, withBroker } from './loopback.ts';

/** Answers of real brokers over the loopback, through the library's codecs; expected values are written down. */
describe.each(goldenVersions)('a broker of Kafka %s', (version) => {
  it('tells the versions of its APIs', async () => {
    await replay(version, [], async (broker) => {
      const answer = await call(broker.connection, apiVersions, 'umbra', '0');
      const rangeOf = (key: number): unknown => {
        const range = answer.apiKeys.find(({ apiKey }) => apiKey === key);
        return range === undefined ? undefined : [range.minVersion, range.maxVersion];
      };
      // As org.apache.kafka.common.protocol.ApiKeys of that release has them.
      expect(rangeOf(0)).toEqual(version === '4.3.1' ? [0, 13] : [0, 11]);
      expect(rangeOf(1)).toEqual(version === '4.3.1' ? [4, 18] : [0, 17]);
      expect(rangeOf(18)).toEqual([0, 4]);
      expect(rangeOf(61)).toEqual([0, 0]);
      expect(rangeOf(9999)).toBeUndefined();
    });
  });

  it('tells its topics: ids, leaders, epochs, replicas', async () => {
    await replay(version, ['metadata-all'], async (_broker, cluster) => {
      const metadata = await cluster.metadata('all');
      const { clusterId, topicIds } = witnessOf(version);
      expect(metadata).toMatchObject({ clusterId, controller: 1, brokers: 1 });
      expect(new Map([...metadata.topics.values()].map(({ name, topicId }) => [name, topicId]))).toEqual(
        new Map(Object.entries(topicIds)),
      );
      // The broker was started a second time: two leader epochs further.
      const led = { leader: 1, leaderEpoch: 2, replicas: 1, inSync: 1 };
      expect(metadata.topics.get('target')).toEqual({
        name: 'target',
        topicId: topicIdOf(version, 'target'),
        internal: false,
        partitions: [
          { partition: 0, ...led },
          { partition: 1, ...led },
        ],
      });
      expect(metadata.topics.get('__transaction_state')).toMatchObject({ internal: true });
    });
  });

  it('leaves topics out that do not exist', async () => {
    await replay(version, ['metadata-some'], async (_broker, cluster) => {
      const metadata = await cluster.metadata(['target', 'nowhere']);
      expect([...metadata.topics.keys()]).toEqual(['target']);
    });
  });

  it('tells where the epochs of a log end', async () => {
    await replay(version, ['epoch-end-0', 'epoch-end-1', 'epoch-end-2'], async (broker) => {
      const none = { topic: 'none', partition: 0, leaderEpoch: -1 };
      const epochs = { topic: 'epochs', partition: 0, leaderEpoch: -1 };
      expect(await epochEnds(broker, [{ ...none, epoch: 0 }])).toEqual(new Map([['none/0', { ok: true, value: 20n }]]));
      expect(await epochEnds(broker, [{ ...epochs, epoch: 0 }])).toEqual(
        new Map([['epochs/0', { ok: true, value: 5n }]]),
      );
      expect(await logEnds(broker, [{ ...none, leaderEpoch: 99 }])).toEqual(
        new Map([['none/0', { ok: false, code: 75 }]]),
      );
    });
  });

  it('tells the last sequences of the producers of each partition', async () => {
    await replay(version, ['producers'], async (broker) => {
      const asked = [0, 1].map((partition) => ({ topic: 'target', partition }));
      const link = 2n ** 52n;
      expect(await lastSequences(broker, asked)).toEqual(
        new Map<string, unknown>([
          [
            'target/0',
            {
              ok: true,
              value: new Map([
                [link + 9n, 5],
                [link + 11n, 5],
              ]),
            },
          ],
          [
            'target/1',
            {
              ok: true,
              value: new Map([
                [link + 9n, 5],
                [link + 11n, 7],
              ]),
            },
          ],
          ['empty/0', { ok: true, value: new Map() }],
          ['empty/5', { ok: false, code: 3 }],
        ]),
      );
    });
  });

  it.each([
    ['earliest', 0n, 0n],
    ['latest', 20n, 8n],
  ] as const)('tells the %s offsets of logs', async (which, none, txn) => {
    await replay(version, [`offsets-${which}`], async (broker) => {
      const asked = ['none', 'txn', 'nowhere'].map((topic) => ({ topic, partition: 0 }));
      expect(await listOffsets(broker, which, asked)).toEqual(
        new Map<string, unknown>([
          [partitionKey('none', 0), { ok: true, value: none }],
          [partitionKey('txn', 0), { ok: true, value: txn }],
          [partitionKey('nowhere', 0), { ok: false, code: 3 }],
        ]),
      );
    });
  });
});

/** A broker whose next answers are the captured ones, in this order. */
async function replay(
  version: GoldenVersion,
  names: readonly string[],
  work: (broker: Broker, cluster: Cluster) => Promise<void>,
): Promise<void> {
  const left = [...names];
  const script = (request: LoopbackRequest): void => {
    const name = left.shift();
    if (name === undefined) throw new Error('a request too many');
    request.socket.write(goldenAnswer(request, name, version));
  };
  await withBroker(script, work, version);
}
