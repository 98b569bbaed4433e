import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isOver, type PartState, type StepKind } from '../../../src/operations/operation.ts';
import { otherSite, type SiteId, sites } from '../../../src/pair/site.ts';
import type { MoveRequestInput, OperationView } from '../../../src/worker/moves/operation-view.ts';
import { journalSays } from '../../fixtures/journal-watch.ts';
import { createTopic } from '../../fixtures/kafkajs.ts';
import { judgeLedger, type Reign } from '../../fixtures/ledger/judge-ledger.ts';
import { Ledger, ledgerNowMs } from '../../fixtures/ledger/ledger.ts';
import { type LedgerWriter, startLedgerWriter } from '../../fixtures/ledger/ledger-writer.ts';
import { readLedgerLogs } from '../../fixtures/ledger/read-ledger-logs.ts';
import { cutsAt } from '../../fixtures/moves.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { testFolder } from '../../fixtures/test-root.ts';
import { eventually } from '../../fixtures/wait.ts';

/** `UMBRA_SWITCHOVERS=long`: a worker is killed at every boundary of a step, at both sites. */
const long = process.env['UMBRA_SWITCHOVERS'] === 'long';
const topic = 'a_kills';
const partitions = 2;

/** Where somebody is killed: right behind a record of the journal of the new primary (`step`) or of the old one (`part`). */
type Boundary =
  | { readonly step: StepKind; readonly victim: 'new' | 'old' }
  | { readonly part: PartState; readonly victim: 'new' | 'old' };

const steps: readonly StepKind[] = [
  ...(['fencing', 'draining', 'settling', 'sealing', 'promoting'] as const),
  ...(['granting', 'repointing', 'reversing', 'done'] as const),
];
const parts: readonly PartState[] = ['fencing', 'fenced', 'sealed', 'reversing', 'reversed'];
const victims = ['new', 'old'] as const;
const all: readonly Boundary[] = victims.flatMap((victim) => [
  ...steps.map((step) => ({ step, victim })),
  ...parts.map((part) => ({ part, victim })),
]);
const some: readonly Boundary[] = [
  { step: 'settling', victim: 'new' },
  { part: 'reversing', victim: 'old' },
];

function textOf(boundary: Boundary): string {
  return `${'step' in boundary ? boundary.step : `part ${boundary.part}`}, worker of the ${boundary.victim} primary`;
}

/** Registers the tests; a topic of their own is primary at a when they begin. */
export function underKills(moving: MovingSites): void {
  const ledger = new Ledger(join(testFolder('kills'), 'ledger.ndjson'));
  const writers: LedgerWriter[] = [];
  const reigns = new Map<number, Reign[]>();
  let primary: SiteId = 'a';

  beforeAll(async () => {
    const { clusters, pair } = moving;
    await createTopic(clusters.a.connection('app'), topic, { partitions });
    await pair.level(topic);
    for (const site of sites) {
      const options = { ledger, name: `prober.${site}`, kind: 'plain', site, topic, partitions, records: 1 } as const;
      writers.push(startLedgerWriter(clusters[site].connection('app'), options));
    }
  }, 120_000);

  afterAll(async () => {
    await Promise.all(writers.map((writer) => writer.stop()));
  });

  async function begun(to: SiteId): Promise<string> {
    const request: MoveRequestInput = { kind: 'switchover', topics: [topic] };
    const plan = await eventually(
      'nothing stands against it',
      async () => {
        const made = await moving.pair.api[to].planMove(request);
        if (made.blockers.length === 0) return made;
        throw new Error(made.blockers.map(({ message }) => message).join('; '));
      },
      60_000,
    );
    return (await moving.pair.api[to].beginMove(request, plan.hash)).id;
  }

  async function killAt(boundary: Boundary, { id, to }: { readonly id: string; readonly to: SiteId }): Promise<void> {
    const from = otherSite(to);
    const victim = boundary.victim === 'new' ? to : from;
    const at = 'step' in boundary ? to : from;
    const passed = await Promise.race([
      journalSays(moving.clusters[at].connection('umbra'), textOf(boundary), ({ moves }) =>
        'step' in boundary ? moves.operation(id)?.step.kind === boundary.step : moves.part(id)?.state === boundary.part,
      ).then(() => false),
      journalSays(moving.clusters[to].connection('umbra'), 'over', ({ moves }) => {
        const step = moves.operation(id)?.step;
        return step !== undefined && isOver(step);
      }).then(() => true),
    ]);
    if (passed) process.stdout.write(`switchover-kills: ${textOf(boundary)} was over before anybody looked\n`);
    await moving.pair.kill(victim);
    await moving.pair.start(victim);
  }

  async function ended(to: SiteId, id: string): Promise<OperationView> {
    return eventually(
      `${id} is over`,
      async () => {
        const operation = await moving.pair.api[to].operation(id);
        return isOver(operation.step) ? operation : undefined;
      },
      120_000,
    );
  }

  /** How long nobody was told that a record of his was taken. */
  function longestPauseMs(sinceMs: number): number {
    const times = ledger.acknowledgements.filter(({ atMs }) => atMs > sinceMs).map(({ atMs }) => atMs);
    const gaps = times.map((atMs, index) => atMs - (times[index - 1] ?? sinceMs));
    return Math.round(Math.max(0, ...gaps));
  }

  async function noteReign(to: SiteId, sinceMs: number): Promise<void> {
    const cuts = await cutsAt(moving.clusters[to].connection('umbra'), [topic]);
    for (const [partition, { offset }] of (cuts.get(topic)?.partitions ?? []).entries()) {
      const before = reigns.get(partition) ?? [{ site: 'a', from: 0n }];
      reigns.set(partition, [...before, { site: to, from: BigInt(offset), sinceMs }]);
    }
  }

  test.each((long ? all : some).map((boundary) => [textOf(boundary), boundary] as const))(
    'killed behind %s: promoted or restored, one writer, and nothing lost',
    async (_, boundary) => {
      const to = otherSite(primary);
      const sinceMs = ledgerNowMs();
      const id = await begun(to);
      await killAt(boundary, { id, to });
      const operation = await ended(to, id);
      const done = operation.step.kind === 'done';
      if (done) {
        primary = to;
        await noteReign(to, sinceMs);
      }
      // Whoever is primary now takes writes, and the other one follows.
      const endedMs = ledgerNowMs();
      await eventually(
        `${primary} takes writes`,
        () => ledger.acknowledgements.some(({ site, atMs }) => site === primary && atMs > endedMs) || undefined,
        60_000,
      );
      await eventually(
        `${otherSite(primary)} follows`,
        async () => ((await moving.pair.api[otherSite(primary)].topic(topic)).state === 'following' ? true : undefined),
        60_000,
      );
      const line = `${operation.step.kind}, nobody wrote for at most ${longestPauseMs(sinceMs)} ms`;
      process.stdout.write(`switchover-kills: ${textOf(boundary)}: ${line}\n`);
    },
    300_000,
  );

  test('and all of it is where it was acknowledged, once, at both sites', async () => {
    await Promise.all(writers.splice(0).map((writer) => writer.stop()));
    const standby = otherSite(primary);
    const logs = await readLedgerLogs(moving.clusters[primary].connection('umbra'), [topic]);
    const judged = judgeLedger({
      ledger,
      logs,
      reigns: (_, partition) => reigns.get(partition) ?? [{ site: 'a', from: 0n }],
    });
    expect(judged.problems).toEqual([]);
    expect(judged.partitions.flatMap(({ lost }) => lost)).toEqual([]);
    await eventually(
      `site ${standby} has all of it`,
      async () => {
        const copy = await readLedgerLogs(moving.clusters[standby].connection('umbra'), [topic]);
        return copy.every(({ end }, index) => end === logs[index]?.end) || undefined;
      },
      60_000,
    );
    const { totals } = await moving.pair.verify([topic]);
    expect(totals).toMatchObject({ recordsDifferent: 0, batchesDifferent: 0 });
  }, 120_000);
}
