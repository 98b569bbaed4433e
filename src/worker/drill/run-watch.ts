import type { DrillSpec, DrillTimes } from '../../drill/drill-spec.ts';
import { endsRun, isLostOnPurpose } from '../../drill/loss-on-purpose.ts';
import type { LegSeen, TriggerSeen } from '../../drill/next-move.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import type { Phase } from '../../drill/script.ts';
import type { Condition } from '../../drill/conditions.ts';
import { conditionText } from '../../drill/conditions.ts';
import { Wakeup, hasAborted } from '../../replication/waiting/wakeup.ts';
import { askCondition, type Asked } from './ask-condition.ts';
import type { Canaries } from './canaries.ts';
import type { DrillPorts } from './drill-ports.ts';
import { operationOfLeg, otherOperations } from './legs.ts';
import { leakOf } from './link-leak.ts';

export interface RunWatchPorts extends DrillPorts {
  readonly spec: DrillSpec;
  readonly times: DrillTimes;
  readonly canaries: Canaries;
}

const conditionsEveryMs = 2_000;
/** Two looks that failed. */
const unansweredMax = 2;
const silenceMsMax = 15_000;
/** For the other site to begin a move: time for another worker to lead it. */
const begunMsMax = 90_000;
/** A step of an operation that takes longer makes no progress. */
const progressMs = 5_000;
/** A sample of the exposure that is older says nothing. */
const sampleAgeMsMax = 10_000;
/** While nothing moves, canaries may be without an acknowledgement for so long. */
const canarySilenceMs = 10_000;
const exposureSecondsMax = 30;

interface AskedCondition {
  readonly condition: Condition;
  failures: number;
  newest: Asked | undefined;
}

/** Looks all the time whether a run has to end: what it sees are triggers of the abort table, and reasons why it cannot pass. */
export class RunWatch {
  readonly #ports: RunWatchPorts;
  readonly #conditions: readonly AskedCondition[];
  readonly #stopping = new AbortController();
  readonly #failures: string[] = [];
  #silentSinceMs: number | undefined;
  #staleSinceMs: number | undefined;
  /** At this phase it waits for a move to be begun. */
  #waiting: { readonly at: number; readonly sinceMs: number } | undefined;
  #step: { readonly operation: string; readonly kind: string; readonly sinceMs: number } | undefined;

  constructor(ports: RunWatchPorts) {
    this.#ports = ports;
    this.#conditions = (ports.spec.abortIf ?? []).map((condition) => ({ condition, failures: 0, newest: undefined }));
  }

  begin(signal: AbortSignal): void {
    if (this.#conditions.length > 0) void this.#ask(AbortSignal.any([signal, this.#stopping.signal]));
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Why it cannot pass any more, though it goes on. Each is told once. */
  takeFailures(): readonly string[] {
    return this.#failures.splice(0);
  }

  triggers(run: RunRecord, phase: Phase, leg: LegSeen): readonly TriggerSeen[] {
    const found: TriggerSeen[] = [];
    const see = (trigger: TriggerSeen['trigger'], reason: string | undefined): void => {
      if (reason !== undefined && endsRun(run, trigger)) found.push({ trigger, reason });
    };
    if (isLostOnPurpose(run)) this.#forgetSilence();
    const begun = phase.does !== 'look' && phase.does !== 'predict';
    see('real incident', this.#incident(run));
    see('lost contact', this.#silence());
    see('dead man', this.#late(run));
    if (!begun) return found;
    const alarms = this.#alarms(run);
    see('outcome alarm', alarms.ringing);
    see('stale input', alarms.stale ?? (endsRun(run, 'stale input', 'the link') ? this.#stale(phase) : undefined));
    if (phase.does === 'hold' || phase.does === 'baseline') see('canary', this.#canaries());
    // Only here: while rights are on the move, a look at them may be older than the move.
    if (phase.does === 'hold') see('two writers', this.#leak(run));
    if (phase.does === 'move') for (const { trigger, reason } of this.#moving(run, phase, leg)) see(trigger, reason);
    return found;
  }

  #incident(run: RunRecord): string | undefined {
    const { state, link } = this.#ports;
    const peer = link()?.peer.state.moves ?? state.moves;
    const [other] = otherOperations({ own: state.moves, peer }, run.id);
    return other === undefined ? undefined : `${other.id} moves roles`;
  }

  /** What was silent on purpose is missed only from now on. */
  #forgetSilence(): void {
    this.#silentSinceMs = undefined;
    this.#staleSinceMs = undefined;
  }

  #silence(): string | undefined {
    const nowMs = this.#ports.clock.monotonicMs();
    const silent = this.#ports.link()?.peer.isSilent(silenceMsMax) === true;
    this.#silentSinceMs = silent ? (this.#silentSinceMs ?? nowMs) : undefined;
    if (this.#silentSinceMs === undefined || nowMs - this.#silentSinceMs < silenceMsMax) return undefined;
    return `the other site has not answered for ${Math.round((nowMs - this.#silentSinceMs) / 1000)} s`;
  }

  #late({ deadlineAt }: RunRecord): string | undefined {
    return this.#ports.clock.now().getTime() > Date.parse(deadlineAt) ? `it had to end by ${deadlineAt}` : undefined;
  }

  #stale(phase: Phase): string | undefined {
    const { clock, link } = this.#ports;
    if (phase.does === 'move' || phase.does === 'prove' || phase.does === 'rehearse') return undefined;
    const view = link()?.view();
    const { sampleAgeMs, basis } = view?.exposure ?? { basis: 'stale' as const };
    const old = basis === 'stale' || (sampleAgeMs ?? 0) > sampleAgeMsMax;
    const nowMs = clock.monotonicMs();
    this.#staleSinceMs = old ? (this.#staleSinceMs ?? nowMs) : undefined;
    if (this.#staleSinceMs === undefined || nowMs - this.#staleSinceMs < staleMsMax) return undefined;
    const age = sampleAgeMs === undefined ? 'never heard' : `${Math.round(sampleAgeMs / 1000)} s old`;
    return `the exposure of link ${view?.id ?? 'none'} is ${basis}, ${age}`;
  }

  #canaries(): string | undefined {
    return this.#ports.canaries.writing?.silence(canarySilenceMs);
  }

  /** At either site: what another one may write is writable at both. */
  #leak({ id }: RunRecord): string | undefined {
    const link = this.#ports.link();
    return leakOf(link) ?? link?.peer.state.drills.answer(id)?.leak;
  }

  #alarms(run: RunRecord): { readonly ringing: string | undefined; readonly stale: string | undefined } {
    const asked = (trigger: 'outcome alarm' | 'stale input'): readonly AskedCondition[] =>
      this.#conditions.filter(({ condition: { kind } }) =>
        endsRun(run, trigger, kind === 'exposureAbove' ? 'the link' : 'anything else'),
      );
    const ringing = asked('outcome alarm').find(({ newest }) => newest?.kind === 'holds');
    const mute = asked('stale input').find(({ failures }) => failures >= unansweredMax);
    const why = mute?.newest?.kind === 'unknown' ? `: ${mute.newest.reason}` : '';
    return {
      ringing: ringing === undefined ? undefined : `${conditionText(ringing.condition)} holds`,
      stale: mute === undefined ? undefined : `${conditionText(mute.condition)} cannot be asked${why}`,
    };
  }

  /** Of the move that is under way: how long it drains, and how long applications have been without a primary. */
  #moving(run: RunRecord, phase: Extract<Phase, { does: 'move' }>, leg: LegSeen): readonly TriggerSeen[] {
    const { state, link, clock, times, spec } = this.#ports;
    const operation = operationOfLeg(
      { own: state.moves, peer: link()?.peer.state.moves ?? state.moves },
      run.id,
      phase.leg,
    );
    const nowMs = clock.monotonicMs();
    if (leg.kind === 'not begun') return this.#notBegun(run, phase, nowMs);
    if (operation === undefined || leg.kind !== 'going on') return [];
    const { id, step, startedAt } = operation;
    if (this.#step?.operation !== id || this.#step.kind !== step.kind)
      this.#step = { operation: id, kind: step.kind, sinceMs: nowMs };
    const atStepMs = nowMs - this.#step.sinceMs;
    const found: TriggerSeen[] = [];
    if (step.kind === 'draining' && atStepMs > times.drainMs)
      found.push({
        trigger: 'drain timeout',
        reason: `it drains for ${(atStepMs / 1000).toFixed(1)} s, ${spec.drainTimeout} are allowed`,
      });
    const exposed = link()?.view().exposure.seconds ?? 0;
    if (step.kind === 'draining' && exposed > exposureSecondsMax)
      found.push({ trigger: 'exposure rising', reason: `${exposed.toFixed(1)} s are exposed while it drains` });
    const tookMs = clock.now().getTime() - Date.parse(startedAt);
    if (tookMs > times.rtoMs && !writable.has(step.kind)) {
      const reason = `move ${phase.leg + 1} takes longer than its ${spec.objectives.rto} (RTO)`;
      if (!this.#failures.includes(reason)) this.#failures.push(reason);
      if (!leg.promoted && atStepMs > progressMs) found.push({ trigger: 'rto budget', reason });
    }
    return found;
  }

  /** The other site begins what leads there, or says why not; where no worker leads it nobody does either. */
  #notBegun(
    { at, script }: RunRecord,
    { leg }: Extract<Phase, { does: 'move' }>,
    nowMs: number,
  ): readonly TriggerSeen[] {
    const to = script.legs[leg]?.to;
    if (this.#waiting?.at !== at) this.#waiting = { at, sinceMs: nowMs };
    if (to === this.#ports.site || nowMs - this.#waiting.sinceMs < begunMsMax) return [];
    const reason = `site ${to} has neither begun move ${leg + 1} nor refused it for ${begunMsMax / 1000} s: does a worker lead it?`;
    return [{ trigger: 'lost contact', reason }];
  }

  /** Never rejects. */
  async #ask(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    while (!hasAborted(signal)) {
      await Promise.all(
        this.#conditions.map(async (each) => {
          each.newest = await askCondition(each.condition, this.#ports, signal);
          each.failures = each.newest.kind === 'unknown' ? each.failures + 1 : 0;
        }),
      );
      await pause.wait(signal, conditionsEveryMs);
    }
  }
}

const staleMsMax = 5_000;
/** At these the new primary takes writes. */
const writable: ReadonlySet<string> = new Set(['repointing', 'reversing', 'done']);
