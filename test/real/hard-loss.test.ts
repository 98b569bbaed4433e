import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { type OpenTransaction, openTransactions, partitionKey } from '../../src/kafka/log-queries.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { type GrantedSites, removeSites, startGrantedSites } from '../fixtures/granted-sites.ts';
import { consumeWhole } from '../fixtures/consumed-records.ts';
import { createTopic } from '../fixtures/kafkajs.ts';
import { type GroupReader, startGroupReader } from '../fixtures/ledger/group-reader.ts';
import { judgeGroup } from '../fixtures/ledger/judge-group.ts';
import { judgeLedger, type PartitionFinding } from '../fixtures/ledger/judge-ledger.ts';
import { Ledger, ledgerNowMs } from '../fixtures/ledger/ledger.ts';
import { type LedgerWriter, startLedgerWriter, type WriterKind } from '../fixtures/ledger/ledger-writer.ts';
import { readLedgerLogs } from '../fixtures/ledger/read-ledger-logs.ts';
import { cutsAt, move, type Move, stepsText } from '../fixtures/moves.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { type ProxiedCluster, startProxiedCluster } from '../fixtures/proxied-cluster.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { sendIn, transactionalProducer } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

/** `UMBRA_CUT=long`: the network between the sites is away for two minutes. */
const long = process.env['UMBRA_CUT'] === 'long';
const cutMs = long ? 120_000 : 10_000;
const warmMs = 4_000;
const loadMs = 4_000;
const behindMs = 1_200;
const partitions = 3;
const topics = ['a_orders', 'a_clicks', 'a_payments'] as const;
const groups = { prompt: { id: 'a_prompt', everyMs: 200 }, late: { id: 'a_late', everyMs: 3_000 } } as const;

let clusters: GrantedSites;
/** How the worker of the other site reaches this one. */
let between: Readonly<Record<SiteId, ProxiedCluster>>;
let pair: TestPair;
const ledger = new Ledger(join(testFolder('ledger'), 'ledger.ndjson'));
const writers: LedgerWriter[] = [];
const ending: Promise<void>[] = [];

beforeAll(async () => {
  clusters = await startGrantedSites();
  const { a, b } = clusters;
  const direct = { a: a.connection('umbra'), b: b.connection('umbra') };
  between = { a: await startProxiedCluster(direct.a), b: await startProxiedCluster(direct.b) };
  pair = await startPair({
    clusters: direct,
    seenFrom: { a: { a: direct.a, b: between.b.connection }, b: { a: between.a.connection, b: direct.b } },
  });
  for (const topic of [...topics, 'b_home']) {
    await createTopic(clusters[topic.startsWith('a_') ? 'a' : 'b'].connection('app'), topic, { partitions });
    await pair.level(topic);
  }
}, 240_000);

afterAll(async () => {
  await Promise.all([...writers.map((writer) => writer.stop()), ...ending]);
  for (const site of sites) await pair.kill(site);
  await Promise.all(sites.map((site) => between[site].close()));
  await removeSites(clusters);
}, 120_000);

function say(line: string): void {
  process.stdout.write(`hard loss: ${line}\n`);
}

function write(site: SiteId, topic: string, kind: WriterKind): LedgerWriter {
  const name = `${topic}.${kind}.${site}.${writers.length}`;
  const options = { ledger, name, kind, site, topic, partitions };
  const writer = startLedgerWriter(clusters[site].connection('app'), options);
  writers.push(writer);
  return writer;
}

/** Every one of them has been told that something is there. */
async function writing(some: readonly LedgerWriter[]): Promise<void> {
  await eventually('all of them write', () => {
    const silent = some.find(({ acknowledged }) => acknowledged === 0);
    if (silent === undefined) return true;
    throw new Error(silent.trouble);
  });
}

async function stopAll(some: readonly LedgerWriter[]): Promise<void> {
  await Promise.all(some.map((writer) => writer.stop()));
}

async function exposed(site: SiteId): Promise<{ readonly seconds: number; readonly records: number; basis: string }> {
  const [link] = await pair.api[site].links();
  if (link === undefined) throw new Error(`no link at ${site}`);
  return link.exposure;
}

test('while the sites do not reach each other both go on, nobody is promoted, exposure grows, and it heals by itself', async () => {
  const kept = [write('a', 'a_orders', 'idempotent'), write('a', 'a_clicks', 'plain'), write('b', 'b_home', 'plain')];
  await writing(kept);
  // A rate is known of a load that has gone on for a while.
  await delay(warmMs);
  for (const site of sites) between[site].set({ hold: true });
  try {
    const before = kept.map(({ acknowledged }) => acknowledged);
    const begunMs = ledgerNowMs();
    let newest = { a: 0, b: 0 };
    while (ledgerNowMs() - begunMs < cutMs) {
      await delay(500);
      for (const site of sites) {
        const { seconds, basis } = await exposed(site);
        // Never less than what a clock says, but for the time that a source may have vouched for.
        if (basis !== 'measured') expect(seconds).toBeGreaterThanOrEqual(newest[site]);
        newest = { ...newest, [site]: seconds };
        expect(await pair.api[site].operations()).toEqual([]);
        expect(await pair.api[site].roles()).toEqual([]);
      }
    }
    for (const site of sites) {
      const { seconds, records, basis } = await exposed(site);
      const theirs = ledger.acknowledgements.filter((each) => each.site !== site && each.atMs > begunMs).length;
      say(
        `cut off for ${cutMs / 1000} s: ${seconds.toFixed(1)} s, ${records} records at site ${site}, ${basis}; written were ${theirs}`,
      );
      expect(basis).not.toBe('measured');
      expect(records).toBeGreaterThan(0);
    }
    const after = kept.map(({ acknowledged }) => acknowledged);
    expect(after.every((records, index) => records > (before[index] ?? 0))).toBe(true);
  } finally {
    for (const site of sites) between[site].set({});
  }
  await stopAll(kept);
  expect(kept.map(({ failures }) => failures)).toEqual([0, 0, 0]);
  for (const topic of ['a_orders', 'a_clicks', 'b_home']) await pair.level(topic, 90_000);
  for (const site of sites) {
    await eventually(`nothing is exposed at ${site}`, async () => (await exposed(site)).seconds === 0 || undefined);
    expect(await pair.api[site].operations()).toEqual([]);
    expect(await pair.api[site].roles()).toEqual([]);
  }
  const { problems } = judgeLedger({
    ledger,
    logs: [
      // As the copies have them.
      ...(await readLedgerLogs(clusters.b.connection('admin'), ['a_orders', 'a_clicks'])),
      ...(await readLedgerLogs(clusters.a.connection('admin'), ['b_home'])),
    ],
    reigns: (topic) => [{ site: topic.startsWith('a_') ? 'a' : 'b', from: 0n }],
  });
  expect(problems).toEqual([]);
  const { totals } = await pair.verify();
  expect(totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
}, 480_000);

/** Where copying ended, by `topic/partition`. */
let cuts: ReadonlyMap<string, bigint>;

test('after kill -9 of every broker of a under load, topics that b takes over hold what was there, and lose no more than was said', async () => {
  const app = clusters.a.connection('app');
  const atA = [
    ...(['a_orders', 'a_clicks'] as const).flatMap((topic) => [
      write('a', topic, 'idempotent'),
      write('a', topic, 'plain'),
    ]),
    ...[write('a', 'a_payments', 'transactional'), write('a', 'a_payments', 'plain')],
  ];
  // They are refused until they are let in.
  const atB = topics.map((topic) => write('b', topic, topic === 'a_payments' ? 'transactional' : 'idempotent'));
  const readers = await readersAt('a');
  await writing(atA);
  await delay(loadMs);
  // From here on no copy of partition 0 goes on: what is committed above an open transaction is nobody's to read.
  const forgetful = transactionalProducer(app, 'a_forgetful');
  await forgetful.connect();
  const open = await forgetful.transaction();
  const forgotten = { partition: 0, key: 'open', value: 'never committed' };
  const [begun] = await sendIn(open, { topic: 'a_payments', messages: [forgotten] });
  const { producerId, startOffset } = await openAt('a_payments', { partition: 0, offset: begun?.baseOffset ?? '' });
  await delay(3_500);
  between.a.set({ hold: true });
  await delay(behindMs);
  await clusters.a.broker.kill();
  between.a.set({});
  const killedMs = ledgerNowMs();
  say(`${ledger.acknowledgements.length} records acknowledged before every broker of a was killed`);
  const written = stopAll(atA);
  // Without brokers kafkajs takes long to end; nobody waits for that.
  ending.push(...Object.values(readers).map((reader) => reader.stop()));
  ending.push(forgetful.disconnect().catch(() => undefined));

  const request = { kind: 'failover', oldSideUnconfirmed: true } as const;
  const one = await move(pair.api.b, { ...request, topics: ['a_orders'] });
  expect(one.operation.step).toEqual({ kind: 'done', remarks: [] });
  const [first, ...others] = atB;
  await writing(atB.slice(0, 1));
  expect(others.map(({ acknowledged }) => acknowledged)).toEqual([0, 0]);
  const rest = await move(pair.api.b, { ...request, topics: 'all' });
  expect(rest.plan.topics.map(({ name }) => name).toSorted()).toEqual(['a_clicks', 'a_payments']);
  await writing(others);
  for (const [what, { decidedMs, steps }, firstAtMs] of [
    ['one topic', one, first?.firstAtMs],
    ['the rest of the link', rest, Math.max(...others.map((writer) => writer.firstAtMs ?? 0))],
  ] as const) {
    const at = firstAtMs ?? 0;
    say(
      `${what}: first write acknowledged ${Math.round(at - decidedMs)} ms after the decision, ` +
        `${Math.round(at - killedMs)} ms after the loss (${stepsText({ steps })})`,
    );
  }
  const [named] = rest.operation.step.kind === 'done' ? rest.operation.step.remarks : [];
  say(`the report names: ${named}`);
  expect(named).toContain(
    `a_payments: partition 0: a transaction of producer id ${producerId} was open at the source from offset ${startOffset} on`,
  );
  // Who reads committed records comes to the end, whatever was open.
  const readMs = ledgerNowMs();
  await consumeWhole(clusters.b.connection('app'), { topics: ['a_payments'], groupId: 'a_after_loss' });
  say(`read_committed came to the end of a_payments after ${Math.round(ledgerNowMs() - readMs)} ms`);
  const again = await readersAt('b');
  await delay(2_000);
  await Promise.all([stopAll(atB), written]);

  const logs = await readLedgerLogs(clusters.b.connection('admin'), topics);
  const records = await cutsAt(clusters.b.connection('admin'), topics);
  cuts = new Map(
    [...records].flatMap(([topic, cut]) =>
      cut.partitions.map(({ offset }, partition) => [`${topic}/${partition}`, BigInt(offset)] as const),
    ),
  );
  const judgement = judgeLedger({
    ledger,
    logs: [...logs, ...(await readLedgerLogs(clusters.b.connection('admin'), ['b_home']))],
    reigns: (topic, partition) =>
      topic === 'b_home'
        ? [{ site: 'b', from: 0n }]
        : [
            { site: 'a', from: 0n },
            { site: 'b', from: cuts.get(`${topic}/${partition}`) ?? 0n },
          ],
  });
  expect(judgement.problems).toEqual([]);
  const lossOf = (topic: string): readonly PartitionFinding[] =>
    judgement.partitions.filter((each) => each.topic === topic);
  for (const topic of topics) expectWithin(topic, topic === 'a_orders' ? one : rest, lossOf(topic));
  // Nothing would be proven if nothing had been on its way.
  expect(judgement.partitions.reduce((sum, { lost }) => sum + lost.length, 0)).toBeGreaterThan(0);
  for (const { topic, partition, lost } of judgement.partitions) {
    const said = records.get(topic)?.partitions[partition]?.unseen ?? 0;
    expect(lost.length, `${topic}/${partition}`).toBeLessThanOrEqual(said);
  }
  await expectResumed(readers, again, logs);
}, 300_000);

/** The transaction that has begun there at a, by the leader's own word. */
async function openAt(
  topic: string,
  { partition, offset }: { readonly partition: number; readonly offset: string },
): Promise<OpenTransaction> {
  const cluster = new Cluster('a', clusterConfigSchema.parse(clusters.a.connection('admin')), { clientId: 'test' });
  try {
    return await eventually('the transaction is open', async () => {
      const leader = (await cluster.metadata([topic])).topics.get(topic)?.partitions[partition]?.leader;
      const answers = await openTransactions(await cluster.broker(leader ?? -1, 'test'), [{ topic, partition }]);
      const open = answers.get(partitionKey(topic, partition)) ?? [];
      return open.find(({ startOffset }) => String(startOffset) === offset);
    });
  } finally {
    await cluster.close();
  }
}

async function readersAt(site: SiteId): Promise<Readonly<Record<keyof typeof groups, GroupReader>>> {
  const connection = clusters[site].connection('app');
  const [prompt, late] = await Promise.all(
    [groups.prompt, groups.late].map(({ id, everyMs }) =>
      startGroupReader(connection, { groupId: id, topics, commitEveryMs: everyMs }),
    ),
  );
  if (prompt === undefined || late === undefined) throw new Error('a group without a reader');
  return { prompt, late };
}

/** What is lost of a topic, held against what was said when it was decided. */
function expectWithin(topic: string, { plan, plannedMs }: Move, found: readonly PartitionFinding[]): void {
  const predicted = plan.topics.find(({ name }) => name === topic)?.loss;
  const lost = found.flatMap((each) => each.lost);
  const oldestMs = Math.min(plannedMs, ...lost.map(({ atMs }) => atMs));
  const seconds = (plannedMs - oldestMs) / 1000;
  say(
    `${topic}: ${found.map(({ present }) => present).join('+')} records there, ` +
      `lost ${found.map((each) => each.lost.length).join('+')} of the last ${seconds.toFixed(1)} s; ` +
      `said were up to ${predicted?.records} of ${predicted?.seconds.toFixed(1)} s (${predicted?.basis})`,
  );
  expect(lost.length).toBeLessThanOrEqual(predicted?.records ?? -1);
  expect(seconds).toBeLessThanOrEqual(predicted?.seconds ?? -1);
}

/** Groups went on where they were known to be, and everything was given to one of both members. */
async function expectResumed(
  before: Readonly<Record<keyof typeof groups, GroupReader>>,
  after: Readonly<Record<keyof typeof groups, GroupReader>>,
  logs: Awaited<ReturnType<typeof readLedgerLogs>>,
): Promise<void> {
  const [link] = await pair.api.b.groups();
  for (const name of ['prompt', 'late'] as const) {
    const { id } = groups[name];
    const syncedAt = link?.groups.find(({ group }) => group === id)?.syncedAt;
    if (syncedAt === undefined) throw new Error(`${id} was never level`);
    const reader = after[name];
    const last = (place: string): bigint => reader.consumed.get(place)?.at(-1) ?? -1n;
    await eventually(
      `${id} has read everything`,
      () =>
        logs.every(
          ({ topic, partition, records }) => last(`${topic}/${partition}`) >= (records.at(-1)?.offset ?? -1n),
        ) || undefined,
    );
    await reader.stop();
    const { commits, consumed } = before[name];
    const knownMs = Date.parse(syncedAt);
    const judged = judgeGroup({ logs, cuts, before: consumed, after: reader.consumed, commits, knownMs });
    const sum = (of: 'again' | 'late'): number => judged.findings.reduce((total, finding) => total + finding[of], 0);
    say(`group ${id}: ${sum('again')} records read again, of ${sum('late')} that were committed late`);
    expect(judged.problems).toEqual([]);
  }
}

test.each(['idempotent', 'transactional'] as const)(
  'every record that 200 fresh %s producers were told of is there once, behind the cut',
  async (kind) => {
    const topic = kind === 'transactional' ? 'a_payments' : 'a_clicks';
    const mine = new Ledger();
    const waiting = Array.from({ length: 200 }, (_, round) => `${kind}-${round}`);
    const rounds = waiting.length;
    const app = clusters.b.connection('app');
    const next = async (): Promise<void> => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const options = { ledger: mine, name, kind, site: 'b', topic, partitions, records: 1 } as const;
        const writer = startLedgerWriter(app, options);
        try {
          await writing([writer]);
        } finally {
          await writer.stop();
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, next));
    const logs = await readLedgerLogs(clusters.b.connection('admin'), [topic]);
    const { problems, partitions: found } = judgeLedger({
      ledger: mine,
      logs: logs.map((log) => ({ ...log, records: log.records.filter(({ id }) => id.startsWith(kind)) })),
      reigns: (of, partition) => [{ site: 'b', from: cuts.get(`${of}/${partition}`) ?? 0n }],
    });
    expect(problems).toEqual([]);
    expect(mine.acknowledgements.length).toBeGreaterThanOrEqual(rounds * partitions);
    expect(found.reduce((sum, { present }) => sum + present, 0)).toBe(mine.acknowledgements.length);
  },
  180_000,
);
