import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ContainerCluster, missingEngine, startContainerCluster } from '../fixtures/container-cluster.ts';
import { javaConsume, javaProduce } from '../fixtures/java-client.ts';
import { createTopic, kafkajs, logEnds, produce } from '../fixtures/kafkajs.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { following, startPair } from '../fixtures/pair.ts';

const missing = await missingEngine();
if (missing !== undefined) console.warn(`\nSKIPPED: nothing is proven about containers here. ${missing}\n`);

const startTimeoutMs = 600_000;

describe.skipIf(missing !== undefined)('a pair of clusters in containers', () => {
  const started: ContainerCluster[] = [];
  beforeAll(async () => {
    // One after the other up to here: the first may build the image.
    started.push(await startContainerCluster('a'));
    started.push(await startContainerCluster('b'));
  }, startTimeoutMs);
  afterAll(async () => {
    await Promise.all(started.map((cluster) => cluster.remove()));
  });

  test('kafkajs produces to both and consumes from both through mapped ports', async () => {
    for (const [index, cluster] of started.entries()) {
      const topic = index === 0 ? 'a_hello' : 'b_hello';
      const admin = cluster.connection('admin');
      await createTopic(admin, topic);
      await produce(admin, topic, ['one', 'two', 'three']);
      expect(await consume(cluster, topic, 3)).toEqual(['one', 'two', 'three']);
    }
  });

  test('the image has what every codec needs', async () => {
    const admin = started[0]!.connection('admin');
    const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
    const jobs = codecs.map((codec) => ({
      topic: `a_${codec}`,
      partitions: 1,
      records: 200,
      codec,
      idempotence: true,
      seed: 1,
    }));
    for (const { topic } of jobs) await createTopic(admin, topic, { configs: { 'retention.ms': '-1' } });
    await javaProduce(admin, jobs);
    expect((await javaConsume(admin, jobs)).map(({ records }) => records)).toEqual([200, 200, 200, 200]);
  });

  test('app is refused in containers as well', async () => {
    for (const cluster of started) {
      await createTopic(cluster.connection('admin'), 'a_closed');
      await expect(produce(cluster.connection('app'), 'a_closed', ['x'])).rejects.toThrow(/Not authorized/);
    }
  });
});

describe.skipIf(missing !== undefined)('the loop rule in containers', () => {
  test(
    'both links on, traffic both ways, then silence: every log end stays, nothing appears twice, nothing flows back',
    async () => {
      const clusters = { a: await startContainerCluster('loop-a'), b: await startContainerCluster('loop-b') };
      const principals = { umbra: 'User:umbra', app: 'User:app' };
      for (const site of ['a', 'b'] as const) {
        await clusters[site].grant(renderSiteAcls({ site, owners: testOwners, principals }));
      }
      const pair = await startPair({
        clusters: { a: clusters.a.connection('umbra'), b: clusters.b.connection('umbra') },
      });
      try {
        const values = Array.from({ length: 500 }, (_, index) => `record ${index}`);
        for (const site of ['a', 'b'] as const) {
          await createTopic(clusters[site].connection('app'), `${site}_loop`);
          await produce(clusters[site].connection('app'), `${site}_loop`, values);
        }
        for (const topic of ['a_loop', 'b_loop']) await pair.topic(topic, following);
        // Whatever came back would come back now: a second topic copied after the first proves that the links went on.
        for (const site of ['a', 'b'] as const) {
          await createTopic(clusters[site].connection('app'), `${site}_after`);
          await produce(clusters[site].connection('app'), `${site}_after`, ['later']);
        }
        for (const topic of ['a_after', 'b_after']) await pair.topic(topic, following);
        for (const site of ['a', 'b'] as const) {
          for (const topic of ['a_loop', 'b_loop']) {
            expect(await logEnds(clusters[site].connection('app'), topic)).toEqual([500n]);
            expect(await consume(clusters[site], topic, 500)).toEqual(values);
          }
        }
        const report = await pair.verify();
        expect(report.totals).toMatchObject({ recordsEqual: 1002, recordsDifferent: 0, behind: 0 });
      } finally {
        await pair.remove();
        await Promise.all([clusters.a.remove(), clusters.b.remove()]);
      }
    },
    startTimeoutMs,
  );
});

async function consume(cluster: ContainerCluster, topic: string, count: number): Promise<readonly string[]> {
  const consumer = kafkajs(cluster.connection('admin')).consumer({ groupId: `group-${topic}` });
  const values: string[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        values.push(message.value?.toString() ?? '');
        return Promise.resolve();
      },
    });
    await expect.poll(() => values.length, { timeout: 30_000 }).toBe(count);
    return values;
  } finally {
    await consumer.disconnect();
  }
}
