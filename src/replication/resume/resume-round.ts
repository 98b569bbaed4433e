import type { Broker, Cluster } from '../../kafka/cluster.ts';
import { verdictOf } from '../../kafka/errors.ts';
import { partitionKey } from '../../kafka/log-queries.ts';
import type { AppendGate } from '../lease/append-lease.ts';
import type { Copier } from '../copier/copier.ts';
import { fillHead, type Head } from './head-fill.ts';
import type { Leaders } from '../partition/leaders.ts';
import type { LinkMeters } from '../streams/link-meters.ts';
import { checkTail, type LogEnd, readLogEnds, type ResumeOutcome, type ResumeTarget } from './resume.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
import { TailWidth } from './tail-width.ts';
import { hasAborted } from '../waiting/wakeup.ts';

/** What a resume has come to; a head has been made by then. */
export type Concluded = Exclude<ResumeOutcome, { kind: 'head' }>;

export interface ResumeRoundPorts {
  readonly source: Cluster;
  readonly target: Cluster;
  readonly sourceLeaders: Leaders;
  readonly targetLeaders: Leaders;
  readonly lease: AppendGate;
  readonly meters: LinkMeters;
  /** Longest head that is made unasked; undefined: any. */
  readonly headOffsetsMax: () => bigint | undefined;
  /** `generation` is that of the copier when its question was asked. */
  readonly conclude: (copier: Copier, route: ResumeTarget, outcome: Concluded, generation: number) => void;
  /** Nothing more is under way for this one: it may come with the next round, however long others still take. */
  readonly finished: (copier: Copier) => void;
  readonly onUnexpected: (error: unknown) => void;
}

type Targeted = readonly [Copier, ResumeTarget];

const partitionsPerRequestMax = 500;

/** One partition on its way through a round. */
interface Candidate {
  readonly copier: Copier;
  readonly resumeTarget: ResumeTarget;
  readonly generation: number;
}

type BeginHead = (candidate: Candidate, target: Broker, head: Head) => void;

/** Reads for many partitions at once where their copies end and whether they may go on from there. */
export class ResumeRound {
  readonly #ports: ResumeRoundPorts;
  /** Where the heads end that were made here. */
  readonly #headsMade = new WeakMap<Copier, bigint>();
  readonly #makingHeads = new Set<Copier>();

  constructor(ports: ResumeRoundPorts) {
    this.#ports = ports;
  }

  /** The only thing that a round appends. One that was stopped before its head was begun gets none. */
  makesHeadOf(copier: Copier): boolean {
    return this.#makingHeads.has(copier);
  }

  /** Concludes or interrupts each of `due`; never rejects for what a cluster does. */
  async run(due: readonly Copier[], signal: AbortSignal): Promise<void> {
    const refreshed = await this.#refreshLeaders(due);
    if (!refreshed || hasAborted(signal)) return;
    const byLeader = Map.groupBy(this.#resumeTargets(due), ([, { target }]) => target.broker);
    // They take minutes where they are long: nobody waits for them but the end of the round.
    const heads: Promise<void>[] = [];
    const begin = (candidate: Candidate, target: Broker, head: Head): void =>
      void heads.push(this.#makeHead(target, candidate, { head, signal }));
    await Promise.all([...byLeader].map(([brokerId, group]) => this.#resumeGroups(brokerId, group, { signal, begin })));
    await Promise.all(heads);
  }

  /** In parts: reading the answers for thousands of partitions at once would hold the event loop. */
  async #resumeGroups(
    brokerId: number,
    group: readonly Targeted[],
    { signal, begin }: { readonly signal: AbortSignal; readonly begin: BeginHead },
  ): Promise<void> {
    for (let from = 0; from < group.length && !hasAborted(signal); from += partitionsPerRequestMax) {
      await this.#resumeGroup(brokerId, new Map(group.slice(from, from + partitionsPerRequestMax)), begin);
    }
  }

  #resumeTargets(due: readonly Copier[]): ReadonlyMap<Copier, ResumeTarget> {
    const targets = new Map<Copier, ResumeTarget>();
    for (const copier of due) {
      const { topic, partition } = copier.of;
      if (this.#identityFault(copier)) continue;
      const source = this.#ports.sourceLeaders.leaderOf(topic, partition);
      const target = this.#ports.targetLeaders.leaderOf(topic, partition);
      if (source === undefined || target === undefined) {
        const [side, leaders] =
          source === undefined ? ['source', this.#ports.sourceLeaders] : ['target', this.#ports.targetLeaders];
        const refused = leaders.refusalOf(topic);
        copier.interrupt(
          refused?.message ?? `the partition has no leader at the ${side}`,
          refused === undefined ? retryDelays.after(copier.resumesInRow) : retryDelays.deniedMs,
        );
      } else {
        targets.set(copier, { of: copier.of, source, target, headMadeTo: this.#headsMade.get(copier) });
      }
    }
    return targets;
  }

  async #refreshLeaders(due: readonly Copier[]): Promise<boolean> {
    const [source, target] = await Promise.allSettled([
      this.#ports.sourceLeaders.refresh(),
      this.#ports.targetLeaders.refresh(),
    ]);
    if (source.status === 'fulfilled') this.#ports.meters.source.good();
    else this.#ports.meters.sourceFailed(source.reason);
    if (target.status === 'fulfilled') this.#ports.meters.target.good();
    else this.#ports.meters.targetFailed(target.reason);
    const failed = [source, target].find((result) => result.status === 'rejected');
    if (failed === undefined) return true;
    for (const copier of due) copier.interrupt(textOf(failed.reason), retryDelays.after(copier.resumesInRow));
    return false;
  }

  /**
   * A topic that was deleted and created anew is another topic: the name alone proves nothing. One answer proves not
   * much more: a broker may be behind what others know.
   */
  #identityFault(copier: Copier): boolean {
    const { topic, sourceTopicId, targetTopicId } = copier.of;
    const sourceId = this.#ports.sourceLeaders.topicId(topic);
    const targetId = this.#ports.targetLeaders.topicId(topic);
    if (sourceId !== undefined && sourceId !== sourceTopicId) {
      copier.suspect({
        code: 'SOURCE_RECREATED',
        message: `topic ${topic} was deleted and created anew at the source`,
      });
      return true;
    }
    if (targetId !== undefined && targetId !== targetTopicId) {
      copier.suspect({
        code: 'SHADOW_RECREATED',
        message: `the copy of ${topic} was deleted and created anew at the target`,
      });
      return true;
    }
    return false;
  }

  async #resumeGroup(targetBroker: number, group: ReadonlyMap<Copier, ResumeTarget>, begin: BeginHead): Promise<void> {
    const candidates = [...group].map(([copier, resumeTarget]) => ({
      ...{ copier, resumeTarget },
      generation: copier.generation,
    }));
    let target: Broker;
    let ends: ReadonlyMap<string, LogEnd>;
    try {
      target = await this.#ports.target.broker(targetBroker, 'control');
      ends = await readLogEnds(target, [...group.values()]);
    } catch (error) {
      for (const candidate of candidates) this.#failed(candidate, error);
      return;
    }
    const width = new TailWidth();
    const running = new Set<Promise<void>>();
    for (const candidate of candidates) {
      while (running.size >= width.now) await Promise.race(running);
      const end = ends.get(partitionKey(candidate.copier.of.topic, candidate.copier.of.partition));
      const check = this.#checkOne(candidate, end, { target, width })
        .then((head) => {
          if (head !== undefined) begin(candidate, target, head);
        })
        .finally(() => running.delete(check));
      running.add(check);
    }
    await Promise.all(running);
  }

  /** One that fails interrupts itself and nobody else. Returns the head that has to be made first. */
  async #checkOne(
    candidate: Candidate,
    end: LogEnd | undefined,
    { target, width }: { readonly target: Broker; readonly width: TailWidth },
  ): Promise<Head | undefined> {
    const { copier, resumeTarget, generation } = candidate;
    try {
      const outcome = await this.#check(resumeTarget, end, { target, onRead: (bytes) => width.saw(bytes) });
      if (outcome.kind === 'head') return outcome.head;
      this.#ports.conclude(copier, resumeTarget, outcome, generation);
      this.#ports.finished(copier);
    } catch (error) {
      this.#failed(candidate, error);
    }
    return undefined;
  }

  async #check(
    resumeTarget: ResumeTarget,
    end: LogEnd | undefined,
    { target, onRead }: { readonly target: Broker; readonly onRead: (bytes: number) => void },
  ): Promise<ResumeOutcome> {
    if (end?.kind !== 'end') {
      return end ?? { kind: 'again', reason: 'the target leaves this partition out', denied: false };
    }
    const source = await this.#ports.source.broker(resumeTarget.source.broker, 'control');
    return checkTail({ source, target, onRead }, resumeTarget, end);
  }

  /** Brings the copy to where the source begins; the resume then comes round again. */
  async #makeHead(
    target: Broker,
    candidate: Candidate,
    { head, signal }: { readonly head: Head; readonly signal: AbortSignal },
  ): Promise<void> {
    const { copier, resumeTarget, generation } = candidate;
    if (copier.generation !== generation) {
      this.#ports.finished(copier);
      return;
    }
    const filling = { lease: this.#ports.lease, signal, offsetsMax: this.#ports.headOffsetsMax() };
    this.#makingHeads.add(copier);
    copier.landing.lost();
    try {
      const fault = await fillHead(target, copier.of, head, filling);
      if (fault === undefined) this.#headsMade.set(copier, head.to);
      const made = { kind: 'again', reason: `the head up to offset ${head.to} is made`, denied: false } as const;
      const outcome: Concluded = fault === undefined ? made : { kind: 'fault', fault };
      this.#ports.conclude(copier, resumeTarget, outcome, generation);
      this.#ports.finished(copier);
    } catch (error) {
      this.#failed(candidate, error);
    } finally {
      this.#makingHeads.delete(copier);
    }
  }

  #failed({ copier, generation }: Candidate, error: unknown): void {
    if (verdictOf(error) === 'final') this.#ports.onUnexpected(error);
    if (copier.generation === generation) copier.interrupt(textOf(error), retryDelays.after(copier.resumesInRow));
    this.#ports.finished(copier);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
