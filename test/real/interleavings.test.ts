import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { type Admin, Partitioners, type Producer, type Transaction } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTopic, kafkajs, logEnds } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { cleanedOften } from '../fixtures/strange-topics.ts';
import { sendIn, transactionalProducer } from '../fixtures/transactions.ts';

/** `INTERLEAVINGS=100` is the long version; `INTERLEAVINGS_SEED` repeats a run, whose seed is printed. */
const runs = Number(process.env['INTERLEAVINGS'] ?? '2');
const seed = Number(process.env['INTERLEAVINGS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const sites = sharedSites();
/** How long the cleaner gets: it comes by four times a second (test/fixtures/brokers.ts). */
const cleanerMs = 600;
let pair: TestPair;

beforeAll(async () => {
  pair = await startPair({ clusters: { a: sites.a.umbra, b: sites.b.umbra } });
}, 120_000);

afterAll(async () => {
  await pair.remove();
});

const producer = fc.nat(2);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('send' as const), producer, records: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'abort' as const), producer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('plain' as const), records: fc.integer({ min: 1, max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('deleteRecords' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  // The cleaner takes closed segments only.
  { weight: 1, arbitrary: fc.record({ do: fc.constant('awaitCleaner' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('killWorker' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test(
  'whatever producers, the cleaner, deletions and kills do in between, the copy is equal',
  async () => {
    process.stdout.write(`interleavings: seed ${seed}\n`);
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 30 }), fc.boolean(), async (steps, compacted) => {
        const topic = `a_interleaved_${seed}_${round++}`;
        const configs = compacted ? { ...cleanedOften, 'cleanup.policy': 'compact,delete' } : {};
        await createTopic(sites.a.app, topic, { configs });
        await play(topic, steps);
        await pair.level(topic, 60_000);
        const report = await pair.verify([topic]);
        expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
        expect(await logEnds(sites.b.app, topic)).toEqual(await logEnds(sites.a.app, topic));
      }),
      { seed, numRuns: runs, endOnFailure: true },
    );
  },
  60_000 + runs * 60_000,
);

interface Actors {
  readonly admin: Admin;
  readonly plain: Producer;
  readonly transactional: readonly Producer[];
  readonly open: Map<number, Transaction>;
  sent: number;
}

/** Carries the steps out, and ends what is still open. */
async function play(topic: string, steps: readonly Step[]): Promise<void> {
  const kafka = kafkajs(sites.a.app);
  const actors: Actors = {
    admin: kafkajs(sites.a.admin).admin(),
    plain: kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }),
    transactional: [0, 1, 2].map((index) => transactionalProducer(sites.a.app, `${topic}_${index}`)),
    open: new Map(),
    sent: 0,
  };
  const all = [actors.admin, actors.plain, ...actors.transactional];
  await Promise.all(all.map((actor) => actor.connect()));
  try {
    for (const each of steps) await carryOut(topic, each, actors);
    for (const transaction of actors.open.values()) await transaction.commit();
  } finally {
    await Promise.all(all.map((actor) => actor.disconnect()));
  }
}

async function carryOut(topic: string, each: Step, actors: Actors): Promise<void> {
  const messages = (records: number): { key: string; value: string | null }[] =>
    Array.from({ length: records }, () => {
      const number = actors.sent++;
      return { key: `key ${number % 7}`, value: number % 5 === 0 ? null : `value ${number}` };
    });
  switch (each.do) {
    case 'send': {
      const { producer: index } = each;
      const transaction = actors.open.get(index) ?? (await actors.transactional[index]?.transaction());
      if (transaction === undefined) throw new Error(`no producer ${index}`);
      actors.open.set(index, transaction);
      await sendIn(transaction, { topic, messages: messages(each.records) });
      return;
    }
    case 'commit':
    case 'abort': {
      const transaction = actors.open.get(each.producer);
      actors.open.delete(each.producer);
      await transaction?.[each.do]();
      return;
    }
    case 'plain':
      await actors.plain.send({ topic, acks: -1, messages: messages(each.records) });
      return;
    case 'deleteRecords':
      await deleteCopied(topic, each.share, actors.admin);
      return;
    case 'awaitCleaner':
      await actors.plain.send({ topic, acks: -1, messages: messages(1) });
      await delay(cleanerMs);
      return;
    case 'killWorker':
      await pair.kill('b');
      await pair.start('b');
      return;
  }
}

/** Only what the copy has: to be overtaken by deletions is a fault of its own, tested elsewhere. */
async function deleteCopied(topic: string, share: number, admin: Admin): Promise<void> {
  const view = await pair.topic(topic, (each) => each.partitionViews[0]?.copiedTo !== undefined, 60_000);
  const { copiedTo = '0' } = view.partitionViews[0] ?? {};
  const before = Math.floor(Number(copiedTo) * share);
  const [offsets] = await admin.fetchTopicOffsets(topic);
  if (before <= Number(offsets?.low ?? 0)) return;
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before) }] });
}
