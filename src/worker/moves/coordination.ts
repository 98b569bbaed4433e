import type { Logger } from 'pino';
import { coordinatorMove, type CoordinatorWork } from '../../operations/coordinate.ts';
import type { CutRecord } from '../../operations/cut.ts';
import { isPromoted, type OperationRecord, type Step } from '../../operations/operation.ts';
import type { WorkState } from '../../operations/work-state.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { hooksMsMax } from '../repoint/site-hooks.ts';
import { ImpossibleError } from './impossible.ts';
import type { OperationMemory } from '../state/operation-memory.ts';
import type { PeerState } from './peer-state.ts';
import type { PromotionWork } from './promotion-work.ts';

export interface CoordinationPorts {
  readonly memory: OperationMemory;
  readonly peer: PeerState;
  readonly work: PromotionWork;
  readonly clock: CopierClock;
  readonly logger: Logger;
  /** It is at another step now. */
  readonly stepped: (operation: OperationRecord) => void;
}

/** For the other site's state to be read: one that takes longer does not answer. */
const answerMsMax = 1_000;
/** A silence that a plan has just found need not be found again. */
const silenceMsMax = 5_000;
/** Between two looks at what the other site has done. */
const lookMs = 100;
/** One attempt that hangs is given up, and begun anew. */
const attemptMsMax = 30_000;
/** Hooks end by a bound of their own before that. */
const repointMsMax = hooksMsMax + 30_000;
/** Writers wait meanwhile: before the point of no return no step goes on for longer. */
const stepMsMax = 60_000;
/** Before the point of no return a step that fails for reasons that pass is tried again for so long. */
const patienceMs: Readonly<Record<CoordinatorWork, number>> = {
  drain: 20_000,
  settle: 20_000,
  prepare: 20_000,
  // Never given up: see `coordinatorMove`.
  grant: Infinity,
  repoint: Infinity,
  release: Infinity,
};

/**
 * Carries out one operation that this site coordinates, from the step its record is at to the end. It decides nothing: see
 * `coordinatorMove`. Every work is idempotent, so that another worker may take it up anywhere.
 */
export class Coordination {
  readonly id: string;
  readonly #ports: CoordinationPorts;
  readonly #names: readonly string[];
  #work: WorkState = { kind: 'none' };
  #atStep: string | undefined;
  #sinceMs = 0;
  #trouble: string | undefined;
  #silent = false;
  /** That failed at this step. */
  #attempts = 0;
  #cuts: readonly CutRecord[] | undefined;
  /** What of the repointing did not work. */
  #unpointed: readonly string[] = [];
  readonly #cancel = new AbortController();

  constructor(id: string, ports: CoordinationPorts) {
    this.id = id;
    this.#ports = ports;
    this.#names = ports.memory.topicsOf(id);
  }

  /** What holds it up now, in words. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get topics(): readonly string[] {
    return this.#names;
  }

  /** Given up where that is still possible; behind the point of no return it goes on. */
  cancel(): void {
    this.#cancel.abort();
  }

  /** Until it is over, or `signal` aborts. Rejects when the journal cannot be written: nobody knows where it is then. */
  async run(signal: AbortSignal): Promise<void> {
    const { memory, clock, stepped } = this.#ports;
    while (!hasAborted(signal)) {
      const operation = memory.operation(this.id);
      if (operation === undefined) return;
      if (operation.step.kind !== this.#atStep) {
        this.#atStep = operation.step.kind;
        this.#sinceMs = clock.monotonicMs();
        this.#work = { kind: 'none' };
        this.#trouble = undefined;
        this.#silent = this.#ports.peer.isSilent(silenceMsMax);
        this.#attempts = 0;
        stepped(operation);
      }
      const waitedMs = clock.monotonicMs() - this.#sinceMs;
      const { peer } = this.#ports;
      const seen = peer.position;
      const part = peer.state.moves.part(this.id);
      const cancelled = hasAborted(this.#cancel.signal);
      const move = coordinatorMove({ operation, part, work: this.#work, silent: this.#silent, waitedMs, cancelled });
      switch (move.kind) {
        case 'over':
          return;
        case 'work':
          await this.#carryOut(operation, { work: move.work, waitedMs }, signal);
          break;
        case 'note':
          await memory.put(this.#at(operation, move.step), signal);
          break;
        case 'promote':
          await this.#promote(operation, move.step, signal);
          break;
        case 'wait':
          await this.#listen(signal);
          await peer.untilMore(seen, lookMs, signal);
      }
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    try {
      await this.#ports.peer.read(AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]));
      this.#silent = false;
      this.#trouble = undefined;
    } catch (error) {
      this.#silent = true;
      if (!hasAborted(signal)) this.#trouble = `the other site does not answer: ${textOf(error)}`;
    }
  }

  async #carryOut(
    operation: OperationRecord,
    { work, waitedMs }: { readonly work: CoordinatorWork; readonly waitedMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const forwards = isPromoted(operation.step) || operation.step.kind === 'aborting';
    const until = forwards ? signal : AbortSignal.any([signal, this.#cancel.signal]);
    const boundMs = attemptBoundMs(work, waitedMs);
    const late = AbortSignal.timeout(boundMs);
    try {
      await this.#do(operation, work, AbortSignal.any([until, late]));
      this.#work = { kind: 'done' };
      this.#trouble = undefined;
    } catch (error) {
      if (hasAborted(until)) return;
      this.#attempts += 1;
      const reason = hasAborted(late)
        ? `${work} did not come to its end within ${Math.round(boundMs / 1000)} s`
        : textOf(error);
      if (reason !== this.#trouble)
        this.#ports.logger.warn(
          { err: error, operation: this.id, work },
          'a step of an operation has to be tried again',
        );
      this.#trouble = reason;
      if (error instanceof ImpossibleError || waitedMs > patienceMs[work]) this.#work = { kind: 'failed', reason };
      else await new Wakeup().wait(until, retryDelays.after(this.#attempts));
    }
  }

  async #do(operation: OperationRecord, work: CoordinatorWork, signal: AbortSignal): Promise<void> {
    const { work: promotion } = this.#ports;
    const names = this.#names;
    switch (work) {
      case 'drain':
        return promotion.drain(names, signal);
      case 'settle':
        this.#cuts = await promotion.settle(operation, names, signal);
        return;
      case 'prepare':
        // Another worker may have settled: what it read is read again.
        this.#cuts = await promotion.prepare(
          operation,
          this.#cuts ?? (await promotion.settle(operation, names, signal)),
          signal,
        );
        return;
      case 'grant':
        return promotion.grant(operation, names, signal);
      case 'repoint':
        this.#unpointed = await promotion.repoint(operation, names, signal);
        return;
      case 'release':
        promotion.release(names);
        return;
    }
  }

  async #promote(operation: OperationRecord, step: Step, signal: AbortSignal): Promise<void> {
    const cuts = this.#cuts;
    if (cuts === undefined) throw new Error(`the operation ${this.id} is to be promoted without a cut`);
    await this.#ports.work.promote({ operation: this.#at(operation, step), cuts }, signal);
  }

  /** Of the operation and of its cuts, the first ones. */
  #remarks(own: readonly string[]): string[] {
    const ofCuts = this.#names.flatMap((topic) =>
      (this.#ports.memory.cut(topic)?.remarks ?? []).map((remark) => `${topic}: ${remark}`),
    );
    const all = [...own, ...ofCuts];
    const more = all.length - remarksMax;
    return more > 0 ? [...all.slice(0, remarksMax), `and ${more} more`] : all;
  }

  #at(operation: OperationRecord, next: Step): OperationRecord {
    const since = this.#ports.clock.now().toISOString();
    const remarks = [...(operation.remarks ?? []), ...(operation.step.kind === 'repointing' ? this.#unpointed : [])];
    const step = next.kind === 'done' ? { ...next, remarks: this.#remarks(remarks) } : next;
    const passed = [...(operation.passed ?? []), { step: operation.step.kind, at: operation.since }];
    return { ...operation, step, since, passed, ...(remarks.length === 0 ? {} : { remarks }) };
  }
}

function attemptBoundMs(work: CoordinatorWork, waitedMs: number): number {
  if (work === 'repoint') return repointMsMax;
  if (patienceMs[work] === Infinity) return attemptMsMax;
  return Math.max(1, Math.round(Math.min(attemptMsMax, stepMsMax - waitedMs)));
}

const remarksMax = 20;

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
}
