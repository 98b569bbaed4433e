import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { type DrillLeg, isOver, isPromoted, type OperationRecord } from '../../operations/operation.ts';
import { type Plan, type PlanRequest, planOperation } from '../../operations/plan.ts';
import type { CandidateTopic, SitesSeen } from '../../operations/plan-sight.ts';
import type { SiteId } from '../../pair/site.ts';
import { linkId } from '../../pair/spec.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { EventSink } from '../events/event.ts';
import { Problem } from '../problems.ts';
import type { LinkRights } from '../control/link-acls.ts';
import type { SiteState } from '../state/state.ts';
import { Participation } from './participation.ts';
import { Coordination } from './coordination.ts';
import { forgetGrants, takeBackGrants } from './forget-grants.ts';
import { HeldTopics } from './held-topics.ts';
import { type MovePlan, type MoveRequest, type OperationView, type PartView, viewPlan } from './operation-view.ts';
import type { PeerState } from './peer-state.ts';
import { type PromotionPorts, PromotionWork } from './promotion-work.ts';
import { lookAtSource } from './look-at-source.ts';
import { Reversal } from './reversal.ts';
import type { ReversePorts } from './reverse-topics.ts';
import { SiteFence } from './site-fence.ts';

export interface LinkMovesPorts extends Omit<PromotionPorts, 'fence'> {
  readonly state: SiteState;
  readonly from: SiteId;
  readonly peer: PeerState;
  readonly clock: CopierClock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly rights: LinkRights;
  /** The names that are home at this site, and its groups. */
  readonly home: ReversePorts['home'];
  readonly tellProducerIds: (signal: AbortSignal) => Promise<unknown>;
  readonly lookAgain: () => void;
  /** The link's copies as they are now; asked of all workers just before. */
  readonly candidates: (signal: AbortSignal) => Promise<readonly CandidateTopic[]>;
  readonly seen: () => Omit<SitesSeen, 'sourceAnswers' | 'source'>;
}

/** For the other site to be read before a plan is made. */
const planReadMs = 1_000;
/** Between a plan and its confirmation by whoever has decided already. */
const silenceMsMax = 5_000;

/**
 * The operations that make copies of this link primary here, and those of the other site that this one takes part in: planned, confirmed, carried out, and taken up again by
 * whoever leads the site next.
 */
export class LinkMoves {
  readonly held: HeldTopics;
  readonly #ports: LinkMovesPorts;
  readonly #work: PromotionWork;
  readonly #running = new Map<string, { readonly coordination: Coordination; readonly ended: Promise<void> }>();
  readonly #stopping = new AbortController();
  readonly #participation: Participation;
  readonly #fence: SiteFence;

  constructor(ports: LinkMovesPorts) {
    this.#ports = ports;
    const { site, from, target: cluster, mayAct, state, rights, homeOf } = ports;
    const fence = new SiteFence({ cluster, state, mayAct, rights: rights.target });
    const isHome = (topic: string): boolean => homeOf(topic) === site;
    const reversal = new Reversal({ ...ports, fence, isHome, rights: rights.target });
    const link = linkId({ from: site, to: from });
    this.#participation = new Participation({ ...ports, link, cluster, fence, reversal });
    this.#fence = fence;
    this.held = new HeldTopics(state);
    this.#work = new PromotionWork({ ...ports, fence });
    for (const operation of ports.state.moves.operations()) {
      if (operation.link === ports.link && !isOver(operation.step)) this.#start(operation.id);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#participation.stop(), ...[...this.#running.values()].map(({ ended }) => ended)]);
  }

  /** Ids of operations that are not over. */
  get open(): readonly string[] {
    return this.views().flatMap(({ id, step }) => (isOver(step) ? [] : [id]));
  }

  /** Newest first. */
  views(): readonly OperationView[] {
    const { state, link } = this.#ports;
    return state.moves
      .operations()
      .filter((operation) => operation.link === link)
      .toSorted((left, right) => right.startedAt.localeCompare(left.startedAt))
      .map((operation) => this.#view(operation));
  }

  view(id: string): OperationView | undefined {
    const operation = this.#ports.state.moves.operation(id);
    return operation?.link === this.#ports.link ? this.#view(operation) : undefined;
  }

  async plan(request: MoveRequest, signal: AbortSignal): Promise<MovePlan> {
    const plan = await this.#plan(request, signal, { drillsGiveWay: true });
    // Whoever plans a failover is about to need it, and reads first: nothing is taken by it but numbers.
    if (plan.kind === 'failover' && plan.topics.length > 0) this.#work.passIdsAhead(request, this.#stopping.signal);
    return viewPlan(plan);
  }

  /** The same for nobody who is going to carry it out: no producer id is taken by it. */
  async predict(request: MoveRequest, signal: AbortSignal): Promise<MovePlan> {
    return viewPlan(await this.#plan(request, signal, { drillsGiveWay: true }));
  }

  /** Begins what the plan with this hash says, if it is still that. Resolves when it is in the journal. `drill`: whose leg it is. */
  async execute(request: MoveRequest, hash: string, signal: AbortSignal, drill?: DrillLeg): Promise<OperationView> {
    const { state, clock, link, site, events } = this.#ports;
    const plan = await this.#plan(request, signal);
    const now = viewPlan(plan);
    if (now.hash !== hash) {
      throw new Problem('PLAN_CHANGED', `the plan is ${now.hash} now, not ${hash}; nothing was touched`);
    }
    const [blocker] = plan.blockers;
    if (blocker !== undefined) {
      const others = plan.blockers.length > 1 ? ` (and ${plan.blockers.length - 1} more)` : '';
      throw new Problem('MOVE_REFUSED', `${blocker.message}${others}. ${blocker.remedy}`);
    }
    const at = clock.now().toISOString();
    const operation: OperationRecord = {
      ...{ id: operationId(request, clock.now()), kind: request.kind, link, to: site, topics: plan.topics.length },
      ...{
        planHash: hash,
        startedAt: at,
        unconfirmed: request.oldSideUnconfirmed,
        step: { kind: 'fencing' },
        since: at,
        withoutIdBarrier: request.withoutIdBarrier,
      },
      ...(drill === undefined ? {} : { drill }),
    };
    await state.moves.begin(
      operation,
      plan.topics.map(({ name }) => name),
      signal,
    );
    events.report({ kind: 'operation begun', link, message: `${operation.id}: ${describe(operation)}` });
    this.#start(operation.id);
    return this.#view(operation);
  }

  /** Asks for it to be given up: it ends as `aborted` where that is still possible. */
  abort(id: string): OperationView {
    const operation = this.#ports.state.moves.operation(id);
    if (operation?.link !== this.#ports.link)
      throw new Problem('NOT_FOUND', `link ${this.#ports.link} has no operation ${id}`);
    this.#running.get(id)?.coordination.cancel();
    return this.#view(operation);
  }

  /** What this site has done for operations of the other one. */
  parts(): readonly PartView[] {
    return this.#participation.views();
  }

  /** See `Participation.release`. */
  release(id: string): PartView {
    return this.#participation.release(id);
  }

  /** What an earlier promotion had granted here on a topic that becomes a copy again: see `forgetGrants`. */
  forgetGrants(fence: string, topic: string, signal: AbortSignal): Promise<void> {
    return forgetGrants({ ...this.#ports, fence: this.#fence }, { fence, topics: [topic] }, signal);
  }

  /** The topic is to be deleted here: what an operation fenced of it is given back, and what one granted on it taken back. */
  async releaseRights(topic: string, signal: AbortSignal): Promise<void> {
    await this.#fence.release(new Set([topic]), signal);
    await takeBackGrants(this.#ports, topic, signal);
  }

  /** `drillsGiveWay`: what a drill has in hand it lets go of when the plan is confirmed. */
  async #plan(request: MoveRequest, signal: AbortSignal, { drillsGiveWay } = { drillsGiveWay: false }): Promise<Plan> {
    const { link, site, candidates, seen } = this.#ports;
    const sourceAnswers = await this.#sourceAnswers(request, signal);
    const asked: PlanRequest = {
      ...{ kind: request.kind, link, to: site, topics: request.topics },
      ...{ unconfirmed: request.oldSideUnconfirmed, unready: request.includeUnready },
    };
    const topics = (await candidates(signal)).map((topic) => {
      const operation = this.held.operationOf(topic.name);
      const isDrill = drillsGiveWay && operation !== undefined && this.#isDrill(operation);
      return operation === undefined || isDrill ? topic : { ...topic, busy: `${operation} has it in hand` };
    });
    const plan = planOperation(asked, topics, { ...seen(), sourceAnswers, source: undefined });
    if (request.kind === 'failover' || !sourceAnswers) return plan;
    const source = await lookAtSource(this.#ports, plan.topics, signal);
    return planOperation(asked, topics, { ...seen(), sourceAnswers, source });
  }

  #isDrill(id: string): boolean {
    return this.#ports.state.moves.operation(id)?.drill !== undefined;
  }

  /** Its `_umbra` can be read now. It may be dead: that is what failovers are for, and the plan says so. */
  async #sourceAnswers({ oldSideUnconfirmed }: MoveRequest, signal: AbortSignal): Promise<boolean> {
    // Somebody has decided: what the plan before has found by waiting is not waited for again.
    if (oldSideUnconfirmed && this.#ports.peer.isSilent(silenceMsMax)) return false;
    try {
      await this.#ports.peer.read(AbortSignal.any([signal, AbortSignal.timeout(planReadMs)]));
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  #start(id: string): void {
    const { state, peer, clock, logger, events, link } = this.#ports;
    const coordination = new Coordination(id, {
      ...{ memory: state.moves, peer, work: this.#work, clock, logger },
      stepped: (operation) => {
        const { step } = operation;
        const reason = 'reason' in step ? `: ${step.reason}` : '';
        logger.warn({ link, operation: id, step: step.kind }, 'operation');
        events.report({ kind: 'operation step', link, message: `${id}: ${step.kind}${reason}` });
      },
    });
    const operation = state.moves.operation(id);
    if (operation !== undefined && !isPromoted(operation.step))
      this.#work.passIdsAhead(operation, this.#stopping.signal);
    const ended = this.#carryOn(coordination, this.#stopping.signal).finally(() => this.#running.delete(id));
    this.#running.set(id, { coordination, ended });
  }

  /** Never rejects. */
  async #carryOn(coordination: Coordination, signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    for (let attempt = 1; !hasAborted(signal); attempt++) {
      try {
        await coordination.run(signal);
        return;
      } catch (error) {
        // What was written is not known: whoever leads next reads it, maybe this worker again.
        this.#ports.logger.error(
          { err: error, operation: coordination.id },
          'an operation could not write its journal',
        );
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
  }

  #view(operation: OperationRecord): OperationView {
    const { id, kind, link, to, topics, startedAt, step, since, unconfirmed, passed, drill } = operation;
    const part = this.#ports.peer.state.moves.part(id)?.state;
    const trouble = this.#running.get(id)?.coordination.trouble;
    return {
      ...{ id, kind, link, to, topics, startedAt, step, since, unconfirmed },
      ...(passed === undefined ? {} : { passed }),
      ...(drill === undefined ? {} : { drill }),
      ...(part === undefined ? {} : { part }),
      ...(trouble === undefined ? {} : { trouble }),
    };
  }
}

function describe({ kind, topics, to, unconfirmed }: OperationRecord): string {
  const said = unconfirmed ? ', the old side unconfirmed' : '';
  return `${kind} of ${topics} ${topics === 1 ? 'topic' : 'topics'} to site ${to}${said}`;
}

/** Sorts by time. */
function operationId({ kind }: MoveRequest, now: Date): string {
  const time = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${kind}-${time}-${randomBytes(2).toString('hex')}`;
}
