import type { DrillSpec } from '../../drill/drill-spec.ts';
import { drillTimes, type DrillTimes } from '../../drill/drill-spec.ts';
import { movesRoles } from '../../drill/level.ts';
import { isLostOnPurpose } from '../../drill/loss-on-purpose.ts';
import { legSeen, operationOfLeg } from './legs.ts';
import {
  type LegSeen,
  nextMove,
  type PhaseResult,
  type PhaseWork,
  ruleOf,
  type RunMove,
  type TriggerSeen,
} from '../../drill/next-move.ts';
import type { JournalEntry, RunFacts, RunRecord } from '../../drill/run-record.ts';
import { type Phase, phaseName } from '../../drill/script.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { stepEntries } from './move-journal.ts';
import { whyNotClaimed } from './claim.ts';
import { PhaseWorks, type PhaseWorksPorts, type RunFindings } from './phase-works.ts';
import { RunWatch } from './run-watch.ts';

const lookMs = 100;

export type DrillRunPorts = Omit<PhaseWorksPorts, 'spec' | 'times'>;

/**
 * Carries out one run that this site's controller has begun, from where its journal is to the end. It decides nothing: see
 * `nextMove`. Every phase's work is idempotent, so that the next controller may take it up anywhere.
 */
export class DrillRun {
  readonly id: string;
  readonly spec: DrillSpec;
  readonly #ports: DrillRunPorts;
  readonly #times: DrillTimes;
  readonly #works: PhaseWorks;
  readonly #watch: RunWatch;
  readonly #wakeup = new Wakeup();
  readonly #begunMs: number;
  #work: PhaseWork = { kind: 'none' };
  #working: { readonly at: number; readonly ended: Promise<void>; readonly abort: AbortController } | undefined;
  /** Why somebody wants it to end, as it was said. */
  #asked: TriggerSeen | undefined;

  constructor(id: string, spec: DrillSpec, ports: DrillRunPorts) {
    this.id = id;
    this.spec = spec;
    this.#begunMs = ports.clock.monotonicMs();
    this.#ports = ports;
    this.#times = drillTimes(spec);
    this.#works = new PhaseWorks({ ...ports, spec, times: this.#times });
    this.#watch = new RunWatch({ ...ports, spec, times: this.#times });
  }

  /** Has it end in the nearest safe way; what is asked first counts. */
  give(trigger: TriggerSeen): void {
    this.#asked ??= trigger;
    this.#wakeup.wake();
  }

  /** Until it is over, or `signal` aborts. Rejects when the journal cannot be written: nobody knows where it is then. */
  async run(signal: AbortSignal): Promise<void> {
    const { state } = this.#ports;
    this.#watch.begin(signal);
    try {
      while (!hasAborted(signal)) {
        const run = state.drills.run(this.id);
        if (run === undefined) return;
        if (run.state === 'claiming' && run.blocked === undefined) {
          await this.#claim(run, signal);
          continue;
        }
        if (this.#knowsPeer(run) && (await this.#step(run, signal))) continue;
        await this.#wakeup.wait(signal, lookMs);
      }
    } finally {
      this.#working?.abort.abort();
      await this.#working?.ended;
      this.#watch.stop();
    }
  }

  /** A controller that has just begun knows nothing of the other site yet; for one that is gone it does not wait for ever. */
  #knowsPeer(run: RunRecord): boolean {
    const { level } = run;
    const { link, clock } = this.#ports;
    const known = !movesRoles(level) || isLostOnPurpose(run) || link()?.peer.roles.kind === 'read';
    return known || clock.monotonicMs() - this.#begunMs > patienceMs;
  }

  async #claim(run: RunRecord, signal: AbortSignal): Promise<void> {
    const why = await whyNotClaimed(this.#ports, run, signal);
    if (why === undefined) await this.#ports.state.drills.putRun({ ...run, state: 'running' }, signal);
    else await this.#block(run, [why], signal);
  }

  /** Whether something was done, so that the next look is due at once. */
  async #step(run: RunRecord, signal: AbortSignal): Promise<boolean> {
    const phase = run.script.phases[run.at];
    const leg = phase?.does === 'move' ? this.#legSeen(run, phase.leg) : ({ kind: 'not begun' } as const);
    const work = this.#working?.at === run.at ? this.#work : ({ kind: 'none' } as const);
    const looked = phase === undefined ? [] : this.#watch.triggers(run, phase, leg);
    const triggers = this.#asked === undefined ? looked : [this.#asked, ...looked];
    const { away } = this.#works;
    const move = nextMove({ run, work, leg, away: away(run), triggers });
    return this.#carryOut(run, move, signal);
  }

  async #carryOut(run: RunRecord, move: RunMove, signal: AbortSignal): Promise<boolean> {
    const { state, events, logger } = this.#ports;
    switch (move.kind) {
      case 'work':
        if (this.#working?.at === run.at) return false;
        this.#begin(run, signal);
        return false;
      case 'wait':
        return false;
      case 'cancel leg':
        this.#works.cancel(run.id);
        return false;
      case 'abort': {
        const at = this.#now();
        const { trigger, reason, before } = move.abort;
        const { page } = ruleOf(move.abort);
        logger.warn({ run: run.id, trigger, reason, before }, 'a drill is given up');
        const message = `${run.id}: ${trigger}: ${reason}`.slice(0, 2_000);
        events.report({ kind: 'drill aborted', level: page ? 'error' : 'warn', message });
        await state.drills.putRun({ ...this.#found(run, move.failures), abort: { ...move.abort, at } }, signal);
        return true;
      }
      case 'block':
        await this.#block(run, move.reasons, signal);
        return true;
      case 'go':
        await this.#go(run, move, signal);
        return true;
      case 'end':
        await this.#works.end(run, signal);
        return true;
    }
  }

  async #block(run: RunRecord, reasons: readonly string[], signal: AbortSignal): Promise<void> {
    const seal = run.script.phases.findIndex(({ does }) => does === 'seal');
    await this.#go(run, { to: seal, result: 'failed', failures: [], blocked: reasons }, signal);
  }

  async #go(
    run: RunRecord,
    next: {
      readonly to: number;
      readonly result: PhaseResult;
      readonly failures: readonly string[];
      readonly blocked?: readonly string[];
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { state, logger } = this.#ports;
    this.#working?.abort.abort();
    await this.#working?.ended;
    const at = this.#now();
    const journal = closed(run.journal, { at, result: next.result, steps: this.#steps(run) });
    const phase = run.script.phases[next.to];
    const opened: readonly JournalEntry[] =
      phase === undefined
        ? []
        : [{ step: phaseName(phase), plannedMs: phase.plannedMs, startedAt: at, result: 'running' }];
    const found = this.#found(run, next.failures);
    const blocked = next.blocked === undefined ? {} : { blocked: [...next.blocked] };
    await state.drills.putRun(
      { ...found, ...blocked, at: next.to, since: at, journal: [...journal, ...opened] },
      signal,
    );
    this.#working = undefined;
    this.#work = { kind: 'none' };
    if (phase !== undefined) logger.info({ run: run.id, phase: phaseName(phase) }, 'a drill goes on');
  }

  /** Of a move the steps of its operation. */
  #steps(run: RunRecord): readonly JournalEntry[] {
    const phase = run.script.phases[run.at];
    if (phase?.does !== 'move') return [];
    const operation = operationOfLeg(this.#works.legs(run.id), run.id, phase.leg);
    return operation === undefined ? [] : stepEntries(operation, phaseName(phase));
  }

  /** With what the work of its phase has found. */
  #found(run: RunRecord, failures: readonly string[]): RunRecord {
    const found: RunFindings = this.#works.take();
    const { preconditions, predictions, proofs, roles, cuts, loss, tails, notes, rehearsal } = found;
    const anew = new Set(proofs.map(({ topic }) => topic));
    const { facts } = run;
    return {
      ...run,
      facts: {
        ...facts,
        preconditions: [...facts.preconditions, ...preconditions].slice(-linesMax),
        predictions: [...facts.predictions, ...predictions].slice(-linesMax),
        proofs: [...facts.proofs.filter(({ topic }) => !anew.has(topic)), ...proofs],
        roles: roles.length > 0 ? roles : facts.roles,
        cuts: cuts.length > 0 ? cuts.slice(0, linesMax) : facts.cuts,
        ...lossOf(loss ?? facts.loss),
        tails: tails.length > 0 ? tails : facts.tails,
        failures: [...new Set([...facts.failures, ...failures, ...this.#watch.takeFailures()])].slice(0, linesMax),
        notes: [...facts.notes, ...notes].slice(-linesMax),
        ...(rehearsal === undefined ? {} : { rehearsal }),
      },
    };
  }

  #begin(run: RunRecord, signal: AbortSignal): void {
    const phase = run.script.phases[run.at];
    if (phase === undefined) return;
    const abort = new AbortController();
    this.#work = { kind: 'none' };
    const ended = this.#untilDone(run, phase, AbortSignal.any([signal, abort.signal]));
    this.#working = { at: run.at, ended, abort };
  }

  /** Never rejects: what a cluster throws is tried again until the phase is left, or its patience ends. */
  async #untilDone(run: RunRecord, phase: Phase, signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    const begunMs = this.#ports.clock.monotonicMs();
    for (let attempt = 1; !hasAborted(signal); attempt++) {
      try {
        const reasons = await this.#works.carryOut(this.#ports.state.drills.run(run.id) ?? run, phase, signal);
        this.#work = reasons.length === 0 ? { kind: 'done' } : { kind: 'failed', reasons };
        break;
      } catch (error) {
        if (hasAborted(signal)) return;
        const reason = error instanceof Error ? error.message : String(error);
        this.#ports.logger.warn(
          { err: error, run: run.id, phase: phaseName(phase) },
          'a phase of a drill has to be tried again',
        );
        if (this.#ports.clock.monotonicMs() - begunMs > patienceMs) {
          this.#work = { kind: 'failed', reasons: [`${phaseName(phase)}: ${reason}`.slice(0, 1_000)] };
          break;
        }
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
    this.#wakeup.wake();
  }

  #legSeen(run: RunRecord, leg: number): LegSeen {
    return legSeen(this.#works.legs(run.id), run.id, leg);
  }

  #now(): string {
    return this.#ports.clock.now().toISOString();
  }
}

const linesMax = 200;

function lossOf(loss: RunFacts['loss']): Pick<RunFacts, 'loss'> {
  return loss === undefined ? {} : { loss };
}

/** For a cluster, or the place of the evidence, to answer again. */
const patienceMs = 30_000;

/** The phase that goes on is ended, with what of it is known by now. */
function closed(
  journal: readonly JournalEntry[],
  { at, result, steps }: { readonly at: string; readonly result: PhaseResult; readonly steps: readonly JournalEntry[] },
): readonly JournalEntry[] {
  return [
    ...journal.map((entry) => (entry.result === 'running' ? { ...entry, endedAt: at, result } : entry)),
    ...steps,
  ];
}
