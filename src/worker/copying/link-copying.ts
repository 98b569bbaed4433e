import type { Logger } from 'pino';
import type { Cluster } from '../../kafka/cluster.ts';
import { partitionKey } from '../../kafka/log-queries.ts';
import type { GapDecision } from '../../pair/spec.ts';
import type { Copier } from '../../replication/copier/copier.ts';
import type { Fault } from '../../replication/partition/fault.ts';
import { Replicator } from '../../replication/replicator.ts';
import type { ReplicatorLimits } from '../../replication/replicator-limits.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { hasAborted } from '../../replication/waiting/wakeup.ts';
import type { PartitionSets } from '../group/partition-sets.ts';
import type { LastingFault } from '../state/shadow-record.ts';
import type { CopiedPair } from './copied-pair.ts';
import { type PartitionSample, samplePartition } from './partition-sample.ts';
import type { LinkProblem, SeenProducer } from './worker-report.ts';

export interface LinkCopyingPorts {
  readonly linkId: string;
  /** This life of this worker: see `leaseId`. */
  readonly holder: string;
  readonly source: Cluster;
  readonly target: Cluster;
  readonly clock: CopierClock;
  readonly logger: Logger;
  readonly limits: ReplicatorLimits;
  readonly mayAppend: () => boolean;
  readonly onFault: (copier: Copier, fault: Fault) => void;
  /** Something that was to be given back is given back. */
  readonly onReleased: () => void;
}

/** What a worker is to copy of a link. */
export interface CopyingTask {
  readonly copies: PartitionSets;
  /** Undefined for a topic that `_umbra` does not know: it is not copied. */
  readonly pairOf: (topic: string) => CopiedPair | undefined;
  readonly gap: GapDecision;
}

/**
 * One worker's part of one link: has the replicator copy what the worker was told to, and gives back what it was not
 * told to any more. It decides nothing and creates nothing.
 */
export class LinkCopying {
  readonly replicator: Replicator;
  readonly #ports: LinkCopyingPorts;
  readonly #stopping = new AbortController();
  readonly #releasing = new Set<Promise<void>>();
  /** Copiers on their way out. */
  readonly #leaving = new Set<Copier>();
  #task: CopyingTask = { copies: new Map(), pairOf: () => undefined, gap: 'fault' };

  constructor(ports: LinkCopyingPorts) {
    this.#ports = ports;
    const { source, target, linkId, holder, clock, mayAppend, onFault, logger } = ports;
    this.replicator = new Replicator(
      {
        ...{ source, target, linkId, holder, clock, mayAppend, onFault },
        onUnexpected: (error) => logger.error({ err: error, link: linkId }, 'unexpected error in the replicator'),
      },
      ports.limits,
    );
  }

  get id(): string {
    return this.#ports.linkId;
  }

  /** Everything that may still be appended to by this worker, also what is on its way out. */
  holds(): PartitionSets {
    const held = new Map<string, number[]>();
    for (const { of } of new Set([...this.replicator.copiers(), ...this.#leaving])) {
      const partitions = held.get(of.topic);
      if (partitions === undefined) held.set(of.topic, [of.partition]);
      else partitions.push(of.partition);
    }
    return new Map(
      [...held].map(([topic, numbers]) => [topic, [...new Set(numbers)].toSorted((left, right) => left - right)]),
    );
  }

  /** What keeps all of it from being copied as it should. */
  get problem(): LinkProblem | undefined {
    const { source, target } = this.replicator.meters;
    if (target.problem !== undefined) return { kind: 'target', reason: target.problem };
    if (source.problem !== undefined) return { kind: 'source', reason: source.problem };
    return this.replicator.hindrance;
  }

  /** What does not work beside that, or of one partition only. */
  get trouble(): string | undefined {
    const stuck = this.replicator.copiers().find(({ trouble }) => trouble !== undefined);
    if (stuck === undefined) return this.replicator.trouble;
    return `${stuck.of.topic}/${stuck.of.partition}: ${stuck.trouble ?? ''}`;
  }

  samples(): readonly PartitionSample[] {
    return this.replicator.copiers().map((copier) => samplePartition(copier, this.replicator.proofOf(copier)));
  }

  /** In all that was copied here, also of partitions that were given back since. */
  get highestProducer(): SeenProducer | undefined {
    let highest: { readonly id: bigint; readonly topic: string } | undefined;
    for (const [topic, { highestProducerId: id }] of this.replicator.totals())
      if (id !== undefined && (highest === undefined || id > highest.id)) highest = { id, topic };
    return highest && { id: String(highest.id), topic: highest.topic };
  }

  /** Goes over to another task; asked again with the same one, it changes nothing. */
  apply(task: CopyingTask): void {
    const pairs = new Map([...task.copies.keys()].map((topic) => [topic, task.pairOf(topic)]));
    this.#task = { ...task, pairOf: (topic) => pairs.get(topic) };
    this.replicator.fillsAnyGap = task.gap === 'fill';
    if (task.gap === 'fill') this.replicator.retry('GAP_TOO_LARGE');
    this.#giveBack();
    this.#takeUp(task.copies);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.replicator.stop();
    await Promise.allSettled(this.#releasing);
  }

  #giveBack(): void {
    const leaving = this.replicator.copiers().filter((copier) => !this.#leaving.has(copier) && !this.#isWanted(copier));
    for (const [topic, copiers] of Map.groupBy(leaving, ({ of }) => of.topic)) {
      for (const copier of copiers) this.#leaving.add(copier);
      const releasing = this.#release(topic, copiers).finally(() => this.#releasing.delete(releasing));
      this.#releasing.add(releasing);
    }
  }

  async #release(topic: string, copiers: readonly Copier[]): Promise<void> {
    const { signal } = this.#stopping;
    const partitions = copiers.map(({ of }) => of.partition);
    await this.replicator.release(topic, partitions, signal);
    for (const copier of copiers) this.#leaving.delete(copier);
    if (hasAborted(signal)) return;
    // Some may be wanted again by now, or as parts of a copy that was made anew. Nothing else: what we hold was told.
    const wanted = this.#task.copies.get(topic)?.filter((partition) => partitions.includes(partition)) ?? [];
    this.#takeUp(new Map([[topic, wanted]]));
    this.#ports.onReleased();
  }

  #isWanted({ of }: Copier): boolean {
    if (this.#task.copies.get(of.topic)?.includes(of.partition) !== true) return false;
    const pair = this.#task.pairOf(of.topic);
    // Roles that moved there and back meanwhile moved another cut in between, too.
    if (pair?.ownBelow?.get(of.partition) !== of.ownBelow) return false;
    return pair?.sourceTopicId === of.sourceTopicId && pair.targetTopicId === of.targetTopicId;
  }

  #takeUp(wanted: PartitionSets): void {
    const faulty = [...wanted.keys()].some((topic) => (this.#task.pairOf(topic)?.faults.length ?? 0) > 0);
    const copiers = faulty ? this.replicator.copiers() : [];
    const running = new Set(copiers.map(({ of }) => partitionKey(of.topic, of.partition)));
    const restored: (readonly [string, LastingFault])[] = [];
    for (const [topic, partitions] of wanted) {
      const pair = this.#task.pairOf(topic);
      if (pair === undefined) continue;
      const { faults, ...ids } = pair;
      this.replicator.add({ topic, ...ids, partitions });
      for (const fault of faults) if (!running.has(partitionKey(topic, fault.partition))) restored.push([topic, fault]);
    }
    for (const [topic, { partition, code, message, offset }] of restored) {
      const copier = this.replicator.copiersOf(topic).find(({ of }) => of.partition === partition);
      copier?.fault({ code, message, ...(offset === undefined ? {} : { offset: BigInt(offset) }) });
    }
  }
}
