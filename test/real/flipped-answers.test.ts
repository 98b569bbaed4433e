import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { chance } from '../fixtures/chance.ts';
import { type FaultProxy, type PassingAnswer, startFaultProxy } from '../fixtures/fault-proxy.ts';
import { createTopic } from '../fixtures/kafkajs.ts';
import { answerHeaderBytes, flip } from '../fixtures/passing-answers.ts';
import { startReplication, type TestReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { transactInTurn } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

/** `FLIPS=20` is the long version: so many for each kind; `FLIPS_SEED` repeats a run, whose seed is printed. */
const flipsOfEach = Number(process.env['FLIPS'] ?? '1');
const seed = Number(process.env['FLIPS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const patienceMs = 3_000;
const sites = sharedSites();
const topic = 'a_answers';

interface Kind {
  readonly what: string;
  readonly apiKey: number;
  readonly side: 'source' | 'target';
  /** The byte; without it any. */
  readonly at?: number;
}

/** Answers that say where a log begins, where it ends, who leads it and what became of an append. */
const kinds: readonly Kind[] = [
  // | header | topics | name: length, bytes | partitions | index | error | base offset |: its last byte, a stop for sure
  { what: 'Produce', apiKey: 0, side: 'target', at: answerHeaderBytes + 1 + 1 + topic.length + 1 + 4 + 2 + 7 },
  { what: 'Produce', apiKey: 0, side: 'target' },
  { what: 'ListOffsets', apiKey: 2, side: 'target' },
  { what: 'Metadata', apiKey: 3, side: 'source' },
  { what: 'Metadata', apiKey: 3, side: 'target' },
  { what: 'OffsetForLeaderEpoch', apiKey: 23, side: 'target' },
  { what: 'WriteTxnMarkers', apiKey: 27, side: 'target' },
  { what: 'DescribeProducers', apiKey: 61, side: 'target' },
];

let proxies: Readonly<Record<Kind['side'], FaultProxy>>;

beforeAll(async () => {
  const [source, target] = await Promise.all([
    startFaultProxy(sites.a.bootstrapServers[0]!),
    startFaultProxy(sites.b.bootstrapServers[0]!),
  ]);
  proxies = { source, target };
});

afterAll(async () => {
  await Promise.all([proxies.source.close(), proxies.target.close()]);
});

/** A worker's core with both clusters behind the network; every one that is started takes the copy over. */
function startLink(): TestReplication {
  return startReplication({
    source: { ...sites.a.umbra, bootstrapServers: [proxies.source.server] },
    target: { ...sites.b.umbra, bootstrapServers: [proxies.target.server] },
    direct: { source: sites.a.admin, target: sites.b.admin },
    connection: { requestTimeoutMs: patienceMs, connectTimeoutMs: patienceMs },
    limits: { foreignWriteCheckMs: 300 },
  });
}

test(
  'a bit that flips in an answer is at worst a stop that resumes clean',
  async () => {
    process.stdout.write(`flipped answers: seed ${seed}\n`);
    const random = chance(seed);
    onTestFinished(() => {
      for (const proxy of Object.values(proxies)) proxy.set({});
    });
    await createTopic(sites.a.app, topic);
    const first = startLink();
    await first.follow(topic);
    // Level with a source without records: the copy is there.
    await first.compare(topic);
    await first.stop();
    for (const kind of kinds) {
      for (let round = 0; round < flipsOfEach; round++) {
        const [share, bit] = [random.next(), random.between(0, 7)];
        let flipped: string | undefined;
        const onAnswer = ({ apiKey, body }: PassingAnswer): void => {
          if (flipped !== undefined || apiKey !== kind.apiKey) return;
          const at = kind.at ?? Math.floor(share * body.length);
          flipped = `bit ${bit} of byte ${at} of ${body.length} in an answer to ${kind.what} of the ${kind.side}`;
          flip(body, at, bit);
        };
        proxies[kind.side].set({ onAnswer });
        const link = startLink();
        try {
          await link.join(topic);
          await transactInTurn(sites.a.app, topic, { fates: ['commit', 'abort'], records: 3 });
          const what = await eventually(`an answer to ${kind.what}`, () => flipped);
          proxies[kind.side].set({});
          expect([what, await link.compare(topic)]).toMatchObject([what, { batchesDifferent: 0, recordsDifferent: 0 }]);
          expect([what, link.unexpected]).toEqual([what, []]);
          if (kind.at !== undefined) expect([what, link.faults.length]).toEqual([what, 1]);
        } finally {
          await link.stop();
        }
      }
    }
    const last = startLink();
    onTestFinished(() => last.stop());
    await last.join(topic);
    const recordsEqual = 3 * flipsOfEach * kinds.length;
    expect(await last.compare(topic)).toEqual({ batchesDifferent: 0, recordsDifferent: 0, recordsEqual, behind: 0 });
    expect(last.faults).toEqual([]);
  },
  60_000 + flipsOfEach * kinds.length * 20_000,
);
