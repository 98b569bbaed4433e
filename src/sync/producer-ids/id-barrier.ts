import { ConnectionError, KafkaError, MalformedError, NotSentError } from '../../kafka/errors.ts';
import { hasAborted } from '../../replication/waiting/wakeup.ts';
import { type BarrierLimits, defaultBarrierLimits } from './barrier-limits.ts';
import type { BarrierBroker, BarrierView, FinishedBarrier } from './barrier-view.ts';
import { type Allocators, burnIds } from './burn-ids.ts';
import { idsLeft, idToPass, slackFor } from './plan-barrier.ts';

export interface IdBarrierPorts {
  /** Of the target, where producers of the source will go on with the ids that they have. */
  readonly allocators: Allocators;
  /** Of the ids that producers of the source may have: it only grows. Asked at every step. */
  readonly highest: () => bigint | undefined;
  /** Of the cluster that they come from. */
  readonly sourceBrokers: () => number;
  /** Whether this worker leads its site; asked by each round. */
  readonly mayAct: () => boolean;
  /** What an earlier worker's {@link IdBarrier.finish} has passed: it stays passed. */
  readonly passed?: bigint | undefined;
}

/** In the background one request at a time and broker; at the end as many as a broker has use for. */
const paces = { round: { lanes: 1, perLane: 2 }, finish: { lanes: 4, perLane: 8 } } as const;
/** How often a broker that answers at first is taken up again when it is to be brought past at once. */
const attemptsMax = 3;
/** Shorter bursts say nothing of the speed. */
const measuredIdsMin = 500;

/**
 * Keeps what a cluster gives out as producer ids above those that producers bring along from another one. Two producers
 * of one id in one partition are one to a broker: a batch of the second is taken for one of the first that was sent twice,
 * acknowledged and not appended. Clients keep their id when they move, so the target's allocators have to be past all of
 * the source's ids before anybody may write there.
 *
 * It changes nothing but the allocators, and those only upwards: asking for an id is all that it does. Rounds keep the
 * distance small all the time; {@link finish} closes it. They wait for each other.
 */
export class IdBarrier {
  readonly #ports: IdBarrierPorts;
  readonly #limits: BarrierLimits;
  /** Every broker that was ever seen, by its id. */
  readonly #brokers = new Map<number, BarrierBroker>();
  readonly #askedAtMs = new Map<number, number>();
  /**
   * Brokers on their way from too far behind to the reserve, with the id that each has to pass: as it was when they set
   * out. Two sites whose goals moved along with each other would never arrive.
   */
  readonly #advancing = new Map<number, bigint>();
  /** No broker may stand here or below any more, also one that was not to be found at the time. */
  #passed: bigint | undefined;
  #burnt = 0;
  #idsPerSecond: number;
  #trouble: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** Ends the round that is under way: a promotion waits. */
  #hurry = new AbortController();

  constructor(ports: IdBarrierPorts, limits: BarrierLimits = defaultBarrierLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#passed = ports.passed;
    this.#idsPerSecond = limits.idsPerSecond;
  }

  /** Ids that the target has given out, as far as its brokers were asked; undefined: none has answered. */
  get given(): bigint | undefined {
    const known = this.#standings([...this.#brokers.keys()]);
    return known.length === 0 ? undefined : known.reduce((most, at) => (at > most ? at : most));
  }

  /** What {@link finish} was to pass, the last time: from then on the rounds hold every broker above it. */
  get passed(): bigint | undefined {
    return this.#passed;
  }

  /**
   * One step in the background: next to nothing while no broker is far behind. Troubles of the cluster do not reject: they
   * are in the view, and the next round tries again.
   */
  round(signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#ports.mayAct()) return;
      const until = AbortSignal.any([signal, this.#hurry.signal]);
      try {
        const nodeIds = await this.#ports.allocators.brokers();
        const due = nodeIds.filter((nodeId) => this.#isDue(nodeId));
        await this.#ask(due, until);
        await this.#advance(nodeIds, until);
      } catch (error) {
        this.#trouble = troubleText(error);
      }
    });
  }

  /** Asks every broker where it stands. Throws as {@link finish} does. */
  look(signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => this.#ask(await this.#ports.allocators.brokers(), signal));
  }

  /**
   * Brings every broker past all ids of the source, as fast as they can, before producers of the source may write. To be
   * called when nothing is copied any more, so that the highest id is known. What the cluster does wrong is in the
   * answer; throws {@link ConnectionError} when it does not say which brokers it has, and when `signal` aborts.
   */
  async finish(
    signal: AbortSignal,
    { withinMs = this.#limits.finishMsMax }: { readonly withinMs?: number } = {},
  ): Promise<FinishedBarrier> {
    this.#hurry.abort();
    return this.#inTurn(async () => {
      this.#hurry = new AbortController();
      return this.#finish(withinMs, signal);
    });
  }

  view(): BarrierView {
    const highest = this.#ports.highest();
    const past = idToPass(highest, this.#limits);
    const left = highest === undefined ? 0n : idsLeft(this.#standings([...this.#brokers.keys()]), past);
    return {
      ...{ highest, past, brokers: [...this.#brokers.values()], idsLeft: left, secondsLeft: this.#secondsFor(left) },
      ...{ advancing: this.#advancing.size, burnt: this.#burnt, trouble: this.#trouble ?? this.#outOfReach(left) },
    };
  }

  async #finish(withinMs: number, signal: AbortSignal): Promise<FinishedBarrier> {
    const begunAtMs = performance.now();
    const burntBefore = this.#burnt;
    const present = await this.#ports.allocators.brokers();
    signal.throwIfAborted();
    const highest = this.#ports.highest();
    const past = idToPass(highest, this.#limits);
    await this.#ask(present, signal);
    signal.throwIfAborted();
    const reached = (): Omit<Extract<FinishedBarrier, { kind: 'held' }>, 'kind'> => ({
      ...{ highest, past, brokers: this.#concerned(present, past) },
      ...{ burnt: this.#burnt - burntBefore, tookMs: performance.now() - begunAtMs },
    });
    const answering = present.filter((nodeId) => this.#brokers.get(nodeId)?.trouble === undefined);
    const left = idsLeft(this.#standings(answering), past);
    const secondsLeft = this.#secondsFor(left);
    if (secondsLeft * 1000 > withinMs) {
      const message = `producers of the source have ids up to ${highest ?? 'none'}; the target is ${left} ids behind, which takes about ${Math.ceil(secondsLeft)} s where ${withinMs / 1000} s are allowed`;
      return { kind: 'too-far', ...reached(), idsLeft: left, secondsLeft, message };
    }
    this.#passed = past;
    const until = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    await this.#burnInAttempts(answering, past, until);
    signal.throwIfAborted();
    return this.#concluded(reached());
  }

  /** A connection that breaks in the middle is made anew. */
  async #burnInAttempts(nodeIds: readonly number[], past: bigint, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < attemptsMax && !hasAborted(signal); attempt++) {
      const open = nodeIds.filter((nodeId) => (this.#standingOf(nodeId) ?? -1n) <= past);
      if (open.length === 0) return;
      await this.#burnAll(open, { past: () => past, pace: 'finish' }, signal);
    }
  }

  #concluded(reached: Omit<Extract<FinishedBarrier, { kind: 'held' }>, 'kind'>): FinishedBarrier {
    const { brokers, past } = reached;
    const behind = brokers.filter(({ standsAt }) => standsAt === undefined || standsAt <= past);
    if (behind.length === 0 && brokers.length > 0) return { kind: 'held', ...reached };
    const silent = behind.filter(({ trouble }) => trouble !== undefined);
    const reasons = behind.map(
      ({ nodeId, standsAt, trouble }) => `broker ${nodeId} (${trouble ?? `stands at ${standsAt ?? 'nothing'}`})`,
    );
    if (silent.length < behind.length || silent.length === brokers.length) {
      const message = `not every broker is past producer id ${past}: ${reasons.join(', ')}`;
      return { kind: 'short', ...reached, message };
    }
    const nodeIds = silent.map(({ nodeId }) => nodeId);
    const message = `these brokers could not be brought past producer id ${past}: ${reasons.join(', ')}`;
    return { kind: 'unreached', ...reached, nodeIds, message };
  }

  /** Of those that are gone, the ones that might come back with a block of old ids. */
  #concerned(present: readonly number[], past: bigint): readonly BarrierBroker[] {
    return [...this.#brokers.values()].flatMap((broker) => {
      if (present.includes(broker.nodeId)) return [broker];
      if (broker.standsAt === undefined || broker.standsAt > past) return [];
      return [{ ...broker, trouble: broker.trouble ?? 'not in the cluster now' }];
    });
  }

  #isDue(nodeId: number): boolean {
    const { standsAt: at, trouble } = this.#brokers.get(nodeId) ?? {};
    if (
      at === undefined ||
      trouble !== undefined ||
      performance.now() - (this.#askedAtMs.get(nodeId) ?? -Infinity) > this.#limits.askMs
    )
      return true;
    // What it answered last may be long ago; only a new answer makes it one that is far behind.
    return !this.#advancing.has(nodeId) && this.#isFarBehind(at);
  }

  #isFarBehind(standsAt: bigint): boolean {
    const highest = this.#ports.highest();
    return highest !== undefined && highest - standsAt > slackFor(this.#ports.sourceBrokers(), this.#limits);
  }

  async #ask(nodeIds: readonly number[], signal: AbortSignal): Promise<void> {
    await this.#burnAll(nodeIds, { pace: 'round', idsMax: 1 }, signal);
  }

  async #advance(nodeIds: readonly number[], signal: AbortSignal): Promise<void> {
    const past = idToPass(this.#ports.highest(), this.#limits);
    const answering = nodeIds.filter((nodeId) => this.#brokers.get(nodeId)?.trouble === undefined);
    // Together, and to one target: brokers that went one by one would take turns with those of the other site for ever.
    const isDue = answering.some((nodeId) => {
      const at = this.#brokers.get(nodeId)?.standsAt;
      return at !== undefined && !this.#advancing.has(nodeId) && this.#isFarBehind(at);
    });
    for (const nodeId of answering) {
      const at = this.#brokers.get(nodeId)?.standsAt;
      if (at === undefined) continue;
      if (at > (this.#advancing.get(nodeId) ?? -1n)) this.#advancing.delete(nodeId);
      if (!this.#advancing.has(nodeId) && isDue && at <= past) this.#advancing.set(nodeId, past);
      const passed = this.#passed ?? -1n;
      if (at <= passed && (this.#advancing.get(nodeId) ?? -1n) < passed) this.#advancing.set(nodeId, passed);
    }
    const advancing = answering.filter((nodeId) => this.#advancing.has(nodeId));
    const [trouble] = nodeIds.flatMap((nodeId) => this.#brokers.get(nodeId)?.trouble ?? []);
    this.#trouble = trouble;
    if (advancing.length === 0) return;
    if (this.#outOfReach(idsLeft(this.#standings(answering), past)) !== undefined) return;
    const idsMax = Math.ceil(this.#limits.roundIdsMax / advancing.length);
    await this.#burnAll(
      advancing,
      { past: (nodeId) => this.#advancing.get(nodeId) ?? past, pace: 'round', idsMax },
      signal,
    );
  }

  /** At all brokers at a time; what one of them does wrong is noted and keeps no other one. */
  async #burnAll(
    nodeIds: readonly number[],
    task: { readonly past?: (nodeId: number) => bigint; readonly pace: keyof typeof paces; readonly idsMax?: number },
    signal: AbortSignal,
  ): Promise<void> {
    const begunAtMs = performance.now();
    const burntBefore = this.#burnt;
    await Promise.all(
      nodeIds.map(async (nodeId) => {
        this.#askedAtMs.set(nodeId, performance.now());
        const noted = (id: bigint): void => this.#note(nodeId, id);
        const at = this.#standingOf(nodeId);
        // Without one to pass the next id is all that is wanted.
        const past = task.past?.(nodeId) ?? -1n;
        if (task.past !== undefined && at !== undefined && at > past) return;
        try {
          await burnIds(this.#ports.allocators, { nodeId, ...task, past, ...paces[task.pace], noted }, signal);
        } catch (error) {
          this.#brokers.set(nodeId, { nodeId, standsAt: this.#standingOf(nodeId), trouble: troubleText(error) });
        }
      }),
    );
    const burnt = this.#burnt - burntBefore;
    if (task.pace === 'finish' && burnt >= measuredIdsMin && !hasAborted(signal))
      this.#idsPerSecond = (burnt * 1000) / (performance.now() - begunAtMs);
  }

  #note(nodeId: number, id: bigint): void {
    this.#burnt += 1;
    const at = this.#standingOf(nodeId);
    // Answers over several connections come in any order.
    this.#brokers.set(nodeId, { nodeId, standsAt: at === undefined || id > at ? id : at, trouble: undefined });
  }

  #standingOf(nodeId: number): bigint | undefined {
    return this.#brokers.get(nodeId)?.standsAt;
  }

  #standings(nodeIds: readonly number[]): readonly bigint[] {
    return nodeIds.flatMap((nodeId) => this.#standingOf(nodeId) ?? []);
  }

  #secondsFor(ids: bigint): number {
    return Number(ids) / this.#idsPerSecond;
  }

  #outOfReach(left: bigint): string | undefined {
    const { chaseIdsMax } = this.#limits;
    if (left <= chaseIdsMax) return undefined;
    return `a producer of the source has the id ${this.#ports.highest() ?? 'none'}, ${left} ids above what the target gives out: more than ${chaseIdsMax} are not made up for in the background`;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    // The next one waits for this one, whatever comes of it; its caller is told by `mine`.
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/** The message of a trouble with the cluster; throws whatever else it is. */
function troubleText(error: unknown): string {
  const kinds = [ConnectionError, KafkaError, MalformedError, NotSentError];
  if (error instanceof Error && kinds.some((kind) => error instanceof kind)) return error.message;
  throw error;
}
