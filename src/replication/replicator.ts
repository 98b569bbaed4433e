import type { Cluster } from '../kafka/cluster.ts';
import { FramePool } from '../kafka/frame-pool.ts';
import { type AppendGate, AppendLease } from './lease/append-lease.ts';
import type { CopierClock } from './waiting/copier-clock.ts';
import { Copier } from './copier/copier.ts';
import { addCounts, type CopierCounters, noCounts } from './copier/copier-counters.ts';
import { type CopiedPartition, copiedPartition, type CopiedTopic } from './partition/copied-partition.ts';
import type { Fault } from './partition/fault.ts';
import { ContinuousProof, type PartitionProof } from './proof/continuous-proof.ts';
import { ForeignWriteWatch } from './foreign-writes.ts';
import { headOffsetsMax } from './resume/head-fill.ts';
import { type Hindrance, hindranceOf } from './lease/hindrance.ts';
import { leaseId } from './lease/holders.ts';
import { Leaders } from './partition/leaders.ts';
import { LinkMeters } from './streams/link-meters.ts';
import { mirrorStarts } from './mirror-starts.ts';
import { defaultReplicatorLimits, type ReplicatorLimits } from './replicator-limits.ts';
import type { ResumeTarget } from './resume/resume.ts';
import { type Concluded, ResumeRound } from './resume/resume-round.ts';
import { retryDelays } from './waiting/retry-delays.ts';
import { type Route, StreamSet } from './streams/stream-set.ts';
import { partitionKey } from '../kafka/log-queries.ts';
import { hasAborted, Wakeup } from './waiting/wakeup.ts';

export interface ReplicatorPorts {
  readonly source: Cluster;
  readonly target: Cluster;
  /** Part of the producer ids: stable for the life of a link. */
  readonly linkId: string;
  /** Which of several that share the link's partitions; nobody else has this name, now or later. */
  readonly holder?: string;
  /** Asked before every append, beside the lease: false while it is not certain that the partitions are still ours. */
  readonly mayAppend?: () => boolean;
  readonly clock: CopierClock;
  readonly onFault: (copier: Copier, fault: Fault) => void;
  /** An error that no retry explains: a bug. The partition goes on; the log must show it. */
  readonly onUnexpected: (error: unknown) => void;
}

/**
 * Copies a changing set of partitions from one cluster to another with the same offsets and bytes. Owns the copiers
 * and the streams between brokers, sends copiers through the resume, and follows leaders. Knows no prefixes, no
 * topics but those it is given, and creates nothing.
 */
export class Replicator {
  readonly meters = new LinkMeters();
  readonly pool: FramePool;
  /** Gaps of any size are filled; without it a partition with one over the bound stops. */
  fillsAnyGap = false;
  readonly #ports: ReplicatorPorts;
  readonly #limits: ReplicatorLimits;
  readonly #copiers = new Map<string, Copier>();
  readonly #streams: StreamSet;
  readonly #lease: AppendLease;
  /** By topic, of copiers that are gone: what is counted must never fall. */
  readonly #gone = new Map<string, CopierCounters>();
  /** Where each running copier is fetched from and appended to. */
  readonly #routes = new Map<Copier, Route>();
  /** Those whose resume point is being read. */
  readonly #resuming = new Set<Copier>();
  readonly #sourceLeaders: Leaders;
  readonly #targetLeaders: Leaders;
  readonly #proof: ContinuousProof;
  readonly #round: ResumeRound;
  readonly #resumes = new Wakeup();
  readonly #stopping = new AbortController();
  readonly #lost = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #mirrorTrouble: string | undefined;
  /** A loop that ended by an error nobody thought of: what it did is not done any more. */
  #broken: string | undefined;

  constructor(ports: ReplicatorPorts, limits: ReplicatorLimits = defaultReplicatorLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.pool = new FramePool(limits.bufferBytesMax);
    const names = (): readonly string[] => [...new Set([...this.#copiers.values()].map(({ of }) => of.topic))];
    this.#sourceLeaders = new Leaders(ports.source, names);
    this.#targetLeaders = new Leaders(ports.target, names);
    this.#lease = new AppendLease({
      target: ports.target,
      transactionalId: leaseId(ports.linkId, ports.holder),
      allowed: () => ports.mayAppend?.() ?? true,
      clock: ports.clock,
      onFenced: () => this.#fenced(),
      onLapsed: () => this.#lapsed(),
    });
    this.#streams = new StreamSet({
      source: ports.source,
      target: ports.target,
      pool: this.pool,
      lease: this.#lease,
      limits,
      meters: this.meters,
      onRoom: (budget) => {
        for (const [copier, route] of this.#routes) if (route.budget === budget) route.fetcher.touch(copier);
      },
      spawn: (run) => this.#spawn(run(this.#stopping.signal)),
    });
    const leaders = { sourceLeaders: this.#sourceLeaders, targetLeaders: this.#targetLeaders };
    const bytesCopied = (): number => this.meters.producedBytes;
    this.#proof = new ContinuousProof({ ...ports, ...leaders, bytesCopied }, limits.proof);
    this.#round = new ResumeRound({
      ...{ ...ports, ...leaders, lease: this.#lease, meters: this.meters },
      headOffsetsMax: () => (this.fillsAnyGap ? undefined : headOffsetsMax),
      conclude: (...concluded) => this.#conclude(...concluded),
      finished: (copier) => {
        this.#resuming.delete(copier);
        this.#resumes.wake();
      },
    });
    this.#spawn(this.#lease.run(this.#stopping.signal));
    this.#spawn(this.#proof.run(this.#stopping.signal));
    this.#spawn(this.#resumeLoop(this.#stopping.signal));
    this.#spawn(this.#upkeepLoop(this.#stopping.signal));
  }

  get hindrance(): Hindrance | undefined {
    return hindranceOf(this.#lease);
  }

  /** What does not work beside the copying, in words; undefined when everything does. */
  get trouble(): string | undefined {
    return this.#broken ?? this.#mirrorTrouble;
  }

  /** The right to change copies; to be asked by whoever changes one by other means than appending. */
  get lease(): AppendGate {
    return this.#lease;
  }

  /** Fires when another worker took over: nothing is appended in this process any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** What of a copy has been compared with its source, from what both clusters store. */
  proofOf(copier: Copier): PartitionProof | undefined {
    return this.#proof.proofOf(copier);
  }

  /** Every partition, running or not. */
  copiers(): readonly Copier[] {
    return [...this.#copiers.values()];
  }

  /** By topic, what this process has copied since it began. */
  totals(): ReadonlyMap<string, Readonly<CopierCounters>> {
    const totals = new Map([...this.#gone].map(([topic, counts]) => [topic, { ...counts }]));
    for (const { of, counters } of this.#copiers.values()) {
      const sum = totals.get(of.topic) ?? noCounts();
      addCounts(sum, counters);
      totals.set(of.topic, sum);
    }
    return totals;
  }

  copiersOf(topic: string): readonly Copier[] {
    return this.copiers().filter(({ of }) => of.topic === topic);
  }

  /** Starts those partitions of a topic that are not yet running. */
  add(copied: CopiedTopic): void {
    for (const partition of copied.partitions) this.#add(copiedPartition(copied, partition, this.#ports.linkId));
    this.#resumes.wake();
  }

  #add(of: CopiedPartition): void {
    const key = partitionKey(of.topic, of.partition);
    if (this.#copiers.has(key)) return;
    const copier = new Copier(of, {
      clock: this.#ports.clock,
      queueBytesMax: this.#limits.queueBytesMax,
      gapOffsetsMax: () => (this.fillsAnyGap ? undefined : this.#limits.gapOffsetsMax),
      changed: (changed) => this.#changed(changed),
    });
    this.#copiers.set(key, copier);
    if (this.#lease.state.kind === 'fenced') copier.stop();
  }

  /** Partitions that stopped for this reason go on: it is gone. */
  retry(code: Fault['code']): readonly CopiedPartition[] {
    const faulted = this.copiers().filter(({ state }) => state.kind === 'faulted' && state.fault.code === code);
    for (const copier of faulted) {
      this.#forget(copier);
      this.#add(copier.of);
    }
    this.#resumes.wake();
    return faulted.map(({ of }) => of);
  }

  /** Stops and forgets a topic's partitions. The copy stays as it is. */
  remove(topic: string): void {
    for (const copier of this.copiersOf(topic)) this.#forget(copier);
  }

  /**
   * Stops these partitions. Resolves when nothing of ours can reach their copies any more, and another one may go on
   * with them; until then they are still in {@link copiers}. Earlier when `signal` aborts.
   */
  async release(topic: string, partitions: readonly number[], signal: AbortSignal): Promise<void> {
    const leaving = partitions.flatMap((partition) => this.#copiers.get(partitionKey(topic, partition)) ?? []);
    const busy = leaving.filter((copier) => this.#isBusy(copier) || copier.landing.isOpen);
    for (const copier of leaving) copier.stop();
    for (const copier of leaving) if (!busy.includes(copier)) this.#forget(copier);
    if (busy.length === 0) return;
    const pause = new Wakeup();
    while (busy.some((copier) => this.#isBusy(copier))) {
      await pause.wait(signal, retryDelays.firstMs);
      if (hasAborted(signal)) return;
    }
    if (busy.some(({ landing }) => landing.isOpen)) await pause.wait(signal, retryDelays.lostAnswerMs);
    if (!hasAborted(signal)) for (const copier of busy) this.#forget(copier);
  }

  /** Something of it is on the way to the target. */
  #isBusy(copier: Copier): boolean {
    return copier.appendedToAtMost !== copier.copiedTo || this.#round.makesHeadOf(copier);
  }

  #forget(copier: Copier): void {
    copier.stop();
    this.#proof.forget(copier);
    const { topic, partition } = copier.of;
    if (!this.#copiers.delete(partitionKey(topic, partition))) return;
    const gone = this.#gone.get(topic) ?? noCounts();
    addCounts(gone, copier.counters);
    this.#gone.set(topic, gone);
  }

  faultTopic(topic: string, fault: Fault): void {
    for (const copier of this.copiersOf(topic)) copier.fault(fault);
  }

  /** Stops everything; what is in flight is waited for no longer than its request may take. */
  async stop(): Promise<void> {
    for (const copier of this.copiers()) copier.stop();
    this.#stopping.abort();
    await Promise.allSettled(this.#running);
  }

  #changed(copier: Copier): void {
    const { state } = copier;
    const route = this.#routes.get(copier);
    switch (state.kind) {
      case 'copying':
      case 'waiting':
        route?.fetcher.touch(copier);
        route?.producer.touch(copier);
        route?.markers.touch(copier);
        this.#proof.touch(copier);
        this.#streams.repacker.touch(copier);
        return;
      case 'resuming':
        this.#unroute(copier);
        this.#resumes.wake();
        return;
      case 'faulted':
        this.#unroute(copier);
        this.#ports.onFault(copier, state.fault);
        return;
      case 'stopped':
        this.#unroute(copier);
        return;
    }
  }

  #unroute(copier: Copier): void {
    const route = this.#routes.get(copier);
    this.#routes.delete(copier);
    route?.fetcher.unassign(copier);
    route?.producer.remove(copier);
    route?.markers.unassign(copier);
  }

  /** Somebody else appends now: no resume, no append, ever again in this process. */
  #fenced(): void {
    this.#lost.abort();
    for (const copier of this.copiers()) copier.stop();
  }

  /** Before the next append everybody's resume point is read under the lease that is taken anew. */
  #lapsed(): void {
    for (const copier of this.copiers()) copier.interrupt('the lease has to be taken anew', retryDelays.firstMs);
  }

  async #resumeLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#lease.ready(signal);
      const nowMs = this.#ports.clock.monotonicMs();
      const due = this.copiers().filter((copier) => copier.mayResume(nowMs) && !this.#resuming.has(copier));
      // Not awaited: a broker that hangs must not keep the partitions of others from going on.
      if (due.length > 0) this.#spawn(this.#resume(due, signal));
      await this.#resumes.wait(signal, this.#msUntilNextResume());
    }
  }

  #msUntilNextResume(): number | undefined {
    const nowMs = this.#ports.clock.monotonicMs();
    let soonest: number | undefined;
    for (const copier of this.#copiers.values()) {
      const { state } = copier;
      if (state.kind !== 'resuming' || this.#resuming.has(copier)) continue;
      const inMs = Math.max(1, state.notBeforeMs - nowMs);
      soonest = soonest === undefined ? inMs : Math.min(soonest, inMs);
    }
    // A copier that waits for an answer to its last append wakes the loop when it lands.
    return soonest === undefined ? undefined : Math.max(soonest, retryDelays.firstMs);
  }

  async #resume(due: readonly Copier[], signal: AbortSignal): Promise<void> {
    for (const copier of due) this.#resuming.add(copier);
    try {
      await this.#round.run(due, signal);
    } finally {
      for (const copier of due) this.#resuming.delete(copier);
      this.#resumes.wake();
    }
  }

  #conclude(copier: Copier, route: ResumeTarget, outcome: Concluded, generation: number): void {
    if (copier.generation !== generation || copier.state.kind !== 'resuming') return;
    switch (outcome.kind) {
      case 'resume': {
        this.meters.resumes += 1;
        const chosen = this.#streams.route({
          sourceBroker: route.source.broker,
          targetBroker: route.target.broker,
          partition: copier.of.partition,
          replicas: route.target.replicas,
        });
        this.#routes.set(copier, chosen);
        chosen.markers.assign(copier, route.target.epoch);
        copier.resumed(outcome.point, generation, chosen.budget);
        chosen.fetcher.assign(copier, route.source.epoch);
        this.#proof.resumed(copier);
        return;
      }
      case 'again':
        copier.interrupt(
          outcome.reason,
          outcome.denied ? retryDelays.deniedMs : retryDelays.after(copier.resumesInRow),
        );
        return;
      case 'fault':
        copier.suspect(outcome.fault);
        return;
    }
  }

  async #upkeepLoop(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    const { source, target } = this.#ports;
    const stillOurs = (): Promise<boolean> => this.#lease.confirm(signal);
    const foreignWrites = new ForeignWriteWatch({ target, leaders: this.#targetLeaders, stillOurs });
    const sides = { source, target, sourceLeaders: this.#sourceLeaders, targetLeaders: this.#targetLeaders };
    while (!signal.aborted) {
      await pause.wait(signal, this.#limits.foreignWriteCheckMs);
      if (hasAborted(signal)) return;
      this.#lease.look();
      // The streams meet the same trouble and retry; these are only additions and come round again.
      await foreignWrites.look(this.copiers()).catch((error: unknown) => this.meters.targetFailed(error));
      if (!this.copiers().some(({ startToMirror }) => startToMirror !== undefined)) {
        this.#mirrorTrouble = undefined;
        continue;
      }
      await this.#lease.wait(signal);
      if (!this.#lease.held()) continue;
      try {
        this.#mirrorTrouble = await mirrorStarts(sides, this.copiers());
      } catch (error) {
        this.#mirrorTrouble = `log starts cannot be taken over: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
  }

  #spawn(work: Promise<void>): void {
    const running = work
      .catch((error: unknown) => {
        const what = error instanceof Error ? error.message : String(error);
        this.#broken ??= `a part of the worker has ended by an unexpected error, restart it: ${what}`;
        this.#ports.onUnexpected(error);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
