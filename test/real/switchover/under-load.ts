import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { otherSite, type SiteId, sites } from '../../../src/pair/site.ts';
import { wishesKnown } from '../../fixtures/journal-watch.ts';
import { createTopic, logEnds, produce } from '../../fixtures/kafkajs.ts';
import { judgeLedger, type Reign } from '../../fixtures/ledger/judge-ledger.ts';
import { Ledger, ledgerNowMs } from '../../fixtures/ledger/ledger.ts';
import { type LedgerWriter, startLedgerWriter, type WriterKind } from '../../fixtures/ledger/ledger-writer.ts';
import { readLedgerLogs } from '../../fixtures/ledger/read-ledger-logs.ts';
import { cutsAt, move, stepsText } from '../../fixtures/moves.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { testFolder } from '../../fixtures/test-root.ts';
import { eventually } from '../../fixtures/wait.ts';

/** `UMBRA_SWITCHOVERS=long`: ten times there and back, with a hundred topics. */
const long = process.env['UMBRA_SWITCHOVERS'] === 'long';
const rounds = long ? 10 : 1;
const quietTopics = long ? 97 : 5;
const partitions = 3;
const written = { a_idempotent: 'idempotent', a_plain: 'plain', a_transactions: 'transactional' } as const;
const topics = Object.keys(written);

/** Applications at both sites that write all the time, whether they may or not. */
function writeAtBoth({ clusters }: MovingSites, ledger: Ledger): readonly LedgerWriter[] {
  return sites.flatMap((site) =>
    (Object.entries(written) as [string, WriterKind][]).map(([topic, kind]) =>
      startLedgerWriter(clusters[site].connection('app'), {
        ...{ ledger, name: `${kind}.${site}`, kind, site, topic, partitions, everyMs: 40 },
      }),
    ),
  );
}

/** All of them stand at the site that is to be a standby as they stand at the one that is primary. */
async function levelAt({ pair }: MovingSites, standby: SiteId): Promise<void> {
  for (const topic of topics) {
    await eventually(`site ${standby} follows ${topic}`, async () => {
      const view = await pair.api[standby].topic(topic);
      return view.state === 'following' ? true : undefined;
    });
  }
}

export function underLoad(moving: MovingSites): void {
  test(`there and back ${rounds} times under load: nothing is lost, doubled, moved, or copied twice`, async () => {
    const { clusters, pair } = moving;
    const names = [...topics, ...Array.from({ length: quietTopics }, (_, index) => `a_quiet_${index}`)];
    for (const topic of names) await createTopic(clusters.a.connection('app'), topic, { partitions });
    for (const topic of names) await pair.level(topic, 120_000);
    const ledger = new Ledger(join(testFolder('switchover'), 'ledger.ndjson'));
    const writers = writeAtBoth(moving, ledger);
    onTestFinished(async () => {
      await Promise.all(writers.map((writer) => writer.stop()));
    });
    const reigns = new Map<string, Reign[]>();
    const pauses: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const to of ['b', 'a'] as const) {
        const from = otherSite(to);
        const begunMs = ledgerNowMs();
        await eventually('everybody writes', () => {
          const newest = (topic: string): number =>
            ledger.acknowledgements.findLast((each) => each.site === from && each.topic === topic)?.atMs ?? 0;
          if (topics.every((topic) => newest(topic) > begunMs)) return true;
          throw new Error(writers.map(({ acknowledged, trouble }) => `${acknowledged} ${trouble ?? ''}`).join(', '));
        });
        await levelAt(moving, to);
        await wishesKnown(clusters[to].connection('umbra'), names);
        const decidedMs = ledgerNowMs();
        const moved = await move(pair.api[to], { kind: 'switchover', topics: names });
        expect(moved.operation.step).toEqual({ kind: 'done', remarks: [] });
        const pause = pauseSince(ledger, { decidedMs, to });
        pauses.push(pause);
        process.stdout.write(`switchover to ${to}: nobody wrote for ${pause} ms; ${stepsText(moved)}\n`);
        const cuts = await cutsAt(clusters[to].connection('umbra'), topics);
        for (const [topic, { partitions: cut }] of cuts) {
          for (const [partition, { offset }] of cut.entries()) {
            const place = `${topic}/${partition}`;
            const reign = { site: to, from: BigInt(offset), sinceMs: decidedMs };
            reigns.set(place, [...(reigns.get(place) ?? [{ site: 'a', from: 0n }]), reign]);
          }
        }
        await levelAt(moving, from);
        for (const topic of topics) {
          // The copy goes on from the cut: what it has got since is less than what was written since.
          const since = (cuts.get(topic)?.partitions ?? []).map(({ offset }) => BigInt(offset));
          const { copied } = await pair.api[from].topic(topic);
          const ends = await logEnds(clusters[to].connection('app'), topic);
          const grown = ends.reduce((sum, end, partition) => sum + Number(end - (since[partition] ?? 0n)), 0);
          expect(copied.records).toBeLessThanOrEqual(grown);
        }
      }
    }
    await Promise.all(writers.map((writer) => writer.stop()));
    pauses.sort((left, right) => left - right);
    process.stdout.write(`switchovers: nobody wrote for ${pauses[Math.floor(pauses.length / 2)]} ms, in the median\n`);
    for (const topic of topics) await pair.level(topic, 90_000);
    const { totals } = await pair.verify(topics);
    expect(totals).toMatchObject({ recordsDifferent: 0, batchesDifferent: 0 });
    const logs = await readLedgerLogs(clusters.a.connection('umbra'), topics);
    const judged = judgeLedger({
      ledger,
      logs,
      reigns: (topic, partition) => reigns.get(`${topic}/${partition}`) ?? [],
    });
    expect(judged.problems).toEqual([]);
    expect(judged.partitions.flatMap(({ lost }) => lost)).toEqual([]);
    const present = judged.partitions.reduce((sum, each) => sum + each.present, 0);
    expect(present).toBe(ledger.acknowledgements.length);
    process.stdout.write(`switchovers: ${present} records were acknowledged, each stands once where it was\n`);
    await expect(produce(clusters.b.connection('app'), 'a_plain', ['refused'])).rejects.toThrow(/authorized/i);
  }, 1_200_000);
}

/** From the last acknowledgement of the old primary to the first of the new one, where that took longest. */
function pauseSince(
  { acknowledgements }: Ledger,
  { decidedMs, to }: { readonly decidedMs: number; readonly to: SiteId },
): number {
  const pauses = topics.map((topic) => {
    const own = acknowledgements.filter((each) => each.topic === topic);
    const first = own.find(({ site, atMs }) => site === to && atMs > decidedMs)?.atMs ?? ledgerNowMs();
    const last = own.findLast(({ site, atMs }) => site !== to && atMs < first)?.atMs ?? decidedMs;
    return first - last;
  });
  return Math.round(Math.max(...pauses));
}
