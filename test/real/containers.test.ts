import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ContainerCluster, missingEngine, startContainerCluster } from '../fixtures/container-cluster.ts';
import { consumeWhole } from '../fixtures/consumed-records.ts';
import { javaConsume, javaProduce } from '../fixtures/java-client.ts';
import { createTopic, logEnds, produce } from '../fixtures/kafkajs.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { startPair } from '../fixtures/pair.ts';

const missing = await missingEngine();
if (missing !== undefined) console.warn(`\nSKIPPED: nothing is proven about containers here. ${missing}\n`);

const startTimeoutMs = 600_000;
/** Prefixes of the pair: what the other tests here make belongs to nobody. */
const owners = { a: 'loop-a_', b: 'loop-b_' } as const;

describe.skipIf(missing !== undefined)('a pair of clusters in containers', () => {
  const started: ContainerCluster[] = [];
  beforeAll(async () => {
    const start = async (name: SiteId, index: number): Promise<void> => {
      started[index] = await startContainerCluster(name);
    };
    await Promise.all(sites.map(start));
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
      expect(await consume(cluster, [topic])).toEqual([['one', 'two', 'three']]);
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

  test('both links on, traffic both ways, then silence: every log end stays, nothing appears twice, nothing flows back', async () => {
    const [a, b] = started;
    if (a === undefined || b === undefined) throw new Error('two clusters');
    const clusters = { a, b };
    const principals = { umbra: 'User:umbra', app: 'User:app' };
    for (const site of sites) await clusters[site].grant(renderSiteAcls({ site, owners, principals }));
    const pair = await startPair({ owners, clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
    try {
      const values = Array.from({ length: 500 }, (_, index) => `record ${index}`);
      const write = async (name: string, texts: readonly string[]): Promise<void> => {
        for (const site of sites) {
          await createTopic(clusters[site].connection('app'), `${owners[site]}${name}`);
          await produce(clusters[site].connection('app'), `${owners[site]}${name}`, texts);
        }
        for (const site of sites) await pair.level(`${owners[site]}${name}`);
      };
      await write('silent', values);
      // Whatever came back would come back now: a second topic copied after the first proves that the links went on.
      await write('after', ['later']);
      const silent = sites.map((site) => `${owners[site]}silent`);
      for (const site of sites) {
        for (const topic of silent) expect(await logEnds(clusters[site].connection('app'), topic)).toEqual([500n]);
        expect(await consume(clusters[site], silent)).toEqual([values, values]);
      }
      const report = await pair.verify();
      expect(report.totals).toMatchObject({ recordsEqual: 1002, recordsDifferent: 0, behind: 0 });
    } finally {
      await pair.remove();
    }
  }, 240_000);
});

async function consume(cluster: ContainerCluster, topics: readonly string[]): Promise<readonly (readonly string[])[]> {
  const groupId = `group-${topics.join('-')}`;
  const records = await consumeWhole(cluster.connection('admin'), { topics, groupId });
  return [...records.values()].map((each) => each.map(({ value }) => value));
}
