import type { Cluster } from '../../kafka/cluster.ts';
import { ConfigReader, type DescribedTopics, describeTopicsMax, type TopicConfigs } from '../../kafka/config-admin.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import { type AppliedChanges, applyConfigs } from './apply-configs.ts';
import { ConfigHolds, type Hold } from './config-holds.ts';
import { type ConfigMemory, sameRecord } from './config-record.ts';
import { type ChangeView, type ConfigEvent, type ConfigSyncView, listMax } from './config-sync-view.ts';
import { type ConfigPlan, type CopyConfigs, planConfigs, type PlannedChange, recordAfter } from './plan-configs.ts';
import { renderView, viewChange } from './render-config-view.ts';

/** A copy whose configs are to be kept level. */
export interface SyncedCopy {
  readonly topic: string;
  readonly sourceTopicId: string;
  readonly shadowTopicId: string;
  readonly partitions: { readonly source: number; readonly copy: number };
  /** Of the partition that has the fewest. */
  readonly replicas: { readonly source: number; readonly copy: number };
}

export interface ConfigSyncPorts {
  readonly source: Cluster;
  readonly target: Cluster;
  /**
   * The link's copies as of the newest look at both clusters: the source topic is there under the id that was copied, the
   * copy is ours, and it is neither promoted nor being rebuilt. The configs of a promoted copy are its own: a promotion
   * takes the topic out of this list, lets a round that is under way end, and only then sets what it has to. Asked again
   * before each request that changes something; a topic that is no longer in it is left out.
   */
  copies(): readonly SyncedCopy[];
  /** Whether `_umbra` has a record of a copy of this name, synced now or not. Without one its memory goes. */
  isKnown(topic: string): boolean;
  /** The same object until it changes. */
  policy(): Policy;
  readonly memory: ConfigMemory;
  /** Whether this process still is the one that decides. */
  mayAct(): boolean;
  report(event: ConfigEvent): void;
  readonly clock: { monotonicMs(): number; now(): Date };
}

/**
 * Keeps the configs of a link's copies as they have to be: what the source wants, by the rules, and what a copy needs.
 * Remembers the source's wish for a promotion. One look and its changes per round; all state that matters is in the
 * memory and in the clusters, so that it may be stopped at any point.
 */
export class ConfigSync {
  readonly #ports: ConfigSyncPorts;
  readonly #source: ConfigReader;
  readonly #target: ConfigReader;
  readonly #holds = new ConfigHolds();
  #planned: ReadonlyMap<string, Planned> = new Map();
  /** Plans without changes whose record is in the memory: nothing is to be done about them again. */
  readonly #remembered = new WeakSet<ConfigPlan>();
  #edits = 0;
  #newestEdits: readonly (ChangeView & { readonly at: string })[] = [];
  #view: ConfigSyncView;

  constructor(ports: ConfigSyncPorts) {
    this.#ports = ports;
    this.#source = new ConfigReader(ports.source);
    this.#target = new ConfigReader(ports.target);
    this.#view = renderView({ copies: [], plans: [], refused: [], unseen: [], edits: 0, newestEdits: [] });
  }

  view(): ConfigSyncView {
    return this.#view;
  }

  /**
   * Looks at both clusters and makes what differs level. Throws what the clusters throw (see errors.ts), after the view
   * says so; the next round does what this one left.
   */
  async round(signal: AbortSignal): Promise<void> {
    try {
      await this.#round(signal);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#view = { ...this.#view, trouble: { at: this.#ports.clock.now().toISOString(), message } };
      throw error;
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const copies = this.#ports.copies();
    const topics = copies.map(({ topic }) => topic);
    this.#holds.prune(new Set(topics), this.#ports.clock.monotonicMs());
    const { plans, unseen } = await this.#look(topics, signal);
    const news = await this.#stillThose(plans.filter((plan) => this.#isNews(plan)));
    const applied = await this.#apply(news);
    this.#note(news, applied);
    await this.#remember(news, applied.made, signal);
    this.#render(copies, plans, applied, unseen);
  }

  /** Whether there is something to change or to remember. */
  #isNews(plan: ConfigPlan): boolean {
    if (this.#remembered.has(plan)) return false;
    if (plan.changes.length > 0 || !sameRecord(this.#ports.memory.get(plan.topic), recordAfter(plan, none)))
      return true;
    this.#remembered.add(plan);
    return false;
  }

  /** Both clusters part by part, so that other work gets its turn in between. */
  async #look(topics: readonly string[], signal: AbortSignal): Promise<Look> {
    const parts = Math.ceil(topics.length / describeTopicsMax);
    this.#source.expect(parts);
    this.#target.expect(parts);
    const look = { plans: new Map<string, Planned>(), unseen: [] as Unseen[] };
    for (let part = 0; part < parts; part++) {
      const names = topics.slice(part * describeTopicsMax, (part + 1) * describeTopicsMax);
      const [source, target] = await Promise.all([this.#source.read(part, names), this.#target.read(part, names)]);
      signal.throwIfAborted();
      for (const topic of names) {
        const [wanted, shown] = [source.configs.get(topic), target.configs.get(topic)];
        if (wanted !== undefined && shown !== undefined) look.plans.set(topic, this.#plan(topic, wanted, shown));
      }
      look.unseen.push(...unseenIn(this.#ports.source, source), ...unseenIn(this.#ports.target, target));
    }
    this.#planned = look.plans;
    return { plans: [...look.plans.values()].map(({ plan }) => plan), unseen: look.unseen };
  }

  /** The same plan again while nothing that it rests on has changed: most topics, most of the time. */
  #plan(topic: string, source: TopicConfigs, copy: TopicConfigs): Planned {
    const { clock, memory } = this.#ports;
    const nowMs = clock.monotonicMs();
    const policy = this.#ports.policy();
    const [held, settling] = [this.#holds.held(topic, nowMs), this.#holds.settling(topic, nowMs)];
    const seen = { topic, source, copy, record: memory.get(topic), held, settling };
    const last = this.#planned.get(topic);
    const same =
      last?.policy === policy &&
      (['source', 'copy', 'record', 'held', 'settling'] as const).every((each) => last.seen[each] === seen[each]);
    return same ? last : { seen, policy, plan: planConfigs(seen, policy) };
  }

  async #apply(plans: readonly ConfigPlan[]): Promise<AppliedChanges> {
    const wanted = plans.filter(({ changes }) => changes.length > 0);
    return applyConfigs(this.#ports.target, wanted, {
      mayAct: () => this.#ports.mayAct(),
      // Between the look and the change it may have been promoted, or its rebuild may have begun.
      stillSynced: (topics) => {
        const synced = new Set(this.#ports.copies().map(({ topic }) => topic));
        return topics.filter(({ topic }) => synced.has(topic));
      },
    });
  }

  /** Configs are read and set by name, and a name is no identity: both topics must still be the ones we know. */
  async #stillThose(plans: readonly ConfigPlan[]): Promise<readonly ConfigPlan[]> {
    if (plans.length === 0) return [];
    const names = plans.map(({ topic }) => topic);
    const ignored = (): void => undefined;
    const [atSource, atTarget] = await Promise.all([
      this.#ports.source.metadata(names, ignored),
      this.#ports.target.metadata(names, ignored),
    ]);
    const copies = new Map(this.#ports.copies().map((copy) => [copy.topic, copy]));
    return plans.filter(({ topic }) => {
      const copy = copies.get(topic);
      return (
        copy !== undefined &&
        atSource.topics.get(topic)?.topicId === copy.sourceTopicId &&
        atTarget.topics.get(topic)?.topicId === copy.shadowTopicId
      );
    });
  }

  /** Events, counts and holds of what was done. */
  #note(plans: readonly ConfigPlan[], { made, refused }: AppliedChanges): void {
    const { clock } = this.#ports;
    const report = (event: ConfigEvent): void => this.#ports.report(event);
    const nowMs = clock.monotonicMs();
    const at = clock.now().toISOString();
    const holds: Hold[] = [];
    for (const { topic, changes } of plans) {
      const names = made.get(topic);
      const done = changes.filter(({ name }) => names?.has(name) === true);
      const views = (of: readonly PlannedChange[]): readonly ChangeView[] => of.map((each) => viewChange(topic, each));
      const edits = views(done.filter(({ edited }) => edited));
      const synced = views(done.filter(({ reason }) => reason !== 'edited locally'));
      if (synced.length > 0) report({ kind: 'configs synced', topic, changes: synced });
      if (edits.length > 0) report({ kind: 'config edit reverted', topic, changes: edits });
      this.#edits += edits.length;
      this.#newestEdits = [...edits.map((edit) => ({ ...edit, at })), ...this.#newestEdits].slice(0, listMax);
      for (const change of done) {
        const hold = this.#holds.made(topic, change, nowMs);
        if (hold !== undefined) holds.push(hold);
      }
    }
    for (const [topic, names] of refused) {
      for (const refusal of names.values()) holds.push(this.#holds.refused(topic, refusal, nowMs));
    }
    for (const [message, alike] of Map.groupBy(holds, (hold) => hold.message)) {
      const first = alike.slice(0, listMax).map(({ topic, name }) => ({ topic, name }));
      report({ kind: 'configs refused', message, count: alike.length, first });
    }
  }

  async #remember(plans: readonly ConfigPlan[], made: AppliedChanges['made'], signal: AbortSignal): Promise<void> {
    const { memory } = this.#ports;
    const changed = plans
      .map((plan) => recordAfter(plan, made.get(plan.topic) ?? none))
      .filter((record) => !sameRecord(memory.get(record.topic), record));
    if (changed.length > 0 && this.#ports.mayAct()) await memory.put(changed, signal);
    const gone = [...memory.topics()].flatMap((topic) => (this.#ports.isKnown(topic) ? [] : [topic]));
    if (gone.length > 0 && this.#ports.mayAct()) await memory.remove(gone, signal);
  }

  #render(
    copies: readonly SyncedCopy[],
    plans: readonly ConfigPlan[],
    applied: AppliedChanges,
    unseen: readonly Unseen[],
  ): void {
    const { clock } = this.#ports;
    const [nowMs, now] = [clock.monotonicMs(), clock.now()];
    const refused = plans.flatMap(({ topic, changes, withheld }) => {
      const held = withheld.filter(({ why }) => why === 'held');
      const failed = changes.filter(({ name }) => applied.refused.get(topic)?.has(name) === true);
      return [...held, ...failed].flatMap(({ name }) => this.#holds.hold(topic, name) ?? []);
    });
    const view = renderView({
      ...{ copies, plans, refused, unseen, edits: this.#edits, newestEdits: this.#newestEdits },
      looked: { applied, nowMs, now },
    });
    const { levelAt } = this.#view;
    this.#view = { ...(levelAt === undefined ? {} : { levelAt }), ...view };
  }
}

const none: ReadonlySet<string> = new Set();

type Policy = Pick<TopicPolicy, 'configs'>;

interface Planned {
  readonly seen: CopyConfigs;
  readonly policy: Policy;
  readonly plan: ConfigPlan;
}

/** A topic that one side did not show: it is being created, deleted or made anew, or hidden from us. */
interface Unseen {
  readonly topic: string;
  readonly message: string;
}

interface Look {
  readonly plans: readonly ConfigPlan[];
  readonly unseen: readonly Unseen[];
}

function unseenIn(cluster: Cluster, { refused }: DescribedTopics): readonly Unseen[] {
  return [...refused].map(([topic, { message }]) => ({ topic, message: `${cluster.name}: ${message}` }));
}
