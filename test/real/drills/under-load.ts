import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { DrillSpecInput } from '../../../src/drill/drill-spec.ts';
import { type EvidenceDocument, evidenceDocumentSchema } from '../../../src/evidence/document.ts';
import { sites } from '../../../src/pair/site.ts';
import type { PastRun } from '../../../src/worker/state/drill-memory.ts';
import { atRest, begun, ended, quick } from '../../fixtures/drilled.ts';
import { wishesKnown } from '../../fixtures/journal-watch.ts';
import { createTopic } from '../../fixtures/kafkajs.ts';
import { judgeLedger, type Reign } from '../../fixtures/ledger/judge-ledger.ts';
import { Ledger } from '../../fixtures/ledger/ledger.ts';
import { startLedgerWriter, type WriterKind } from '../../fixtures/ledger/ledger-writer.ts';
import { readLedgerLogs } from '../../fixtures/ledger/read-ledger-logs.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { eventually } from '../../fixtures/wait.ts';

const partitions = 3;
const written = { a_drilled: 'idempotent', a_committed: 'transactional' } as const;
const topics = Object.keys(written);

/** Registers the tests: real topics change their primary under load, and come home. */
export function underLoad(moving: MovingSites, folder: string): void {
  test('real topics move and come home under load: nothing is lost, and the report has the time of each phase', async () => {
    const { pair, clusters } = moving;
    for (const topic of topics) await createTopic(clusters.a.connection('app'), topic, { partitions });
    for (const topic of topics) await pair.level(topic);
    expect(await ended(pair.api.b, await begun(pair.api.b, { ...quick, name: 'canary' }))).toMatchObject({
      verdict: 'PASSED',
    });
    const ledger = new Ledger(join(folder, 'applications.ndjson'));
    const writers = sites.flatMap((site) =>
      (Object.entries(written) as [string, WriterKind][]).map(([topic, kind]) =>
        startLedgerWriter(clusters[site].connection('app'), {
          ...{ ledger, name: `${kind}.${site}`, kind, site, topic, partitions, everyMs: 40 },
        }),
      ),
    );
    onTestFinished(async () => {
      await Promise.all(writers.map((writer) => writer.stop()));
    });
    await eventually(
      'everybody writes',
      () => writers.filter(({ acknowledged }) => acknowledged > 0).length === topics.length || undefined,
    );
    await wishesKnown(clusters.b.connection('umbra'), topics);
    const run = await ended(pair.api.b, await begun(pair.api.b, real('loaded')));
    expect(run).toMatchObject({ verdict: 'PASSED', reasons: [], rpoRecords: 0 });
    await atRest(moving);
    await Promise.all(writers.map((writer) => writer.stop()));
    const document = await evidenceOf(folder, run);
    expect(document.integrity.canary).toMatchObject({ lost: 0, duplicate: 0, reordered: 0, ghost: 0, shifted: 0 });
    expect(document.cleanup.returnedToHome).toBe(true);
    for (const phase of ['fence', 'drain', 'promote', 'grant', 'firstAck'])
      expect(document.rto.phases).toHaveProperty(phase);
    for (const { plannedMs, startedAt, endedAt } of document.timeline) {
      expect(plannedMs).toBeGreaterThanOrEqual(0);
      expect(Date.parse(endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(startedAt));
    }
    const logs = await readLedgerLogs(clusters.a.connection('umbra'), topics);
    const judged = judgeLedger({ ledger, logs, reigns: (topic, partition) => reignsOf(document, topic, partition) });
    expect(judged.problems).toEqual([]);
    expect(judged.partitions.flatMap(({ lost }) => lost)).toEqual([]);
    const { acknowledgements } = ledger;
    expect(new Set(acknowledgements.map(({ site }) => site))).toEqual(new Set(sites));
    process.stdout.write(
      `L4 under load: ${acknowledgements.length} records, first write ${run.rtoMs} ms, ${JSON.stringify(run.phases)}\n`,
    );
  }, 240_000);
}

const real = (name: string): DrillSpecInput => ({
  ...{ name, level: 'L4', site: 'b', topics: [...topics] },
  ...{ baseline: '1s', hold: '2s', apart: '0s' },
});

async function evidenceOf(folder: string, { id, evidence }: PastRun): Promise<EvidenceDocument> {
  const name = `${String(evidence?.sequence).padStart(8, '0')}-${id}.json`;
  return evidenceDocumentSchema.parse(JSON.parse(await readFile(join(folder, 'evidence', 'test', 'b', name), 'utf8')));
}

/** From home there and home again, at the cuts that the report certifies. */
function reignsOf({ cut, startedAt }: EvidenceDocument, topic: string, partition: number): readonly Reign[] {
  const [there, back] = cut.filter((each) => each.topic === topic && each.partition === partition);
  if (there === undefined || back === undefined) throw new Error(`${topic}/${partition} was not cut twice`);
  return [
    { site: 'a', from: 0n },
    { site: 'b', from: BigInt(there.offset) },
    { site: 'a', from: BigInt(back.offset), sinceMs: Date.parse(startedAt) },
  ];
}
