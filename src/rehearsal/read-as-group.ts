import type { Consumer, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs';
import { kafkajsClient } from '../canary/kafkajs-client.ts';
import type { ClusterConfig } from '../kafka/cluster-config.ts';
import { partitionKey, type PartitionRef } from '../kafka/log-queries.ts';
import { bringCodecs } from './codecs.ts';

/** Up to where one partition is read. */
export interface ReadingGoal extends PartitionRef {
  readonly from: bigint;
  /** Offset of the last record that is wanted; undefined where there is none. */
  readonly last: bigint | undefined;
}

export interface GroupReading {
  /** By `topic/partition`, in the order in which they came. */
  readonly given: ReadonlyMap<string, readonly bigint[]>;
  /** Committed under the group, by `topic/partition`; empty where it did not come so far. */
  readonly cameTo: ReadonlyMap<string, bigint>;
  readonly firstMs: number | undefined;
  readonly trouble: string | undefined;
}

export interface GroupReadingBounds {
  /** For joining and reading. */
  readonly readMsMax: number;
  /** Without a further record: what is wanted and does not come is not waited for any longer. */
  readonly quietMsMax: number;
}

/** So long a member that died keeps its group. Brokers take 6 s at the least by default. */
const sessionMs = 10_000;
const heartbeatMs = 2_000;
const fetchWaitMs = 200;
const leaveMsMax = 3_000;

/**
 * Joins a group as kafkajs does in any application, goes on where the group has committed, reads committed records of its
 * partitions up to their goals, commits where it came to, and leaves. Writes nothing but positions of this group. Never
 * rejects: what went wrong is in the answer.
 */
export async function readAsGroup(
  cluster: ClusterConfig,
  { group, goals }: { readonly group: string; readonly goals: readonly ReadingGoal[] },
  bounds: GroupReadingBounds,
  signal: AbortSignal,
): Promise<GroupReading> {
  bringCodecs();
  const reading = new Reading(goals);
  const client = kafkajsClient(cluster, 'umbra-rehearsal', 0);
  const consumer = client.kafka.consumer({
    ...{ groupId: group, sessionTimeout: sessionMs, rebalanceTimeout: sessionMs, heartbeatInterval: heartbeatMs },
    ...{ maxWaitTimeInMs: fetchWaitMs, allowAutoTopicCreation: false, readUncommitted: false },
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: () => Promise.resolve(false) },
  });
  let begun: Promise<void> = Promise.resolve();
  try {
    const end = reading.untilOver(bounds, signal);
    begun = begin(consumer, reading);
    await Promise.race([begun, end]);
    await end;
    if (reading.trouble === undefined) await reading.commit(consumer);
  } catch (error) {
    reading.fail(textOf(error));
  } finally {
    // Whoever leaves while it joins does not leave.
    await within(leaveMsMax, begun);
    await within(leaveMsMax, consumer.disconnect());
    client.end();
  }
  return reading;
}

async function begin(consumer: Consumer, reading: Reading): Promise<void> {
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    reading.fail(textOf(payload.error));
  });
  consumer.on(consumer.events.GROUP_JOIN, (event) => {
    reading.joined(consumer, event);
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [...reading.topics], fromBeginning: false });
  await consumer.run({
    autoCommit: false,
    eachBatch: (payload) => {
      reading.take(payload);
      return Promise.resolve();
    },
  });
}

/** Waits for it, however it ends, for so long. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => {
    resolve(undefined);
  }, ms);
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}

class Reading implements GroupReading {
  readonly given = new Map<string, bigint[]>();
  readonly cameTo = new Map<string, bigint>();
  readonly topics: ReadonlySet<string>;
  firstMs: number | undefined;
  trouble: string | undefined;
  readonly #goals: ReadonlyMap<string, ReadingGoal>;
  /** Partitions that are not read up to their goals yet. */
  #open: Set<string>;
  readonly #over = Promise.withResolvers<undefined>();
  readonly #begunMs = performance.now();
  #newsMs: number | undefined;
  #joined = false;

  constructor(goals: readonly ReadingGoal[]) {
    this.#goals = new Map(goals.map((goal) => [partitionKey(goal.topic, goal.partition), goal]));
    this.#open = this.#wanted();
    this.topics = new Set(goals.map(({ topic }) => topic));
  }

  fail(why: string): void {
    this.trouble ??= why;
    this.#over.resolve(undefined);
  }

  /** Resolves when everything wanted was given, when nothing more comes, or when it has failed. Rejects when aborted. */
  async untilOver({ readMsMax, quietMsMax }: GroupReadingBounds, signal: AbortSignal): Promise<void> {
    const giveUp = (): void => {
      this.fail('it was given up');
    };
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    const timer = setInterval(() => {
      const nowMs = performance.now();
      if (this.#newsMs !== undefined && nowMs - this.#newsMs > quietMsMax) this.#over.resolve(undefined);
      else if (nowMs - this.#begunMs > readMsMax) this.fail(this.#lateness(readMsMax));
    }, 100);
    try {
      await this.#over.promise;
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  joined(consumer: Consumer, { payload }: ConsumerGroupJoinEvent): void {
    const assigned = new Set(
      Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => partitionKey(topic, partition)),
      ),
    );
    const [lacking] = [...this.#goals.keys()].filter((key) => !assigned.has(key));
    if (lacking !== undefined) {
      this.fail(`its only member was not assigned ${lacking}`);
      return;
    }
    this.#joined = true;
    this.#newsMs = performance.now();
    // Nothing was committed since: who joins again begins again.
    this.given.clear();
    this.#open = this.#wanted();
    for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
      const isWanted = (partition: number): boolean => this.#open.has(partitionKey(topic, partition));
      consumer.resume([{ topic, partitions: partitions.filter(isWanted) }]);
      consumer.pause([{ topic, partitions: partitions.filter((partition) => !isWanted(partition)) }]);
    }
    if (this.#open.size === 0) this.#over.resolve(undefined);
  }

  take({ batch, ...payload }: EachBatchPayload): void {
    const key = partitionKey(batch.topic, batch.partition);
    const last = this.#goals.get(key)?.last;
    if (last === undefined || !this.#open.has(key)) return;
    const offsets = batch.messages.map(({ offset }) => BigInt(offset));
    const wanted = offsets.filter((offset) => offset <= last);
    const given = this.given.get(key) ?? [];
    for (const offset of wanted) given.push(offset);
    this.given.set(key, given);
    this.#newsMs = performance.now();
    if (wanted.length > 0) this.firstMs ??= performance.now() - this.#begunMs;
    if ((offsets.at(-1) ?? -1n) < last) return;
    payload.pause();
    this.#open.delete(key);
    if (this.#open.size === 0) this.#over.resolve(undefined);
  }

  async commit(consumer: Consumer): Promise<void> {
    const places = [...this.#goals.values()].map(({ topic, partition, from }) => {
      const given = this.given.get(partitionKey(topic, partition))?.at(-1);
      return { topic, partition, at: given === undefined ? from : given + 1n };
    });
    await consumer.commitOffsets(places.map(({ at, ...of }) => ({ ...of, offset: String(at) })));
    for (const { at, ...of } of places) this.cameTo.set(keyOf(of), at);
  }

  #wanted(): Set<string> {
    return new Set([...this.#goals].flatMap(([key, { last }]) => (last === undefined ? [] : [key])));
  }

  #lateness(readMsMax: number): string {
    const [first] = this.#open;
    const what = this.#joined ? `it had not read ${first ?? 'everything'} to its end` : 'it could not join its group';
    return `${what} within ${Math.round(readMsMax / 1000)} s`;
  }
}

function keyOf({ topic, partition }: PartitionRef): string {
  return partitionKey(topic, partition);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
