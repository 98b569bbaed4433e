import { quarantineName, type Tail, type TailDecision } from '../../quarantine/manifest.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { Problem } from '../problems.ts';
import { boundedFaults } from './journal-bounds.ts';
import { freeBytes, makePlan } from './make-plan.ts';
import type { RebuildRecord } from './rebuild-record.ts';
import { noteOf, nothingGoes, type RebuildNote, type RebuildPlan, type RebuildView } from './rebuild-view.ts';
import type { RebuildPorts } from './rebuild-ports.ts';
import { RebuildRun } from './rebuild-run.ts';
import { type PartitionSums, sumsOf, wrongSums } from '../reconcile/partition-sums.ts';
import { lacksDecision, tailRecords } from '../reconcile/tail-method.ts';
import { type Admit, admitFaulted, type Admitted, refused } from './admit.ts';
import { viewRecord } from './view-record.ts';

/** What is not worth a record in the journal: it has touched nothing. */
type Planning =
  | { readonly kind: 'planning'; readonly startedAt: Date; done: number; total: number }
  | { readonly kind: 'planned'; readonly plan: RebuildPlan }
  | { readonly kind: 'failed'; readonly at: Date; readonly reason: string };

/** The journal takes some milliseconds; a cluster that does not answer is no reason to keep a person waiting. */
const begunWaitMs = 10_000;
/** Each reads two whole logs. */
const busyText = 'one topic of a link is planned or rebuilt at a time';

/**
 * Rebuilds of one link's copies: a plan that shows what goes, its confirmation, and the steps that follow, each in the
 * journal before it acts. Nothing here begins by itself but what was confirmed before the worker ended.
 */
export class Rebuilds {
  readonly #ports: RebuildPorts;
  readonly #plan: typeof makePlan;
  readonly #admitted: Admit;
  readonly #planning = new Map<string, Planning>();
  readonly #runs = new Map<string, RebuildRun>();
  /** The confirmation that is being checked. */
  #confirming: { readonly topic: string; readonly hash: string; readonly begun: Promise<void> } | undefined;
  readonly #stopping = new AbortController();
  readonly #working = new Set<Promise<void>>();

  constructor(ports: RebuildPorts, plan: typeof makePlan = makePlan, admit: Admit = admitFaulted(ports)) {
    this.#ports = ports;
    this.#plan = plan;
    this.#admitted = admit;
    for (const record of ports.state.rebuilds()) {
      const { kind } = record.step;
      if (record.link === ports.link && kind !== 'done' && kind !== 'stopped') this.#start(record, 'found');
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#working);
  }

  /** From the confirmation until the copy is gone, or the rebuild ended without it. */
  holds(topic: string): boolean {
    return this.#runs.get(topic)?.holding ?? false;
  }

  /** The topics that {@link holds} is true of. */
  get held(): readonly string[] {
    return [...this.#runs.keys()].filter((topic) => this.holds(topic));
  }

  view(topic: string): RebuildView {
    const run = this.#runs.get(topic);
    if (run !== undefined && run.running) return run.view();
    const planning = this.#planning.get(topic);
    if (planning !== undefined) return viewPlanning(planning);
    if (run !== undefined) return run.view();
    const record = this.#journalOf(topic);
    return record === undefined ? { step: 'none' } : viewRecord(record, ended);
  }

  #journalOf(topic: string): RebuildRecord | undefined {
    const record = this.#ports.state.rebuild(topic);
    return record?.link === this.#ports.link ? record : undefined;
  }

  note(topic: string): RebuildNote | undefined {
    return noteOf(this.view(topic));
  }

  /** Begins to make a plan; one that is being made goes on. Rejects with `REBUILD_REFUSED`, `REBUILD_BUSY`. */
  async plan(topic: string, decision?: TailDecision): Promise<RebuildView> {
    const known = this.view(topic);
    if (known.step === 'planning' || this.#runs.get(topic)?.running === true) return known;
    const folder = this.#folder();
    this.#requireIdle();
    const planning: Planning = { kind: 'planning', startedAt: this.#ports.now(), done: 0, total: 0 };
    this.#planning.set(topic, planning);
    try {
      const subject = await this.#admit(topic, decision);
      this.#spawn(this.#makePlan(subject, folder, planning));
    } catch (error) {
      this.#planning.delete(topic);
      throw error;
    }
    return this.view(topic);
  }

  /**
   * Carries out the plan with this hash; asked again, it changes nothing. Resolves when the first step is in the journal,
   * or is on its way there for some seconds: once taken up, a confirmation stands, whatever becomes of who gave it.
   * Rejects with `PLAN_CHANGED`, `REBUILD_REFUSED`, `REBUILD_BUSY`, `UNREACHABLE`; nothing was touched then, nor will be.
   */
  async execute(topic: string, hash: string, signal: AbortSignal): Promise<RebuildView> {
    const run = this.#runs.get(topic);
    if (run?.running === true && run.hash !== hash) {
      throw new Problem('REBUILD_BUSY', `${topic} is being rebuilt already, by another plan`);
    }
    const planned = this.#planning.get(topic);
    if (this.#confirming?.topic === topic && this.#confirming.hash === hash) await this.#confirming.begun;
    else if (planned?.kind === 'planned' && planned.plan.hash === hash) await this.#takeUp(planned.plan, signal);
    else if (run?.hash !== hash && this.#journalOf(topic)?.planHash !== hash) {
      throw new Problem(
        'PLAN_CHANGED',
        `the plan ${hash.slice(0, 12)} of ${topic} is not the newest one; nothing was touched`,
      );
    }
    return this.view(topic);
  }

  async #takeUp(plan: RebuildPlan, signal: AbortSignal): Promise<void> {
    this.#requireIdle();
    const begun = this.#confirm(plan, signal).then(async (record) => {
      this.#planning.delete(plan.topic);
      const run = this.#start(record, 'confirmed');
      const pause = new Wakeup();
      void run.begun.then(() => pause.wake());
      await pause.wait(signal, begunWaitMs);
    });
    this.#confirming = { topic: plan.topic, hash: plan.hash, begun };
    try {
      await begun;
    } finally {
      this.#confirming = undefined;
    }
  }

  /** Looks once more at what may have changed since the plan, and at the disk. */
  async #confirm(plan: RebuildPlan, signal: AbortSignal): Promise<RebuildRecord> {
    const { topic } = plan;
    const { ids } = await this.#admit(topic, plan.tail?.decision);
    if (ids.sourceTopicId !== plan.sourceTopicId || ids.copyTopicId !== plan.copyTopicId) {
      throw new Problem('PLAN_CHANGED', `${topic} is another topic by now at one of the sites; nothing was touched`);
    }
    const free = await freeBytes(plan.folder).catch((error: unknown) => {
      throw refused(`${plan.folder} cannot be used: ${textOf(error)}`);
    });
    if (free < plan.neededBytes) {
      throw refused(`${plan.folder} has ${free} bytes left, the quarantine needs ${plan.neededBytes}: make room there`);
    }
    if (!(await this.#ports.lease.ours(signal))) throw refused('the lease of the link is not held by this worker');
    const startedAt = this.#ports.now();
    const { tail } = plan;
    const sums = tail === undefined ? undefined : this.#provenSums(plan, tail);
    return {
      ...{ topic, link: plan.link, planHash: plan.hash, copyTopicId: plan.copyTopicId },
      ...{ copiedTopicId: plan.copiedTopicId, sourceTopicId: plan.sourceTopicId },
      ...(plan.ownBelow === undefined ? {} : { ownBelow: plan.ownBelow }),
      ...(tail === undefined ? {} : { tail, sums }),
      ...{ folder: plan.folder, name: quarantineName(topic, plan.hash, startedAt), startedAt: startedAt.toISOString() },
      faults: boundedFaults(plan.faults),
      step: tail?.method === 'in-place' && nothingGoes(plan) ? { kind: 'reversing' } : { kind: 'quarantining' },
    };
  }

  /** What is promised of a tail is checked before anything is done with it. */
  #provenSums({ topic, partitions }: RebuildPlan, tail: Tail): PartitionSums {
    if (lacksDecision(tail, partitions)) {
      throw refused(`say what becomes of the ${tailRecords(partitions)} records of ${topic} that only this site holds`);
    }
    const sums = sumsOf(partitions.map(({ sum, quarantined }) => ({ sum, quarantined: quarantined.recordsOnlyHere })));
    const wrong = wrongSums(sums);
    if (wrong.length === 0) return sums;
    throw refused(`the records of ${topic} do not add up in partition ${wrong.join(', ')}: this is a bug, report it`);
  }

  /** One that was found in the journal is begun when the link is ours: until then another worker may be at it. */
  #start(record: RebuildRecord, whence: 'confirmed' | 'found'): RebuildRun {
    const run = new RebuildRun(this.#ports, record, whence);
    this.#runs.set(record.topic, run);
    if (run.holding) this.#ports.hold(record.topic);
    this.#ports.logger.warn({ link: record.link, topic: record.topic, step: record.step.kind }, 'rebuilding a copy');
    const signal = AbortSignal.any([this.#stopping.signal, this.#ports.lease.lost]);
    this.#spawn(whence === 'confirmed' ? run.toTheEnd(signal) : run.takeUp(signal));
    return run;
  }

  #folder(): string {
    const { folder } = this.#ports;
    if (folder !== undefined) return folder;
    throw refused('this worker has no quarantineFolder in its configuration');
  }

  async #admit(topic: string, decision: TailDecision | undefined): Promise<Admitted> {
    return this.#admitted(topic, decision).catch((error: unknown) => {
      throw error instanceof Problem ? error : new Problem('UNREACHABLE', textOf(error), { cause: error });
    });
  }

  /** A new copy that is being seeded is the replicator's work, and hinders nobody. */
  #requireIdle(): void {
    const planning = [...this.#planning.values()].some(({ kind }) => kind === 'planning');
    if (planning || this.#confirming !== undefined || [...this.#runs.values()].some(({ holding }) => holding)) {
      throw new Problem('REBUILD_BUSY', busyText);
    }
  }

  async #makePlan(
    { ids, faults }: Admitted,
    folder: string,
    planning: Extract<Planning, { kind: 'planning' }>,
  ): Promise<void> {
    const { topic } = ids;
    try {
      const plan = await this.#plan(
        this.#ports.sides,
        { ...ids, faults, folder },
        {
          signal: this.#stopping.signal,
          onPartition: (done, total) => Object.assign(planning, { done, total }),
        },
      );
      this.#planning.set(topic, { kind: 'planned', plan });
    } catch (error) {
      if (hasAborted(this.#stopping.signal)) return;
      this.#ports.logger.warn({ err: error, link: this.#ports.link, topic }, 'planning a rebuild failed');
      this.#planning.set(topic, { kind: 'failed', at: this.#ports.now(), reason: textOf(error) });
    }
  }

  #spawn(work: Promise<void>): void {
    const running = work
      .catch((error: unknown) => this.#ports.logger.error({ err: error }, 'unexpected error in a rebuild'))
      .finally(() => this.#working.delete(running));
    this.#working.add(running);
  }
}

function viewPlanning(planning: Planning): RebuildView {
  switch (planning.kind) {
    case 'planning': {
      const { startedAt, done, total } = planning;
      return { step: 'planning', startedAt: startedAt.toISOString(), partitionsDone: done, partitionsTotal: total };
    }
    case 'planned':
      return { step: 'planned', plan: planning.plan };
    case 'failed':
      return { step: 'stopped', at: planning.at.toISOString(), reason: planning.reason, copy: 'kept' };
  }
}

const ended = { partitionsDone: 0, partitionsTotal: 0, trouble: undefined, interrupted: undefined };

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
