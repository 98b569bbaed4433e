import { afterAll, beforeAll, expect, test } from 'vitest';
import { sites } from '../../src/pair/site.ts';
import { type GrantedSites, removeSites, startGrantedSites } from '../fixtures/granted-sites.ts';
import { kafkajs } from '../fixtures/kafkajs.ts';
import { Ledger } from '../fixtures/ledger/ledger.ts';
import { startLedgerWriter } from '../fixtures/ledger/ledger-writer.ts';
import { move, stepsText } from '../fixtures/moves.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { eventually } from '../fixtures/wait.ts';

/** How many topics are taken over together. */
const topicCount = Number(process.env['UMBRA_FAILOVER_TOPICS'] ?? 1000);
/** A request may name so many. */
const namedMax = 200;
const createdAtOnce = 100;
const numbered = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `a_${name}-${String(index).padStart(4, '0')}`);
const names = { alive: numbered('alive', Math.min(namedMax, topicCount)), dead: numbered('dead', topicCount) };
const single = { alive: 'a_single-alive', dead: 'a_single-dead' };
let clusters: GrantedSites;
let pair: TestPair;

beforeAll(async () => {
  clusters = await startGrantedSites();
  const { a, b } = clusters;
  const admin = kafkajs(a.connection('app')).admin();
  await admin.connect();
  const all = [...Object.values(single), ...names.alive, ...names.dead];
  for (let first = 0; first < all.length; first += createdAtOnce) {
    const some = all.slice(first, first + createdAtOnce);
    await admin.createTopics({ waitForLeaders: false, topics: some.map((topic) => ({ topic, numPartitions: 1 })) });
  }
  await admin.disconnect();
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
  await eventually(
    'every topic follows',
    async () => {
      const topics = await pair.api.b.topics();
      const following = topics.filter(({ state }) => state === 'following').length;
      return following === all.length || undefined;
    },
    900_000,
  );
  await eventually('configs and rights of the source are known', async () => {
    const [configs] = await pair.api.b.configs();
    const { links } = await pair.api.b.acls();
    const withheld = links[0] !== undefined && 'withheld' in links[0] && JSON.stringify(links[0].withheld);
    return (configs?.level === all.length && withheld !== false && withheld.includes('WRITE')) || undefined;
  });
}, 1_000_000);

afterAll(async () => {
  for (const site of sites) await pair.kill(site);
  await removeSites(clusters);
}, 120_000);

async function expectTaken(what: string, topics: readonly string[] | 'all', unconfirmed: boolean): Promise<void> {
  const probed = (topics === 'all' ? names.dead : topics).at(-1) ?? '';
  const writer = startLedgerWriter(clusters.b.connection('app'), {
    ...{ ledger: new Ledger(), name: probed, kind: 'plain', site: 'b', topic: probed, partitions: 1, records: 1 },
  });
  try {
    const moved = await move(pair.api.b, {
      ...{ kind: 'failover', oldSideUnconfirmed: unconfirmed },
      topics: topics === 'all' ? 'all' : [...topics],
    });
    expect(moved.operation.step.kind).toBe('done');
    const firstAtMs = await eventually('it takes writes', () => writer.firstAtMs);
    const planned = Math.round(moved.decidedMs - moved.plannedMs);
    process.stdout.write(
      `failover of ${what}: planned in ${planned} ms, first write acknowledged ` +
        `${Math.round(firstAtMs - moved.decidedMs)} ms after the decision (${stepsText(moved)})\n`,
    );
  } finally {
    await writer.stop();
  }
}

test('topics are taken over from a site that is well, and from one that is dead', async () => {
  await expectTaken('one topic, the old side alive', [single.alive], false);
  await expectTaken(`${names.alive.length} topics, the old side alive`, names.alive, false);
  await clusters.a.broker.kill();
  await expectTaken('one topic, the old side dead', [single.dead], true);
  await expectTaken(`${names.dead.length} topics, the old side dead`, 'all', true);
}, 300_000);
