import { ruleOf } from '../../drill/next-move.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { isOver } from '../../operations/operation.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { RunAnswer } from '../state/drill-memory.ts';
import type { Canaries } from './canaries.ts';
import { takesRoles } from './claim.ts';
import { renewsCanaries } from './clean-up.ts';
import type { DrillPorts } from './drill-ports.ts';
import { leakOf } from './link-leak.ts';
import { beginLeg, cancelLegs, isWanted, operationOfLeg } from './legs.ts';
import { PeerTails } from './peer-tails.ts';
import { checkSite } from './site-checks.ts';

export interface PeerRunsPorts extends DrillPorts {
  readonly canaries: Canaries;
}

const lookMs = 300;
const troubleMs = 1_000;

/**
 * What this site does for a run that the other site's controller carries out: says what it finds, coordinates the moves that
 * lead here, renews its canaries, reconciles what it had alone when it was lost on purpose. It knows of the run what `_umbra` there says, and answers in its own. What it says it has
 * seen it never goes back behind: a move of an earlier phase is not begun any more.
 */
export class PeerRuns {
  readonly #ports: PeerRunsPorts;
  readonly #tails: PeerTails;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;

  constructor(ports: PeerRunsPorts) {
    this.#ports = ports;
    this.#tails = new PeerTails(ports);
    this.#loop = this.#keep(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Of the other site, the one that moves roles. */
  current(): RunRecord | undefined {
    const { link, site } = this.#ports;
    return link()
      ?.peer.state.drills.runs()
      .find((run) => run.site !== site && takesRoles(run));
  }

  async #keep(signal: AbortSignal): Promise<void> {
    let trouble: string | undefined;
    while (!hasAborted(signal)) {
      const { link, logger } = this.#ports;
      const peer = link()?.peer;
      const seen = peer?.position ?? 0n;
      let waitMs = lookMs;
      try {
        await this.#round(signal);
        trouble = undefined;
      } catch (error) {
        if (hasAborted(signal)) return;
        const why = error instanceof Error ? error.message : String(error);
        if (why !== trouble)
          logger.warn({ err: error }, 'taking part in a drill of the other site has to be tried again');
        trouble = why;
        waitMs = troubleMs;
      }
      if (peer === undefined) await new Wakeup().wait(signal, troubleMs);
      else await peer.untilRead(seen, waitMs, signal);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { state, link, mayAct } = this.#ports;
    const peer = link()?.peer;
    if (peer === undefined || peer.roles.kind !== 'read' || !mayAct()) return;
    const run = this.current();
    const gone = state.drills.answers().flatMap((answer) => (answer.run === run?.id ? [] : [answer.run]));
    if (gone.length > 0) {
      await state.drills.removeAnswers(gone, signal);
      this.#ports.canaries.writing?.drill(undefined);
    }
    if (run?.state !== 'running') return;
    const known = state.drills.answer(run.id) ?? { run: run.id, seen: 0, checks: [], refusals: [], clean: false };
    const answer = await this.#answer(run, known, signal);
    if (JSON.stringify(answer) !== JSON.stringify(known)) await state.drills.putAnswer(answer, signal);
  }

  async #answer(run: RunRecord, known: RunAnswer, signal: AbortSignal): Promise<RunAnswer> {
    const { state, clock, canaries } = this.#ports;
    const phase = run.script.phases[run.at];
    const answer: RunAnswer = { ...known, seen: Math.max(known.seen, run.at) };
    if (run.abort !== undefined && ruleOf(run.abort).action === 'undo') cancelLegs(this.#ports, run.id);
    switch (phase?.does) {
      case 'look': {
        if (known.checks.length > 0) return answer;
        const { checks } = await checkSite(this.#ports, canaries, run, signal);
        const at = clock.now().toISOString();
        return { ...answer, checks: checks.map((check) => ({ ...check, at })) };
      }
      case 'baseline':
        canaries.writing?.drill(Date.parse(run.startedAt));
        return answer;
      case 'hold': {
        const leak = leakOf(this.#ports.link());
        return leak === undefined ? answer : { ...answer, leak };
      }
      case 'move': {
        const leg = run.script.legs[phase.leg];
        if (leg?.to !== this.#ports.site || run.abort !== undefined || run.at < known.seen) return answer;
        if (known.refusals.some((refusal) => refusal.leg === phase.leg)) return answer;
        if (operationOfLeg({ own: state.moves, peer: state.moves }, run.id, phase.leg) !== undefined) return answer;
        const wanted = (): boolean => isWanted(this.current(), run.at);
        const refusal = await beginLeg(this.#ports, run, wanted, signal);
        if (refusal === undefined) return answer;
        return { ...answer, refusals: [...known.refusals, { leg: phase.leg, reason: refusal.slice(0, 2_000) }] };
      }
      case 'reconcile':
        return { ...answer, tails: await this.#tails.look(run, phase.tail, signal) };
      case 'cleanup':
      case 'seal':
        canaries.writing?.drill(undefined);
        return { ...answer, clean: this.#isClean(run) };
      default:
        return answer;
    }
  }

  #isClean(run: RunRecord): boolean {
    const { state, canaries, link } = this.#ports;
    const open = state.moves.operations().some(({ drill, step }) => drill?.run === run.id && !isOver(step));
    if (open || link()?.view().state !== 'following') return false;
    if (!renewsCanaries(run)) return true;
    const topics = run.script.legs.flatMap((leg) => (typeof leg.topics === 'string' ? [] : leg.topics));
    for (const topic of topics) canaries.leave(topic);
    return topics.every((topic) => canaries.hasLeft(topic)) && canaries.trouble() === undefined;
  }
}
