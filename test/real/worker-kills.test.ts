import { CompressionTypes, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTopic, kafkajs, recordsIn } from '../fixtures/kafkajs.ts';
import { following, startPair, type TestPair } from '../fixtures/pair.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';

const sites = sharedSites();
/** The bounded version for CI; `KILLS=200 npm run test:real -- test/real/worker-kills.test.ts` is the long one. */
const kills = Number(process.env['KILLS'] ?? '6');
let pair: TestPair;

beforeAll(async () => {
  pair = await startPair({ clusters: { a: sites.a.umbra, b: sites.b.umbra } });
});

afterAll(async () => {
  await pair.remove();
});

test(
  'a worker killed again and again during copying leaves no batch different',
  async () => {
    const topic = 'a_kills';
    await createTopic(sites.a.app, topic, { partitions: 6 });
    const producer = kafkajs(sites.a.app).producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    let running = true;
    let sent = 0;
    const load = async (): Promise<void> => {
      while (running) {
        const messages = Array.from({ length: 100 }, () => ({ key: String(sent), value: `record ${sent++}` }));
        await producer.send({ topic, compression: CompressionTypes.GZIP, messages });
      }
    };
    const loading = load();
    try {
      for (let round = 0; round < kills; round++) {
        const before = round === 0 ? 0 : 1;
        await pair.topic(topic, (view) => view.copied.records >= before * 200, 60_000);
        await pair.kill('b');
        await pair.start('b');
      }
    } finally {
      running = false;
      await loading;
      await producer.disconnect();
    }
    await pair.topic(topic, following, 60_000);
    const report = await pair.verify([topic]);
    // kafkajs may send a record twice when an answer is an error for some partitions: the source says how many there are.
    const written = await recordsIn(sites.a.app, topic);
    expect(written).toBeGreaterThanOrEqual(sent);
    expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, recordsEqual: written, behind: 0 });
  },
  60_000 + kills * 20_000,
);
