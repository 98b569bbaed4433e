import { setTimeout as pause } from 'node:timers/promises';
import { bounded, type Broker, type Cluster } from './cluster.ts';
import { ConnectionError, KafkaError, MalformedError } from './errors.ts';
import { findGroupCoordinators, type ListedGroup, listGroups } from './group-admin.ts';
import { type Answer } from './log-queries.ts';

/** What came of a request about one group. */
export type GroupAnswer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  /** The coordinator, or whoever was asked for it, answered this code. */
  | { readonly kind: 'refused'; readonly code: number }
  /** No coordinator answered; whether a write took effect is unknown. */
  | { readonly kind: 'unreachable'; readonly message: string };

export interface GroupListing {
  readonly groups: ReadonlyMap<string, ListedGroup>;
  /** Brokers that did not list their groups; a group that is not listed may be theirs. */
  readonly troubles: readonly string[];
}

export interface GroupRequest<T> {
  /** Of the connections; see {@link Cluster.broker}. */
  readonly purpose: string;
  /** Groups in one request. */
  readonly groupsMax: number;
  /** Connections to each broker, each with one request under way. */
  readonly lanes: number;
  /** One request. A group that is left out of the answer counts as unreachable. */
  readonly send: (broker: Broker, groups: readonly string[]) => Promise<ReadonlyMap<string, Answer<T>>>;
}

export interface CoordinatorLimits {
  /** How often a group is asked about before its trouble is the answer. */
  readonly attemptsMax: number;
  readonly pauseMs: number;
  /** Longest wait for one answer; then the connection is closed. */
  readonly requestMs: number;
}

export const defaultCoordinatorLimits: CoordinatorLimits = { attemptsMax: 5, pauseMs: 200, requestMs: 15_000 };

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR: ask again, maybe somebody else. */
const askAgain: ReadonlySet<number> = new Set([14, 15, 16]);
const keysMax = 1000;

/**
 * Sends requests about groups to the brokers that coordinate them: finds those, remembers them, asks again with bounds
 * while a coordinator moves or loads. Groups never fail each other.
 */
export class GroupCoordinators {
  readonly #cluster: Cluster;
  readonly #limits: CoordinatorLimits;
  readonly #known = new Map<string, number>();

  constructor(cluster: Cluster, limits: CoordinatorLimits = defaultCoordinatorLimits) {
    this.#cluster = cluster;
    this.#limits = limits;
  }

  /** The groups of every broker. Throws only when no broker tells which brokers there are. */
  async list(purpose: string, signal: AbortSignal): Promise<GroupListing> {
    await this.#cluster.metadata([]);
    signal.throwIfAborted();
    const groups = new Map<string, ListedGroup>();
    const troubles: string[] = [];
    await allOf(
      this.#cluster.nodeIds().map(async (nodeId) => {
        try {
          const broker = await this.#cluster.broker(nodeId, purpose);
          for (const entry of await bounded(broker.connection, this.#limits.requestMs, () => listGroups(broker))) {
            groups.set(entry.group, entry);
            this.#known.set(entry.group, nodeId);
          }
        } catch (error) {
          troubles.push(`broker ${nodeId} of ${this.#cluster.name} lists no groups: ${troubleText(error)}`);
        }
      }),
    );
    // Of groups that are nowhere the coordinator is found again when it is needed.
    if (troubles.length === 0)
      for (const group of this.#known.keys()) if (!groups.has(group)) this.#known.delete(group);
    return { groups, troubles };
  }

  /**
   * Asks about every group. Throws what is no trouble of the cluster: a request that was not allowed to leave
   * (`NotSentError`), an abort, a bug; other requests under way are waited for first.
   */
  async ask<T>(
    groups: readonly string[],
    request: GroupRequest<T>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, GroupAnswer<T>>> {
    const results = new Map<string, GroupAnswer<T>>();
    let open = groups;
    for (let attempt = 0; open.length > 0 && attempt < this.#limits.attemptsMax; attempt += 1) {
      if (attempt > 0) await this.#beforeNext(attempt, signal);
      signal.throwIfAborted();
      const unfound = await this.#find(open);
      for (const [group, trouble] of unfound) results.set(group, trouble);
      const found = open.filter((group) => !unfound.has(group));
      for (const [group, answer] of await this.#askFound(found, request, signal)) results.set(group, answer);
      open = open.filter((group) => isOpen(results.get(group), attempt));
      for (const group of open) this.#known.delete(group);
    }
    return results;
  }

  async #beforeNext(attempt: number, signal: AbortSignal): Promise<void> {
    await pause(this.#limits.pauseMs * attempt, undefined, { signal });
    try {
      await this.#cluster.metadata([]);
    } catch (error) {
      // When nobody answers, the attempt that follows says so for each group, and is counted.
      requireTrouble(error);
    }
  }

  /** Looks up those whose coordinator is not known; the answer is about those that could not be found. */
  async #find(groups: readonly string[]): Promise<ReadonlyMap<string, GroupAnswer<never>>> {
    const unfound = new Map<string, GroupAnswer<never>>();
    for (const keys of chunks(
      groups.filter((group) => !this.#known.has(group)),
      keysMax,
    )) {
      try {
        const broker = await this.#cluster.anotherEachTime('groups');
        const answer = await bounded(broker.connection, this.#limits.requestMs, () =>
          findGroupCoordinators(broker, keys),
        );
        for (const group of keys) {
          const found = answer.get(group);
          if (found === undefined) unfound.set(group, unreachable('FindCoordinator left it out'));
          else if (found.ok) this.#known.set(group, found.value);
          else unfound.set(group, { kind: 'refused', code: found.code });
        }
      } catch (error) {
        for (const group of keys) unfound.set(group, unreachable(troubleText(error)));
      }
    }
    return unfound;
  }

  async #askFound<T>(
    groups: readonly string[],
    request: GroupRequest<T>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, GroupAnswer<T>>> {
    const results = new Map<string, GroupAnswer<T>>();
    const lanes: Promise<void>[] = [];
    for (const [nodeId, theirs] of Map.groupBy(groups, (group) => this.#known.get(group))) {
      if (nodeId === undefined) continue;
      const queue = chunks(theirs, request.groupsMax);
      for (let lane = 0; lane < Math.min(request.lanes, queue.length); lane += 1) {
        lanes.push(this.#runLane({ nodeId, lane, queue, request, results }, signal));
      }
    }
    await allOf(lanes);
    return results;
  }

  async #runLane<T>({ nodeId, lane, queue, request, results }: Lane<T>, signal: AbortSignal): Promise<void> {
    for (let groups = queue.shift(); groups !== undefined; groups = queue.shift()) {
      signal.throwIfAborted();
      const asked = groups;
      try {
        const broker = await this.#cluster.broker(nodeId, `${request.purpose}-${lane}`);
        const answer = await bounded(broker.connection, this.#limits.requestMs, () => request.send(broker, asked));
        for (const group of asked) results.set(group, outcome(answer.get(group)));
      } catch (error) {
        const message = troubleText(error);
        for (const group of asked) results.set(group, unreachable(message));
      }
    }
  }
}

interface Lane<T> {
  readonly nodeId: number;
  readonly lane: number;
  /** Shared by the lanes of a broker: each takes what is next. */
  readonly queue: (readonly string[])[];
  readonly request: GroupRequest<T>;
  readonly results: Map<string, GroupAnswer<T>>;
}

function outcome<T>(answer: Answer<T> | undefined): GroupAnswer<T> {
  if (answer === undefined) return unreachable('the coordinator left it out of its answer');
  return answer.ok ? { kind: 'answered', value: answer.value } : { kind: 'refused', code: answer.code };
}

function unreachable(message: string): GroupAnswer<never> {
  return { kind: 'unreachable', message };
}

/** A broker that does not answer takes its time each time: a second one may coordinate by then, a third try may wait. */
function isOpen(answer: GroupAnswer<unknown> | undefined, attempt: number): boolean {
  if (answer === undefined || answer.kind === 'unreachable') return attempt === 0;
  return answer.kind === 'refused' && askAgain.has(answer.code);
}

/** The message of a trouble with the cluster; throws whatever else it is. */
function troubleText(error: unknown): string {
  return requireTrouble(error).message;
}

function requireTrouble(error: unknown): Error {
  const kinds = [ConnectionError, KafkaError, MalformedError];
  if (error instanceof Error && kinds.some((kind) => error instanceof kind)) return error;
  throw error;
}

/** Waits for all, then throws the first failure: nothing goes on behind the back of who is told of it. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function chunks<T>(items: readonly T[], sizeMax: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / sizeMax) }, (_, index) =>
    items.slice(index * sizeMax, (index + 1) * sizeMax),
  );
}
