import { bounded, type Broker, type Cluster } from '../../kafka/cluster.ts';
import { errorName, KafkaError, verdictOf } from '../../kafka/errors.ts';
import { findCoordinator } from '../../kafka/find-coordinator.ts';
import {
  groupErrors,
  type GroupIdentity,
  heartbeat,
  joinGroup,
  leaveGroup,
  syncGroup,
} from '../../kafka/group-membership-api.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { Freshness } from './freshness.ts';
import { workerProtocolType } from './worker-group.ts';

const protocol = { protocolType: workerProtocolType, protocolName: 'umbra-1' } as const;
/** A coordinator answers a join late, and the requests of one connection in order: heartbeats have one of their own. */
const purposes = { membership: 'group', heartbeat: 'heartbeat' } as const;
const groupAuthorizationFailed = 30;
const beatTimeoutMs = 2_000;
/** The group has moved on meanwhile. */
const passingErrors: ReadonlySet<number> = new Set([
  groupErrors.illegalGeneration,
  groupErrors.unknownMemberId,
  groupErrors.rebalanceInProgress,
]);
const looseErrors: ReadonlySet<number> = new Set([
  groupErrors.coordinatorLoading,
  groupErrors.coordinatorNotAvailable,
  groupErrors.notCoordinator,
]);

export interface MembershipLimits {
  /** The coordinator gives up a member it has not heard of for this long. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
}

/** What the rest of the worker has to say and to hear. None of these may throw. */
export interface MembershipPorts {
  /** What the leader shall know of us at this moment. */
  data(): Buffer;
  /**
   * We lead this generation: what shall each member do? Until it resolves all of them wait, and go on with what they
   * hold. Undefined when it cannot be said: everybody joins again.
   */
  assign(
    members: ReadonlyMap<string, Buffer>,
    generation: Generation,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Buffer> | undefined>;
  assigned(assignment: Buffer, generation: Generation): void;
}

export interface Generation {
  readonly number: number;
  readonly leads: boolean;
}

export interface MembershipOptions extends MembershipLimits {
  readonly cluster: Cluster;
  readonly groupId: string;
  /** Makes the member static: its successor of the same name takes its place at once (KIP-345). */
  readonly instanceId: string | undefined;
  readonly clock: CopierClock;
  readonly ports: MembershipPorts;
}

/** The group goes on without us: whatever we hold may be somebody else's now. */
export interface Loss {
  /** `replaced`: another process has our instance id, and would be pushed out by us in turn. */
  readonly kind: 'given-up' | 'replaced';
  readonly reason: string;
}

class LostError extends Error {
  readonly loss: Loss;

  constructor(loss: Loss) {
    super(loss.reason);
    this.loss = loss;
  }
}

/**
 * One worker's part in the group of its site's workers: joins, tells what it holds, hears what to do, and joins again
 * when the coordinator or {@link Membership.rejoin} says so. It goes on holding what it has meanwhile: others are
 * given nothing that a member holds.
 *
 * Heartbeats have a connection of their own and never stop, also while a join waits for slow members. When the last
 * good one was sent too long ago {@link Membership.fresh} is false, and the worker must not append (controlplane.md, 3).
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #freshness: Freshness;
  readonly #wakeup = new Wakeup();
  readonly #lost = new AbortController();
  #memberId = '';
  #generation: Generation | undefined;
  #joinWanted = true;
  #reason = 'start';
  #joining = false;
  #trouble: string | undefined = 'has not joined yet';
  #loss: Loss | undefined;
  /** Where heartbeats go: a broker that hangs must not be asked for the way to another one each time. */
  #beatsTo: Broker | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#freshness = new Freshness(options.clock, (options.sessionTimeoutMs * 2) / 3);
  }

  /** A good answer of the coordinator is young enough: nobody has been given what we hold. */
  get fresh(): boolean {
    return !this.#lost.signal.aborted && this.#freshness.holds;
  }

  get leads(): boolean {
    return this.#generation?.leads === true;
  }

  get generation(): Generation | undefined {
    return this.#generation;
  }

  /** Why we are no working member, if we are not. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** What we hold has changed, or the leader wants to assign anew. */
  rejoin(reason: string): void {
    this.#reason = reason;
    this.#joinWanted = true;
    this.#wakeup.wake();
  }

  /**
   * Until `signal` aborts, or the group goes on without us: then this membership is over. A static member does not
   * leave when it stops: its place is kept for its successor.
   */
  async run(signal: AbortSignal): Promise<Loss | undefined> {
    const until = AbortSignal.any([signal, this.#lost.signal]);
    const beats = this.#beatLoop(until);
    try {
      await this.#joinLoop(until);
    } catch (error) {
      if (!(error instanceof LostError)) throw error;
      this.#lose(error.loss);
    } finally {
      this.#lost.abort(this.#lost.signal.reason);
      await beats;
    }
    if (signal.aborted) await this.#leave();
    return signal.aborted ? undefined : this.#loss;
  }

  async #joinLoop(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    let failures = 0;
    while (!hasAborted(signal)) {
      if (!this.#joinWanted) {
        await this.#wakeup.wait(signal);
        continue;
      }
      try {
        this.#joining = true;
        const settled = await this.#join(signal);
        failures = 0;
        if (settled) this.#trouble = undefined;
      } catch (error) {
        if (hasAborted(signal)) return;
        if (error instanceof LostError) throw error;
        failures += 1;
        this.#joinWanted = true;
        this.#trouble = error instanceof Error ? error.message : String(error);
        const passing = error instanceof KafkaError && passingErrors.has(error.code);
        const denied = !passing && ['denied', 'final'].includes(verdictOf(error));
        await pause.wait(signal, denied ? retryDelays.deniedMs : retryDelays.after(failures));
      } finally {
        this.#joining = false;
      }
    }
  }

  /** One round of the protocol. False when it has to be done again at once. */
  async #join(signal: AbortSignal): Promise<boolean> {
    const { cluster, groupId, sessionTimeoutMs, ports } = this.#options;
    const broker = await findCoordinator(cluster, 'group', groupId, purposes.membership);
    const times = { sessionTimeoutMs, rebalanceTimeoutMs: sessionTimeoutMs * 2 };
    this.#joinWanted = false;
    const request = { ...protocol, ...times, data: ports.data(), reason: this.#reason };
    const joined = await joinGroup(broker, this.#identity, request);
    if (joined.errorCode === groupErrors.memberIdRequired) {
      this.#memberId = joined.memberId;
      this.#joinWanted = true;
      return false;
    }
    this.#requireGood(joined.errorCode, 'joining');
    this.#memberId = joined.memberId;
    if (joined.skipAssignment) {
      // The successor of a static leader: now that it is known under its own id, joining begins a new generation.
      this.#joinWanted = true;
      return false;
    }
    const generation: Generation = { number: joined.generation, leads: joined.leads };
    this.#generation = generation;
    const assignments = joined.leads
      ? await ports.assign(joined.members, generation, signal)
      : new Map<string, Buffer>();
    signal.throwIfAborted();
    if (assignments === undefined) {
      this.#joinWanted = true;
      throw new KafkaError(groupErrors.rebalanceInProgress, 'the work cannot be shared out yet');
    }
    const who = { ...this.#identity, generation: generation.number };
    const askedAt = this.#freshness.now();
    const synced = await syncGroup(broker, who, { ...protocol, ...times, assignments });
    if (synced.errorCode === groupErrors.rebalanceInProgress) {
      this.#joinWanted = true;
      return false;
    }
    this.#requireGood(synced.errorCode, 'taking work');
    this.#freshness.confirm(askedAt);
    signal.throwIfAborted();
    ports.assigned(synced.assignment, generation);
    return true;
  }

  /** Coordinators that moved are found again by who asks; a member that is none any more has lost all it held. */
  #requireGood(code: number, what: string): void {
    if (code === 0) return;
    const { groupId } = this.#options;
    const error = new KafkaError(code, `${what} in the group ${groupId}`, {
      brokerText: code === groupAuthorizationFailed ? `READ on the group ${groupId} is missing` : null,
    });
    const loss = this.#lossOf(code);
    if (loss !== undefined && (code === groupErrors.fencedInstanceId || this.#generation !== undefined))
      throw new LostError(loss);
    if (code === groupErrors.unknownMemberId) this.#memberId = '';
    throw error;
  }

  async #beatLoop(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    while (!hasAborted(signal)) {
      await pause.wait(signal, this.#options.heartbeatMs);
      const { generation } = this;
      if (hasAborted(signal) || generation === undefined) continue;
      try {
        await this.#beat(generation);
      } catch {
        // A coordinator that cannot be reached shows in `fresh` before long, and in the next join.
      }
    }
  }

  async #beat(generation: Generation): Promise<void> {
    const { cluster, groupId, heartbeatMs } = this.#options;
    if (this.#beatsTo === undefined || this.#beatsTo.connection.closed)
      this.#beatsTo = await findCoordinator(cluster, 'group', groupId, purposes.heartbeat);
    const { connection } = this.#beatsTo;
    const askedAt = this.#freshness.now();
    const who = { ...this.#identity, generation: generation.number };
    const timeoutMs = Math.max(beatTimeoutMs, heartbeatMs);
    const to = this.#beatsTo;
    const code = await bounded(connection, timeoutMs, () => heartbeat(to, who));
    switch (code) {
      case 0:
        this.#freshness.confirm(askedAt);
        return;
      case groupErrors.rebalanceInProgress:
        this.#freshness.confirm(askedAt);
        if (!this.#joining) this.rejoin('the group takes in or gives up a member');
        return;
      case groupErrors.illegalGeneration:
        // While a join is on its way the next generation may have begun without our knowing its number.
        if (!this.#joining && this.#generation === generation) this.rejoin('a generation was missed');
        return;
      case groupErrors.unknownMemberId:
      case groupErrors.fencedInstanceId:
        this.#lose(this.#lossOf(code));
        return;
      default:
        if (looseErrors.has(code)) this.#beatsTo = undefined;
    }
  }

  #lossOf(code: number): Loss | undefined {
    const { groupId, instanceId } = this.#options;
    switch (code) {
      case groupErrors.unknownMemberId:
        return { kind: 'given-up', reason: `the group ${groupId} goes on without this worker: ${errorName(code)}` };
      case groupErrors.fencedInstanceId: {
        const name = instanceId ?? '';
        const reason = `another worker of the site has the instance id ${name}, and this one has stopped: ${errorName(code)}; give each worker an instance id of its own`;
        return { kind: 'replaced', reason };
      }
      default:
        return undefined;
    }
  }

  #lose(loss: Loss | undefined): void {
    if (loss === undefined || this.#lost.signal.aborted) return;
    this.#loss = loss;
    this.#trouble = loss.reason;
    this.#lost.abort(new LostError(loss));
  }

  async #leave(): Promise<void> {
    const { cluster, groupId, instanceId } = this.#options;
    if (this.#memberId === '' || instanceId !== undefined) return;
    try {
      const broker = await findCoordinator(cluster, 'group', groupId, purposes.heartbeat);
      await leaveGroup(broker, this.#identity, 'the worker stops');
    } catch {
      // The others learn of it when the session is over.
    }
  }

  get #identity(): GroupIdentity {
    const { groupId, instanceId } = this.#options;
    return { groupId, memberId: this.#memberId, instanceId };
  }
}
