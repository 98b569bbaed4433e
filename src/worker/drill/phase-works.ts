import { type DrillSpec, type DrillTimes } from '../../drill/drill-spec.ts';
import { movesRoles } from '../../drill/level.ts';
import { isMendDue } from '../../drill/loss-on-purpose.ts';
import { problemsOf } from '../../drill/rehearsal-record.ts';
import type { RunFacts, RunRecord } from '../../drill/run-record.ts';
import type { Phase } from '../../drill/script.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { OpenFindings } from './ask-condition.ts';
import type { Canaries } from './canaries.ts';
import { failed, type Found, objections, passed } from './check.ts';
import type { DrillPorts } from './drill-ports.ts';
import { checkAlarms, checkHost } from './host-checks.ts';
import { cleanRehearsal, rehearseRun } from './rehearsal.ts';
import { beginLeg, cancelLegs, cutsOfLeg, isWanted, type LegSight, operationOfLeg } from './legs.ts';
import { lose, mend } from './loss.ts';
import { lookUntil } from './look-until.ts';
import { type LegProof, proveLeg, proveRun } from './prove-leg.ts';
import { cleanUp, renewsCanaries } from './clean-up.ts';
import { rolesAway, rolesOfRun } from './roles-away.ts';
import { checkReadiness } from './readiness.ts';
import type { Recorder } from './recorder.ts';
import { checkSite } from './site-checks.ts';
import { failoverLegOf, lossFound, saidAtMost, tooMuchLost, untilReconciled } from './tails-seen.ts';

export interface PhaseWorksPorts extends DrillPorts {
  readonly spec: DrillSpec;
  readonly times: DrillTimes;
  readonly canaries: Canaries;
  readonly findings: OpenFindings;
  readonly recorder: Recorder;
}

export type RunFindings = Pick<
  RunFacts,
  'preconditions' | 'predictions' | 'proofs' | 'roles' | 'cuts' | 'loss' | 'tails' | 'notes' | 'rehearsal'
>;

const nothing = (): RunFindings => ({
  ...{ preconditions: [], predictions: [], proofs: [] },
  ...{ roles: [], cuts: [], tails: [], notes: [] },
});

const lookMs = 200;
/** For the other site to say what it thinks of a run. */
const answerMsMax = 20_000;
/** Beside the time that is asked for, for canaries to become green. */
const greenMsMax = 30_000;

/** What is done in each phase of a run. Idempotent, each; what they find is taken with the next entry of the journal. */
export class PhaseWorks {
  readonly #ports: PhaseWorksPorts;
  readonly #refused = new Map<number, string>();
  #found = nothing();

  constructor(ports: PhaseWorksPorts) {
    this.#ports = ports;
  }

  /** What was found since it was last asked. */
  take(): RunFindings {
    const found = this.#found;
    this.#found = nothing();
    return found;
  }

  legs(run: string): LegSight {
    const { state, link } = this.#ports;
    const peer = link()?.peer.state;
    return {
      own: state.moves,
      peer: peer?.moves ?? state.moves,
      answer: peer?.drills.answer(run),
      refused: this.#refused,
    };
  }

  /** Topics of the run are not at home. */
  readonly away = (run: RunRecord): boolean => rolesAway(this.#ports, this.legs(run.id), run).length > 0;

  cancel(run: string): void {
    cancelLegs(this.#ports, run);
  }

  /** Resolves to what is wrong, a line each; empty where it is as it has to be. Throws what may pass. */
  async carryOut(run: RunRecord, phase: Phase, signal: AbortSignal): Promise<readonly string[]> {
    const { canaries, recorder } = this.#ports;
    switch (phase.does) {
      case 'look':
        return this.#look(run, signal);
      case 'predict':
        return this.#predict(run, signal);
      case 'rehearse':
        return this.#rehearse(run, phase, signal);
      case 'baseline':
        canaries.writing?.drill(Date.parse(run.startedAt));
        return this.#baseline(phase.plannedMs, signal);
      case 'arm':
        return objections(this.#note(await checkAlarms(this.#ports, signal)));
      case 'lose':
        return this.#lose(run, signal);
      case 'mend':
        return mend(this.#ports, run, signal);
      case 'reconcile':
        return this.#reconcile(run, signal);
      case 'move':
        return this.#move(run, phase.leg, signal);
      case 'prove':
        return this.#proven(await proveLeg(this.#ports, this.legs(run.id), { run, leg: phase.leg }, signal));
      case 'hold':
        await this.#until(Date.parse(run.since) + phase.plannedMs, signal);
        return [];
      case 'judge':
        if (renewsCanaries(run)) this.#keep(run);
        return this.#judge(run, signal);
      case 'cleanup':
        canaries.writing?.drill(undefined);
        if (run.level === 'L3') return cleanRehearsal(this.#ports, run, signal);
        return this.#cleanUp(run, signal);
      case 'seal':
        return recorder.seal(run, this.legs(run.id), signal);
    }
  }

  /** The run is over: its summary takes its place. */
  async end(run: RunRecord, signal: AbortSignal): Promise<void> {
    this.#ports.canaries.writing?.drill(undefined);
    await this.#ports.recorder.end(run, signal);
  }

  /** What nobody knows any more when the topics are gone. */
  #keep(run: RunRecord): void {
    const legs = this.legs(run.id);
    this.#found.roles = rolesOfRun(this.#ports, legs, run).map((role) => ({ ...role }));
    this.#found.cuts = run.script.legs.flatMap((_leg, leg) => cutsOfLeg(this.#ports, legs, { run: run.id, leg }));
  }

  async #judge(run: RunRecord, signal: AbortSignal): Promise<readonly string[]> {
    const wrong = this.#proven(await proveRun(this.#ports, this.legs(run.id), run, signal));
    if (failoverLegOf(run) === undefined) return wrong;
    const { proofs } = this.#found;
    const found = lossFound({ proofs: proofs.length > 0 ? proofs : run.facts.proofs, tails: run.facts.tails });
    const said = saidAtMost(this.#ports, this.legs(run.id), run);
    return [...wrong, ...tooMuchLost(found, { allowed: this.#ports.spec.objectives.rpoRecords, said })];
  }

  async #lose(run: RunRecord, signal: AbortSignal): Promise<readonly string[]> {
    const wrong = await lose(this.#ports, run, signal);
    this.#found.loss = this.#ports.config?.loss !== undefined && wrong.length === 0 ? 'made' : 'not made';
    return wrong;
  }

  async #reconcile(run: RunRecord, signal: AbortSignal): Promise<readonly string[]> {
    const { tails, wrong, note } = await untilReconciled(this.#ports, this.legs(run.id), run, signal);
    this.#found.tails = [...tails];
    if (note !== undefined) this.#found.notes.push(note);
    return wrong;
  }

  /** What was lost on purpose is given back here where the run did not come to that. */
  async #cleanUp(run: RunRecord, signal: AbortSignal): Promise<readonly string[]> {
    const unmended = isMendDue(run) ? await mend(this.#ports, run, signal) : [];
    return [...unmended, ...(await cleanUp(this.#ports, this.legs(run.id), run, signal))];
  }

  async #rehearse(
    run: RunRecord,
    { topics }: Extract<Phase, { does: 'rehearse' }>,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const rehearsal = await rehearseRun(this.#ports, run, topics, signal);
    this.#found.rehearsal = rehearsal;
    return problemsOf(rehearsal);
  }

  #proven({ proofs, wrong }: LegProof): readonly string[] {
    this.#found.proofs.push(...proofs);
    return wrong;
  }

  async #look(run: RunRecord, signal: AbortSignal): Promise<readonly string[]> {
    const { canaries } = this.#ports;
    const host = await checkHost(this.#ports, run, signal);
    const site = await checkSite(this.#ports, canaries, run, signal);
    const found = [...host, ...site.checks];
    if (run.level === 'L0') found.push(...(await checkReadiness(this.#ports, signal)));
    if (movesRoles(run.level)) found.push(...(await this.#answered(run, signal)));
    return objections(this.#note(found));
  }

  /** What the other site found when it looked at itself. */
  async #answered(run: RunRecord, signal: AbortSignal): Promise<readonly Found[]> {
    const { link, site } = this.#ports;
    const check = `site ${site === 'a' ? 'b' : 'a'}`;
    const checks = await lookUntil(
      () => {
        const said = link()?.peer.state.drills.answer(run.id)?.checks ?? [];
        return said.length > 0 ? said : undefined;
      },
      { forMs: answerMsMax, everyMs: lookMs },
      signal,
    );
    return checks === undefined
      ? [failed(check, `no worker there has answered within ${answerMsMax / 1000} s`)]
      : [passed(check, 'it has answered'), ...checks.map(({ at: _at, ...found }) => found)];
  }

  async #predict(run: RunRecord, signal: AbortSignal): Promise<readonly string[]> {
    const { link, events, clock } = this.#ports;
    const moves = link()?.moves;
    if (moves === undefined) return ['no link ends here'];
    const asked = {
      kind: 'failover',
      topics: 'all',
      oldSideUnconfirmed: true,
      includeUnready: true,
      withoutIdBarrier: false,
    } as const;
    const plan = await moves.predict(asked, signal);
    const { seconds = 0, records = 0, recordsAtMost = 0, basis = 'stale' } = plan.loss ?? {};
    this.#found.predictions.push({ leg: 0, seconds, records, recordsAtMost });
    const at = clock.now().toISOString();
    const message = `a failover of ${plan.topics.length} topics to site ${plan.to} would take about ${plan.seconds.toFixed(1)} s and lose ${records} records, at most ${recordsAtMost}, of the last ${seconds.toFixed(1)} s (${basis}, ${at})`;
    this.#found.notes.push(message);
    events.report({ kind: 'drill predicted', message: `${run.id}: ${message}` });
    return [];
  }

  async #baseline(forMs: number, signal: AbortSignal): Promise<readonly string[]> {
    const { canaries } = this.#ports;
    const pause = new Wakeup();
    const untilMs = performance.now() + forMs + greenMsMax;
    let greenSinceMs: number | undefined;
    let trouble: string | undefined;
    while (performance.now() < untilMs) {
      trouble = canaries.trouble();
      greenSinceMs = trouble === undefined ? (greenSinceMs ?? performance.now()) : undefined;
      if (greenSinceMs !== undefined && performance.now() - greenSinceMs >= forMs) return [];
      await pause.wait(signal, lookMs);
      signal.throwIfAborted();
    }
    return [`canaries were not green for ${forMs / 1000} s: ${trouble ?? 'not long enough'}`];
  }

  /** The other site begins those that lead there: it reads that this run is at this phase. */
  async #move(run: RunRecord, leg: number, signal: AbortSignal): Promise<readonly string[]> {
    if (run.script.legs[leg]?.to !== this.#ports.site) return [];
    if (operationOfLeg(this.legs(run.id), run.id, leg) !== undefined) return [];
    const { drills } = this.#ports.state;
    const wanted = (): boolean => isWanted(drills.run(run.id), run.at);
    const refusal = await beginLeg(this.#ports, run, wanted, signal);
    if (refusal !== undefined) this.#refused.set(leg, refusal);
    return [];
  }

  async #until(atMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    const pause = new Wakeup();
    for (let leftMs = atMs - clock.now().getTime(); leftMs > 0; leftMs = atMs - clock.now().getTime()) {
      await pause.wait(signal, Math.min(leftMs, 1_000));
      signal.throwIfAborted();
    }
  }

  #note(found: readonly Found[]): readonly Found[] {
    const at = this.#ports.clock.now().toISOString();
    this.#found.preconditions.push(...found.map((each) => ({ ...each, at })));
    return found;
  }
}
