import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { canaryPartitions, canaryTopicConfigs, canaryTopicName } from '../../src/canary/canary-topic.ts';
import { startCanaryWriter } from '../../src/canary/canary-writer.ts';
import { judgeCanaries } from '../../src/canary/judge-canaries.ts';
import { openLedger } from '../../src/canary/ledger/canary-ledger.ts';
import { folderPlace } from '../../src/canary/ledger/folder-place.ts';
import { readLedger } from '../../src/canary/ledger/read-ledger.ts';
import { readCanaryLog } from '../../src/canary/read-log.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic, deleteBefore } from '../fixtures/kafkajs.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ security: 'none', name: 'canaries' });
}, 240_000);
afterAll(() => cluster.remove(), 60_000);

const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

test('a broker that hangs, and one that dies: what nobody answered is there once or not, and nothing stays open', async () => {
  const config = clusterConfigSchema.parse(cluster.connection('app'));
  const topic = canaryTopicName('a_', 2);
  await createTopic(cluster.connection('app'), topic, { partitions: canaryPartitions, configs: canaryTopicConfigs });
  const openBefore = sockets();
  const ledgerFolder = join(testFolder('canary-trouble'), 'ledger');
  const clock = { monotonicMs: () => performance.now(), now: () => new Date() };
  const ledger = openLedger({ place: folderPlace(ledgerFolder), pair: 'test', vantage: 'a', life: 'life-1', clock });
  const writer = startCanaryWriter({
    ...{ pair: 'test', vantage: 'a', sites: { a: config, b: config }, ledger, clock },
    topics: () => [{ name: topic, link: 'a-b', partitions: canaryPartitions }],
    primaryOf: () => ({ site: 'a', term: 0 }),
    rate: () => 20,
    logger: pino({ level: 'silent' }),
  });
  onTestFinished(async () => {
    await cluster.broker.resume().catch(() => undefined);
    await writer.stop();
  });
  const status = (): ReturnType<typeof writer.status>[number] => {
    const [first] = writer.status();
    if (first === undefined) throw new Error('the topic is not written');
    return first;
  };
  const writesOn = async (what: string): Promise<void> => {
    const { acked } = status();
    await eventually(`it writes, ${what}`, () => status().acked > acked + 50 || undefined, 60_000);
  };
  await writesOn('before');
  await cluster.broker.pause();
  await eventually('nobody answers', () => status().unanswered >= canaryPartitions || undefined, 60_000);
  await cluster.broker.resume();
  await writesOn('after the broker hung');
  await cluster.broker.kill();
  await eventually('nobody is there', () => status().trouble?.includes('ECONNREFUSED') === true || undefined);
  await cluster.broker.start();
  await writesOn('after the broker died');
  const { sent, refused, unanswered } = status();
  await writer.stop();
  await ledger.close();
  await eventually('every connection is closed', () => sockets() <= openBefore || undefined);

  const logs = await readCanaryLog(config, topic);
  const { entries, problems } = await readLedger(ledgerFolder, { since: 0 });
  expect(problems).toEqual([]);
  const judged = judgeCanaries({ entries, logs });
  expect(judged.problems).toEqual([]);
  expect(judged.counts.once).toBe(judged.counts.acked);
  const { unansweredThere, unansweredAbsent } = judged.unjudged;
  expect(unansweredThere + unansweredAbsent).toBeGreaterThanOrEqual(unanswered);
  process.stdout.write(
    `canaries: ${sent} sent, ${refused} refused; of ${unanswered} unanswered ${unansweredThere} are there\n`,
  );

  await deleteBefore(cluster.connection('app'), topic, 20);
  const later = judgeCanaries({ entries, logs: await readCanaryLog(config, topic) });
  expect(later.problems).toEqual([]);
  expect(later.unjudged.retired).toBeGreaterThan(10);
}, 240_000);
