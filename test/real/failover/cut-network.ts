import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SiteId, sites } from '../../../src/pair/site.ts';
import { createTopic } from '../../fixtures/kafkajs.ts';
import { judgeLedger } from '../../fixtures/ledger/judge-ledger.ts';
import { ledgerNowMs } from '../../fixtures/ledger/ledger.ts';
import { readLedgerLogs } from '../../fixtures/ledger/read-ledger-logs.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { eventually } from '../../fixtures/wait.ts';
import { Applications, partitions, stopAll, writing } from './applications.ts';

/** `UMBRA_CUT=long`: the network between the sites is away for two minutes. */
const long = process.env['UMBRA_CUT'] === 'long';
const cutMs = long ? 120_000 : 10_000;
const warmMs = 4_000;
const topics = ['a_near', 'a_far', 'b_near'] as const;

/** Registers the test. Nothing was moved before it. */
export function cutNetwork(moving: MovingSites): void {
  const applications = new Applications(moving, 'cut');
  const { ledger } = applications;

  beforeAll(async () => {
    const { clusters, pair } = moving;
    for (const topic of topics) {
      await createTopic(clusters[topic.startsWith('a_') ? 'a' : 'b'].connection('app'), topic, { partitions });
      await pair.level(topic);
    }
  }, 120_000);

  afterAll(() => applications.stop());

  async function exposed(site: SiteId): Promise<{ readonly seconds: number; readonly records: number; basis: string }> {
    const [link] = await moving.pair.api[site].links();
    if (link === undefined) throw new Error(`no link at ${site}`);
    return link.exposure;
  }

  test('while the sites do not reach each other both go on, nobody is promoted, exposure grows, and it heals by itself', async () => {
    const { clusters, pair, between } = moving;
    const kept = [
      applications.write('a', 'a_near', 'idempotent'),
      applications.write('a', 'a_far', 'plain'),
      applications.write('b', 'b_near', 'plain'),
    ];
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
        process.stdout.write(
          `cut off for ${cutMs / 1000} s: ${seconds.toFixed(1)} s, ${records} records at site ${site}, ${basis}; written were ${theirs}\n`,
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
    for (const topic of topics) await pair.level(topic, 90_000);
    for (const site of sites) {
      await eventually(`nothing is exposed at ${site}`, async () => (await exposed(site)).seconds === 0 || undefined);
      expect(await pair.api[site].operations()).toEqual([]);
      expect(await pair.api[site].roles()).toEqual([]);
    }
    const { problems } = judgeLedger({
      ledger,
      logs: [
        // As the copies have them.
        ...(await readLedgerLogs(clusters.b.connection('admin'), ['a_near', 'a_far'])),
        ...(await readLedgerLogs(clusters.a.connection('admin'), ['b_near'])),
      ],
      reigns: (topic) => [{ site: topic.startsWith('a_') ? 'a' : 'b', from: 0n }],
    });
    expect(problems).toEqual([]);
    const { totals } = await pair.verify();
    expect(totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  }, 480_000);
}
