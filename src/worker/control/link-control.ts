import type { ClusterMetadata } from '../../kafka/cluster.ts';
import { type GapDecision, linkId, type LinkSpec } from '../../pair/spec.ts';
import { defaultTopicPolicy, type TopicPolicy } from '../../pair/topic-policy.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { applyTopicStep, type TopicApply } from '../../sync/topics/apply-topics.ts';
import type { SeenTopic, TopicStep } from '../../sync/topics/plan-topics.ts';
import type { PartitionSample } from '../copying/partition-sample.ts';
import { FenceCheck } from './fence-check.ts';
import { Deletions } from './deletions.ts';
import { FaultMemory } from './fault-memory.ts';
import type { FoundFault } from './found-fault.ts';
import { followedTopics } from './followed-topics.ts';
import type { PartitionSets } from '../group/partition-sets.ts';
import type { LinkControlPorts } from './link-control-ports.ts';
import { LinkExposure } from './link-exposure.ts';
import { LinkSyncs } from './link-syncs.ts';
import { nameOf } from './seen-topics.ts';
import { syncedCopies } from './synced-copies.ts';
import type { SyncedCopy } from '../../sync/topics/config-sync.ts';
import { lookAtBoth } from './look-at-both.ts';
import { lookIntervalMs, partitionsOf } from './look-interval.ts';
import { planCopies } from './plan-copies.ts';
import { LinkMoves } from '../moves/link-moves.ts';
import { PeerState } from '../moves/peer-state.ts';
import { movesPortsOf } from './moves-ports-of-link.ts';
import { PausedTopics } from './paused-topics.ts';
import { rememberLevel, showPromoted } from './promoted-topics.ts';
import { Rebuilds } from '../rebuild/rebuilds.ts';
import { LinkTails } from '../reconcile/link-tails.ts';
import { rebuildPortsOf } from './rebuild-ports-of-link.ts';
import { viewStandby } from './standby-view.ts';
import { topicsAtRisk } from './topics-at-risk.ts';
import { SourceTopics } from './source-topics.ts';
import { StepRunner } from './step-runner.ts';
import { TrackedTopic } from './tracked-topic.ts';
import { viewLink } from './link-view.ts';
import { wantedPartitions } from './wanted-partitions.ts';
import type { LinkView, TopicDetailView } from '../views.ts';

/** Between the rounds of what goes with the records: with the round itself it is at the standby within 5 s. */
const syncIntervalMs = 3_000;

/**
 * What the controller does for one link: finds the source's topics, makes their copies, says what is to be copied, and
 * knows the state of each. It wires the pure planners to the clusters and decides nothing by itself.
 */
export class LinkControl {
  readonly id: string;
  readonly rebuilds: Rebuilds;
  readonly moves: LinkMoves;
  readonly tails: LinkTails;
  readonly syncs: LinkSyncs;
  /** `_umbra` of the source. */
  readonly peer: PeerState;
  readonly #ports: LinkControlPorts;
  readonly #sourceTopics: SourceTopics;
  readonly #topics = new Map<string, TrackedTopic>();
  /** Copies that somebody is to fill, with their number of partitions. */
  readonly #followed = new Map<string, number>();
  /** As it is declared now. */
  #spec: LinkSpec;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  readonly #faults: FaultMemory;
  readonly #exposure: LinkExposure;
  readonly #deletions: Deletions;
  readonly #paused: PausedTopics;
  /** Ends the pause between two looks. */
  readonly #lookAgain = new Wakeup();
  readonly #steps: StepRunner;
  #discovered = false;
  #orphans: ReadonlySet<string> = new Set();
  /** In the larger of both clusters. */
  #partitionsSeen = 0;
  /** Why the newest look for topics failed, if it did. */
  #lookTrouble: string | undefined;
  readonly #fence: FenceCheck;
  /** Both clusters as the newest look showed them. */
  #looked: { readonly source: ClusterMetadata; readonly target: ClusterMetadata } | undefined;

  constructor(ports: LinkControlPorts) {
    this.#ports = ports;
    this.id = linkId(ports.link);
    this.#spec = ports.link;
    this.peer = new PeerState(ports.source);
    this.#sourceTopics = new SourceTopics({
      ...{ ...ports, peer: this.peer },
      isAtTarget: (name) => this.#looked?.target.topics.has(name) !== false,
    });
    this.#faults = new FaultMemory(ports);
    this.#exposure = new LinkExposure({
      clock: ports.clock,
      topics: () =>
        topicsAtRisk({
          ...{ link: this.id, tracked: this.#topics, orphans: this.#orphans },
          shadows: ports.state.shadows(),
        }),
      lookIntervalMs: () => this.#lookIntervalMs(),
    });
    this.#paused = new PausedTopics({ ...ports, link: this.id });
    const rebuild = rebuildPortsOf({
      ...{ id: this.id, ports, topics: this.#topics },
      unfollow: (name) => this.#unfollow(name),
      samplesOf: (name) => this.#samplesOf(name),
      view: (name) => this.topicViews().find((topic) => topic.name === name),
      mayCopy: (topic) => (this.#discovered ? this.#sourceTopics.mayCopy(topic) : undefined),
    });
    this.rebuilds = new Rebuilds(rebuild);
    this.#fence = new FenceCheck({ ...ports, link: this.id });
    this.#steps = new StepRunner(this.id, ports.logger);
    this.#deletions = new Deletions({
      ...{ ...ports, link: this.id, site: ports.link.to, policy: () => this.#topicPolicy, topics: this.#topics },
      isRebuilt: (name) => this.rebuilds.holds(name),
      isHeld: (name) => ports.workers.holds(name),
      mayAct: () => ports.workers.own.replicator.lease.maySend() && ports.workers.mayAct(),
      deleted: (name) => this.#topics.delete(name),
    });
    this.syncs = new LinkSyncs({
      ...{ ...ports, peer: this.peer },
      copies: () => this.#copies(),
      follows: (topic) => this.#follows(topic),
      topicPolicy: () => this.#topicPolicy,
      givenAtSource: () => this.#sourceTopics.producerIdsGiven,
      intervalMs: Math.min(syncIntervalMs, ports.discoveryIntervalMs * 2),
    });
    this.moves = new LinkMoves(
      movesPortsOf({
        ...{ ports, id: this.id, peer: this.peer, topics: this.#topics, spec: () => this.#spec },
        ...{ syncs: () => this.syncs, roles: () => this.#sourceTopics.roles(), fence: () => this.fence },
        views: () => this.topicViews(),
        isRebuilt: (name) => this.rebuilds.holds(name) || this.tails.reconciliations.holds(name),
        unfollow: (name) => this.#unfollow(name),
        lookAgain: () => this.#lookAgain.wake(),
      }),
    );
    this.tails = new LinkTails({
      ...{ ports, rebuild, id: this.id, peer: this.peer, roles: () => this.#sourceTopics.roles() },
      ...{ topicPolicy: () => this.#topicPolicy, moves: this.moves },
      unfollow: (name) => this.#unfollow(name),
      forget: (name) => {
        this.#unfollow(name);
        this.#topics.delete(name);
        this.#lookAgain.wake();
      },
    });
    this.#loop = this.#discoveryLoop(this.#stopping.signal);
  }

  get fence(): LinkView['fence'] {
    const { state } = this.#fence;
    return state === 'acl' && this.syncs.acls.leaking ? 'leaking' : state;
  }

  get paused(): LinkView['paused'] {
    return this.#paused.ofLink;
  }

  get policy(): PrefixPolicy {
    return this.#ports.policy;
  }

  get spec(): LinkSpec {
    return this.#spec;
  }

  get gap(): GapDecision {
    return this.#spec.gap ?? 'fault';
  }

  /** Takes effect with the next looks. With gaps that are filled the partitions go on that stopped for want of that. */
  redeclare(spec: LinkSpec): void {
    const { gap } = this;
    this.#spec = spec;
    if (this.gap !== gap) this.#ports.workers.taskChanged(`gaps of the link ${this.id}: ${this.gap}`);
  }

  get #topicPolicy(): TopicPolicy {
    return this.#spec.topics ?? defaultTopicPolicy;
  }

  /** Every partition that some worker is to copy. Before the first look what workers hold of our copies stays theirs. */
  wanted(holdings: readonly PartitionSets[]): PartitionSets {
    const stays = this.#discovered ? undefined : (topic: string): boolean => this.#isOurs(topic);
    return wantedPartitions({ followed: this.#followed, holdings, stays });
  }

  #isOurs(topic: string): boolean {
    const record = this.#ports.state.shadow(topic);
    const ours = record?.link === this.id && record.state.kind === 'ours';
    return ours && !this.#isHeld(topic) && this.#paused.of(topic) === undefined;
  }

  /** A rebuild or an operation has it in hand: nobody may append to it. */
  #isHeld(topic: string): boolean {
    return this.rebuilds.holds(topic) || this.tails.reconciliations.holds(topic) || this.moves.held.holds(topic);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.moves.stop();
    await Promise.all([this.rebuilds.stop(), this.tails.stop()]);
    await this.syncs.stop();
    await this.#faults.settled();
    for (const topic of this.#topics.values()) topic.moveIfPossible('stopped');
  }

  /** Topics that have a copy and are not at rest: what a deletion of the link would leave unprotected. */
  get followed(): readonly string[] {
    const shadows = this.#ports.state.shadows();
    return followedTopics({ link: this.id, shadows, views: this.topicViews(), orphans: this.#orphans });
  }

  view(): LinkView {
    const { workers, link } = this.#ports;
    return viewLink({
      ...{ link, gap: this.gap, fence: this.fence, paused: this.paused, discovered: this.#discovered },
      ...{ topics: this.topicViews(), exposure: this.#exposure.total() },
      ...{ problem: workers.problem, trouble: this.#lookTrouble ?? this.#steps.trouble ?? workers.trouble },
      standby: viewStandby(link.from, this.syncs.groups.view(), this.syncs.schemas.view()),
    });
  }

  topicViews(): readonly TopicDetailView[] {
    const samples = Map.groupBy(this.#ports.workers.samples(), ({ topic }) => topic);
    this.#exposure.note(samples);
    return [...this.#topics.values()].map((topic) => {
      const own = samples.get(topic.name);
      if (this.#followed.has(topic.name)) topic.observe(own ?? []);
      const rebuild = this.rebuilds.note(topic.name);
      const paused = this.#paused.of(topic.name);
      const view = topic.view(this.id, own ?? this.#paused.samples(topic.name), this.#exposure.of(topic));
      return { ...view, ...(paused === undefined ? {} : { paused }), ...(rebuild === undefined ? {} : { rebuild }) };
    });
  }

  #lookIntervalMs(): number {
    return lookIntervalMs(this.#ports.discoveryIntervalMs, this.#partitionsSeen);
  }

  /** Positions on it mean the same at both sites. */
  #follows(name: string): boolean {
    return this.#followed.has(name) && this.#topics.get(name)?.fault === undefined;
  }

  #copies(): readonly SyncedCopy[] {
    const names = [...this.#followed.keys()].filter((name) => this.#follows(name));
    return this.#looked === undefined ? [] : syncedCopies(names, this.#topics, this.#looked);
  }

  #samplesOf(name: string): readonly PartitionSample[] {
    return this.#ports.workers.samples().filter(({ topic }) => topic === name);
  }

  async #discoveryLoop(signal: AbortSignal): Promise<void> {
    while (!hasAborted(signal)) {
      try {
        await this.#discover(signal);
        if (!this.#discovered) this.#ports.workers.taskChanged('the first look is done');
        this.#discovered = true;
        this.#exposure.looked();
        this.#lookTrouble = undefined;
      } catch (error) {
        if (hasAborted(signal)) return;
        this.#deletions.lookFailed();
        this.#lookTrouble = error instanceof Error ? error.message : String(error);
        this.#ports.logger.warn({ err: error, link: this.id }, 'looking for topics failed; trying again');
      }
      await this.#lookAgain.wait(signal, this.#lookIntervalMs());
    }
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const { source, target } = await lookAtBoth(this.#ports, this.#ports.workers.own.replicator.meters);
    this.#looked = { source, target };
    this.#partitionsSeen = Math.max(partitionsOf(source), partitionsOf(target));
    await this.peer.read(signal);
    await this.tails.returned.look(target, signal);
    await this.#fence.look();
    this.#deletions.looked(source.topics);
    const steps = planCopies({
      ...{ link: this.id, target, shadows: this.#ports.state.shadows() },
      source: [...source.topics.values()].filter((topic) => this.#sourceTopics.mayCopy(topic)),
    });
    showPromoted({ link: this.#ports.link, roles: this.#ports.state.roles(), topics: this.#topics });
    await rememberLevel(this.#topics, this.#ports.state.moves, signal);
    this.#orphans = new Set(steps.filter(({ kind }) => kind === 'orphan').map(nameOf));
    await this.#steps.run(steps, (step) => this.#carryOut(step, target, signal), signal);
  }

  async #carryOut(step: TopicStep, target: ClusterMetadata, signal: AbortSignal): Promise<void> {
    if (this.#isHeld(nameOf(step))) return;
    switch (step.kind) {
      case 'orphan': {
        // Whoever retires it deletes its copy.
        if (this.#ports.isRetired(step.name)) {
          this.forget(step.name);
          return;
        }
        this.#unfollow(step.name);
        this.#topics.get(step.name)?.moveIfPossible('sourceDeleted');
        await this.#deletions.follow(step.name, signal);
        return;
      }
      case 'refuse': {
        const topic = this.#tracked({ name: step.name, topicId: '', partitions: 0 });
        const fault = { code: step.code, message: step.message } as const;
        this.#unfollow(step.name);
        topic.faulted({ ...fault, at: this.#ports.clock.now() });
        return;
      }
      default: {
        const { name, partitions } = step.source;
        if (this.#paused.of(name) !== undefined) {
          this.#rest(step);
          return;
        }
        // Somebody else may have grown the copy, or the answer to our own request was lost: then it follows in part.
        const whole = this.#followed.get(name) === partitions;
        if (step.kind === 'follow' && whole && this.#topics.get(name)?.shadowTopicId === step.shadowTopicId) return;
        const shadowTopicId = await applyTopicStep(step, this.#apply(target), signal);
        if (shadowTopicId !== undefined) this.#follow(step.source, shadowTopicId);
      }
    }
  }

  #apply(target: ClusterMetadata): TopicApply {
    const { source, target: cluster, state } = this.#ports;
    return { link: this.id, source, target: cluster, targetTopics: target.topics, state, policy: this.#topicPolicy };
  }

  #follow(source: SeenTopic, shadowTopicId: string): void {
    // It may have been taken in hand while the step was carried out.
    if (this.#isHeld(source.name) || this.#paused.of(source.name) !== undefined) return;
    const previous = this.#topics.get(source.name);
    const anew = previous?.shadowTopicId !== undefined && previous.shadowTopicId !== shadowTopicId;
    if (anew || previous?.shadowTopicId === undefined || previous.state === 'promoted') {
      // A copy that was made anew, or is one again, starts from the beginning, whatever was wrong with the old one.
      this.#topics.delete(source.name);
    }
    const topic = this.#tracked(source);
    topic.shadowTopicId = shadowTopicId;
    topic.partitions = source.partitions;
    topic.moveIfPossible('shadowCreated');
    topic.moveIfPossible('sourceReturned');
    this.#paused.forget(source.name);
    this.#followed.set(source.name, source.partitions);
    this.#ports.workers.taskChanged(`the copy of ${source.name}`);
  }

  /** A paused topic is known and shown, but neither made nor filled. */
  #rest(step: Extract<TopicStep, { readonly source: SeenTopic }>): void {
    const topic = this.#tracked(step.source);
    if ('shadowTopicId' in step) topic.shadowTopicId = step.shadowTopicId;
    if ((this.#ports.state.shadow(topic.name)?.faults.length ?? 0) > 0) topic.moveIfPossible('faulted');
    topic.moveIfPossible('paused');
  }

  /** Does what `_umbra` says of pauses by now. */
  applyPauses(): void {
    for (const topic of this.#topics.values()) {
      if (this.#paused.of(topic.name) === undefined) {
        if (topic.state === 'paused') topic.move('resumed');
        continue;
      }
      if (this.#followed.has(topic.name)) this.#paused.keep(topic.name, this.#samplesOf(topic.name));
      this.#unfollow(topic.name);
      topic.moveIfPossible('paused');
    }
    this.#lookAgain.wake();
  }

  /** It is to be deleted, here or at the source: nobody is to append to it any more, nor to miss it. */
  forget(name: string): void {
    this.#unfollow(name);
    this.#topics.delete(name);
  }

  /** Nobody is to append to it any more. */
  #unfollow(name: string): void {
    if (this.#followed.delete(name)) this.#ports.workers.taskChanged(`${name} is not copied any more`);
  }

  #tracked(source: SeenTopic): TrackedTopic {
    const existing = this.#topics.get(source.name);
    if (existing !== undefined) return existing;
    const topic = new TrackedTopic(source);
    this.#topics.set(source.name, topic);
    return topic;
  }

  /** A worker that copies the partition has stopped it. Resolves when that will outlive all workers, if it has to. */
  async faulted(found: FoundFault): Promise<void> {
    this.#topics.get(found.topic)?.moveIfPossible('faulted');
    await this.#faults.remember(found);
  }
}
