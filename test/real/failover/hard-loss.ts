import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../../src/kafka/cluster-config.ts';
import { Cluster } from '../../../src/kafka/cluster.ts';
import { type OpenTransaction, openTransactions, partitionKey } from '../../../src/kafka/log-queries.ts';
import type { SiteId } from '../../../src/pair/site.ts';
import { consumeWhole } from '../../fixtures/consumed-records.ts';
import { wishesKnown } from '../../fixtures/journal-watch.ts';
import { createTopic } from '../../fixtures/kafkajs.ts';
import { type GroupReader, startGroupReader } from '../../fixtures/ledger/group-reader.ts';
import { judgeGroup } from '../../fixtures/ledger/judge-group.ts';
import { judgeLedger, type PartitionFinding } from '../../fixtures/ledger/judge-ledger.ts';
import { Ledger, ledgerNowMs } from '../../fixtures/ledger/ledger.ts';
import { startLedgerWriter } from '../../fixtures/ledger/ledger-writer.ts';
import { readLedgerLogs } from '../../fixtures/ledger/read-ledger-logs.ts';
import { cutsAt, move, type Move, stepsText } from '../../fixtures/moves.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { sendIn, transactionalProducer } from '../../fixtures/transactions.ts';
import { eventually } from '../../fixtures/wait.ts';
import { Applications, partitions, stopAll, writing } from './applications.ts';

const loadMs = 4_000;
const behindMs = 1_200;
const topics = ['a_orders', 'a_clicks', 'a_payments'] as const;
const groups = { prompt: { id: 'a_prompt', everyMs: 200 }, late: { id: 'a_late', everyMs: 3_000 } } as const;

function say(line: string): void {
  process.stdout.write(`hard loss: ${line}\n`);
}

/** Registers the tests; site a is dead behind them. */
export function hardLoss(moving: MovingSites): void {
  const applications = new Applications(moving, 'loss');
  const { ledger } = applications;
  const ending: Promise<void>[] = [];

  beforeAll(async () => {
    const { clusters, pair } = moving;
    for (const topic of [...topics, 'b_home']) {
      await createTopic(clusters[topic.startsWith('a_') ? 'a' : 'b'].connection('app'), topic, { partitions });
      await pair.level(topic);
    }
    await wishesKnown(clusters.b.connection('umbra'), topics);
  }, 120_000);

  afterAll(async () => {
    await Promise.all([applications.stop(), ...ending]);
  });

  /** Where copying ended, by `topic/partition`. */
  let cuts: ReadonlyMap<string, bigint>;

  test('after kill -9 of every broker of a under load, topics that b takes over hold what was there, and lose no more than was said', async () => {
    const { clusters, pair, between } = moving;
    const app = clusters.a.connection('app');
    const atA = [
      ...(['a_orders', 'a_clicks'] as const).flatMap((topic) => [
        applications.write('a', topic, 'idempotent'),
        applications.write('a', topic, 'plain'),
      ]),
      ...[applications.write('a', 'a_payments', 'transactional'), applications.write('a', 'a_payments', 'plain')],
    ];
    // They are refused until they are let in.
    const atB = topics.map((topic) =>
      applications.write('b', topic, topic === 'a_payments' ? 'transactional' : 'idempotent'),
    );
    const atHome = applications.write('b', 'b_home', 'plain');
    const readers = await readersAt(moving, 'a');
    await writing([...atA, atHome]);
    await delay(loadMs);
    // From here on no copy of partition 0 goes on: what is committed above an open transaction is nobody's to read.
    const forgetful = transactionalProducer(app, 'a_forgetful');
    await forgetful.connect();
    const open = await forgetful.transaction();
    const forgotten = { partition: 0, key: 'open', value: 'never committed' };
    const [begun] = await sendIn(open, { topic: 'a_payments', messages: [forgotten] });
    const { producerId, startOffset } = await openAt(moving, 'a_payments', {
      partition: 0,
      offset: begun?.baseOffset ?? '',
    });
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
    const planned = rest.plan.topics.map(({ name }) => name);
    expect(planned).toEqual(expect.arrayContaining(['a_clicks', 'a_payments']));
    expect(planned).not.toContain('a_orders');
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
    const remarks = rest.operation.step.kind === 'done' ? rest.operation.step.remarks : [];
    const named = remarks.find((remark) => remark.startsWith('a_payments'));
    say(`the report names: ${named}`);
    expect(named).toContain(
      `a_payments: partition 0: a transaction of producer id ${producerId} was open at the source from offset ${startOffset} on`,
    );
    // Who reads committed records comes to the end, whatever was open.
    const readMs = ledgerNowMs();
    await consumeWhole(clusters.b.connection('app'), { topics: ['a_payments'], groupId: 'a_after_loss' });
    say(`read_committed came to the end of a_payments after ${Math.round(ledgerNowMs() - readMs)} ms`);
    const again = await readersAt(moving, 'b');
    await delay(2_000);
    await Promise.all([stopAll([...atB, atHome]), written]);
    expect(atHome.failures).toBe(0);

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
    await expectResumed(moving, { before: readers, after: again }, { logs, cuts });
  }, 300_000);

  test.each(['idempotent', 'transactional'] as const)(
    'every record that 200 fresh %s producers were told of is there once, behind the cut',
    async (kind) => {
      const topic = kind === 'transactional' ? 'a_payments' : 'a_clicks';
      const mine = new Ledger();
      const waiting = Array.from({ length: 200 }, (_, round) => `${kind}-${round}`);
      const rounds = waiting.length;
      const app = moving.clusters.b.connection('app');
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
      const logs = await readLedgerLogs(moving.clusters.b.connection('admin'), [topic]);
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
}

type Readers = Readonly<Record<keyof typeof groups, GroupReader>>;

/** The transaction that has begun there at a, by the leader's own word. */
async function openAt(
  { clusters }: MovingSites,
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

async function readersAt({ clusters }: MovingSites, site: SiteId): Promise<Readers> {
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
      `said were about ${predicted?.records}, at most ${predicted?.recordsAtMost}, of ${predicted?.seconds.toFixed(1)} s (${predicted?.basis})`,
  );
  expect(lost.length).toBeLessThanOrEqual(predicted?.recordsAtMost ?? -1);
  expect(seconds).toBeLessThanOrEqual(predicted?.seconds ?? -1);
}

/** Groups went on where they were known to be, and everything was given to one of both members. */
async function expectResumed(
  { pair }: MovingSites,
  { before, after }: { readonly before: Readers; readonly after: Readers },
  {
    logs,
    cuts,
  }: { readonly logs: Awaited<ReturnType<typeof readLedgerLogs>>; readonly cuts: ReadonlyMap<string, bigint> },
): Promise<void> {
  const [link] = await pair.api.b.groups();
  for (const name of ['prompt', 'late'] as const) {
    const { id } = groups[name];
    const { syncedAt, clamped: ends = [] } = link?.groups.find(({ group }) => group === id) ?? {};
    if (syncedAt === undefined) throw new Error(`${id} was never level`);
    const clamped = new Map(
      ends.map(({ topic, partition, copyEnd }) => [`${topic}/${partition}`, BigInt(copyEnd ?? 0)] as const),
    );
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
    const judged = judgeGroup({ logs, cuts, before: consumed, after: reader.consumed, commits, knownMs, clamped });
    const sum = (of: 'again' | 'late'): number => judged.findings.reduce((total, finding) => total + finding[of], 0);
    say(`group ${id}: ${sum('again')} records read again, of ${sum('late')} that were committed late`);
    expect(judged.problems).toEqual([]);
  }
}
