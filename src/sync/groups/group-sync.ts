import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, MalformedError, NotSentError } from '../../kafka/errors.ts';
import { type SiteId, sites } from '../../pair/site.ts';
import type { PrefixOwners } from '../../pair/spec.ts';
import { ownerOf } from '../../prefix-policy/prefix-policy.ts';
import { applyGroups } from './apply-groups.ts';
import { countGone, type GoneLooks, topicsToAskFor } from './gone-looks.ts';
import type { Copies, GroupLook } from './group-look.ts';
import type { GroupMemory, GroupRecord } from './group-record.ts';
import {
  type ClampedView,
  countStates,
  type GroupState,
  type GroupStatus,
  type GroupSyncView,
  renderGroup,
  secondsBetween,
  unownedNamesMax,
} from './group-view.ts';
import { type GroupPlan, type GroupsPlan, type PlanLimits, planGroups } from './plan-groups.ts';
import { SourceGroups, type SourceLook } from './source-groups.ts';
import { TargetGroups } from './target-groups.ts';

export interface GroupSyncPorts {
  readonly source: Cluster;
  readonly target: Cluster;
  /** The site that the link leaves: its groups are synced. */
  readonly from: SiteId;
  /** Whether the link carries topics that are home where it ends: their groups' positions on them are synced, too. Default no. */
  readonly carriesReversed?: () => boolean;
  /** Proven; asked in each round. */
  owners(): PrefixOwners;
  readonly copies: Copies;
  readonly memory: GroupMemory;
  /** Whether this worker may write at the target now; asked when each write is about to go out. */
  mayAct(): boolean;
  /** Of these groups nothing is kept here any more, for nothing is left of them at the source. */
  removed?(groups: readonly string[]): void;
  readonly clock: { now(): Date };
}

export interface GroupSyncLimits extends PlanLimits {
  /** Positions at the target that only the link writes are read again after this time. */
  readonly rereadMs: number;
}

/**
 * `refreshMs` has to stay far below `offsets.retention.minutes` of the target (7 days by default), after which Kafka
 * forgets the positions of a group without members, counted from their commit.
 */
export const defaultGroupSyncLimits: GroupSyncLimits = {
  goneLooksMin: 3,
  refreshMs: 6 * 60 * 60_000,
  goneGroupsMax: 10,
  rereadMs: 60_000,
};

export interface FinalGroup {
  readonly group: string;
  readonly state: GroupState;
  readonly why?: string;
  /** Consumers of these partitions read again, or for the first time, what the copy does not have. */
  readonly clamped: readonly ClampedView[];
}

/** A group that has positions of its own at the target, or none: those of the source are not brought there. */
export interface OwnGroup {
  readonly group: string;
  /** On these it has positions at the source. */
  readonly topics: ReadonlySet<string>;
  readonly why: string;
}

export interface FinalGroups {
  /** Both clusters were read completely, and every group is `level` or `behind` or named with its reason. */
  readonly complete: boolean;
  readonly groups: readonly FinalGroup[];
  readonly troubles: readonly string[];
}

/**
 * Keeps the committed positions of the source's groups at the target, as far as the copies reach. A round looks at both
 * clusters and writes what differs; any of its steps may be the last one of a process, and the next round goes on.
 * Rounds wait for each other.
 */
export class GroupSync {
  readonly #ports: GroupSyncPorts;
  readonly #limits: GroupSyncLimits;
  readonly #source: SourceGroups;
  readonly #target: TargetGroups;
  readonly #statuses = new Map<string, GroupStatus>();
  #gone: GoneLooks = new Map();
  #unowned: readonly string[] = [];
  #readAt: Date | undefined;
  #levelAt: Date | undefined;
  #withheld: string | undefined;
  #trouble: { readonly at: Date; readonly message: string } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ports: GroupSyncPorts, limits: GroupSyncLimits = defaultGroupSyncLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#source = new SourceGroups(ports.source);
    this.#target = new TargetGroups(ports.target, limits.rereadMs);
  }

  /**
   * One look, and what follows from it. Troubles of the clusters and of the memory do not reject: they are in the view,
   * and the next round tries again. Rejects when aborted.
   */
  round(signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#ports.mayAct()) return;
      try {
        await this.#look(signal, async (plan, at) => this.#carryOut(plan, at, signal));
      } catch (error) {
        this.#noteTrouble(error, signal);
      }
    });
  }

  /**
   * The last round before a promotion, when the source is fenced and its copies are complete: everything is read anew,
   * written, and read anew again. Says what is not as at the source.
   */
  final(signal: AbortSignal): Promise<FinalGroups> {
    return this.#inTurn(async () => {
      const troubles: string[] = [];
      let left: GroupsPlan = { groups: [], withheld: undefined };
      try {
        this.#target.doubtAll();
        await this.#look(signal, async (plan, at) => this.#carryOut(plan, at, signal));
        this.#target.doubtAll();
        troubles.push(...(await this.#look(signal, (plan) => Promise.resolve((left = plan)))));
      } catch (error) {
        troubles.push(this.#noteTrouble(error, signal));
      }
      const groups = left.groups.map(finalGroup);
      const settled = left.groups.every(({ finding, commits }) => commits.length === 0 && finding.state !== 'unread');
      return { complete: troubles.length === 0 && settled, groups, troubles };
    });
  }

  /** An operator's decision: from now on a `foreign` group is the link's, and its positions are overwritten. */
  async adopt(group: string, signal: AbortSignal): Promise<void> {
    const owner = ownerOf(group, this.#ports.owners());
    if (owner === undefined || !this.#homes().has(owner)) {
      throw new Error(`group ${group} does not belong to site ${this.#ports.from}: the link does not sync it`);
    }
    await this.#inTurn(async () => {
      if (this.#ports.memory.groups().has(group)) return;
      const refreshedAt = this.#ports.clock.now().toISOString();
      await this.#ports.memory.putGroups([{ group, written: {}, refreshedAt }], signal);
      this.#target.doubt(group);
    });
  }

  /** Groups whose positions do not go along, as of the newest look; those of which nothing but the name can be read are not among them. */
  notCarried(): readonly OwnGroup[] {
    return [...this.#statuses].flatMap(([group, { finding, topics }]) =>
      'why' in finding && topics.size > 0 ? [{ group, topics, why: finding.why }] : [],
    );
  }

  view(): GroupSyncView {
    const now = this.#ports.clock.now();
    const groups = [...this.#statuses]
      .map(([group, status]) => renderGroup(group, status, now))
      .sort((x, y) => (x.group < y.group ? -1 : 1));
    return {
      groups,
      counts: countStates(groups),
      unowned: { count: this.#unowned.length, names: this.#unowned.slice(0, unownedNamesMax) },
      ...(this.#readAt === undefined
        ? {}
        : { readAt: this.#readAt, stalenessSeconds: secondsBetween(this.#readAt, now) }),
      ...(this.#levelAt === undefined ? {} : { levelAt: this.#levelAt }),
      ...(this.#withheld === undefined ? {} : { withheld: this.#withheld }),
      ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }),
    };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    // The next one waits for this one, whatever comes of it; its caller is told by `mine`.
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Looks at both clusters, plans, lets `act` carry the plan out. The answer is why the look may not be complete. */
  async #look(signal: AbortSignal, act: (plan: GroupsPlan, at: Date) => Promise<unknown>): Promise<readonly string[]> {
    const { memory, copies, from, clock } = this.#ports;
    const owners = this.#ports.owners();
    const at = clock.now();
    const records = memory.groups();
    const source = await this.#source.look({ homes: this.#homes(), owners, known: records.keys() }, signal);
    const asked = groupsToCompare(source, records, copies);
    const target = await this.#target.look(asked, at.getTime(), signal);
    const looks = [...source.groups].map(([group, side]): GroupLook => {
      const here = target.groups.get(group) ?? nothingHere;
      const isHomeHere = ownerOf(group, owners) !== from;
      return { group, source: side, target: here, record: records.get(group), isHomeHere };
    });
    this.#gone = countGone(this.#gone, looks, await this.#topicsAtSource(looks));
    const plan = planGroups({ looks, copies, gone: this.#gone, nowMs: at.getTime() }, this.#limits);
    const troubles = [...source.troubles, ...target.troubles];
    this.#note(plan, { at, source, complete: troubles.length === 0 });
    const [trouble] = troubles;
    if (trouble !== undefined) this.#trouble = { at, message: trouble };
    await act(plan, at);
    return troubles;
  }

  #homes(): ReadonlySet<SiteId> {
    const { from, carriesReversed } = this.#ports;
    return new Set(carriesReversed?.() === true ? sites : [from]);
  }

  async #topicsAtSource(looks: readonly GroupLook[]): Promise<ReadonlySet<string>> {
    const topics = topicsToAskFor(looks);
    if (topics.length === 0) return new Set();
    const refused = (): undefined => undefined; // left out of the answer, which is what counts
    return new Set((await this.#ports.source.metadata(topics, refused)).topics.keys());
  }

  /** What was found, before anything is written: a group that needs a write is behind until it is done. */
  #note({ groups, withheld }: GroupsPlan, look: { at: Date; source: SourceLook; complete: boolean }): void {
    const found = new Set<string>();
    for (const plan of groups) {
      if (plan.finding.state === 'level' && plan.partitions === 0) continue;
      found.add(plan.group);
      const before = this.#statuses.get(plan.group);
      if (before !== undefined && plan.finding.state === 'unread')
        this.#statuses.set(plan.group, { ...before, finding: plan.finding });
      else if (!isSynced(plan)) this.#statuses.set(plan.group, statusOf(plan, before?.syncedAt));
      else if (!hasWrites(plan)) this.#statuses.set(plan.group, statusOf(plan, look.at));
      else this.#statuses.set(plan.group, statusOf({ ...plan, finding: { state: 'behind' } }, before?.syncedAt));
    }
    if (look.complete) {
      for (const group of this.#statuses.keys()) if (!found.has(group)) this.#statuses.delete(group);
      this.#readAt = look.at;
      this.#unowned = look.source.unowned;
    }
    this.#withheld = withheld;
  }

  async #carryOut({ groups }: GroupsPlan, at: Date, signal: AbortSignal): Promise<void> {
    const { memory } = this.#ports;
    const claims = groups.flatMap(({ claim }) => (claim === undefined ? [] : [claim]));
    if (claims.length > 0) {
      this.#requireRole();
      await memory.putGroups(claims, signal);
    }
    const writing = groups.filter(hasWrites);
    let done: Awaited<ReturnType<typeof applyGroups>>;
    try {
      done = await applyGroups(writing, this.#target.coordinators, { maySend: () => this.#ports.mayAct() }, signal);
    } catch (error) {
      for (const { group } of writing) this.#target.doubt(group);
      throw error;
    }
    const settled: GroupPlan[] = [];
    for (const plan of groups) {
      const outcome = done.get(plan.group);
      if (outcome?.kind === 'failed') {
        this.#target.doubt(plan.group);
        this.#statuses.set(plan.group, statusOf({ ...plan, finding: outcome.finding }, this.#syncedAt(plan.group)));
        continue;
      }
      settled.push(plan);
      if (outcome === undefined) continue;
      if (plan.removals.length > 0 || plan.deleteGroup) this.#target.doubt(plan.group);
      else this.#target.wrote(plan.group, plan.commits);
      if (isSynced(plan)) this.#statuses.set(plan.group, statusOf(plan, at));
    }
    await this.#settle(settled, signal);
    if (this.#statuses.values().every(({ finding }) => !unlevel.has(finding.state))) this.#levelAt = at;
  }

  async #settle(plans: readonly GroupPlan[], signal: AbortSignal): Promise<void> {
    const records = plans.flatMap(({ settle }) => (settle === undefined || settle === 'none' ? [] : [settle]));
    const ended = plans.filter(({ settle }) => settle === 'none').map(({ group }) => group);
    if (records.length + ended.length === 0) return;
    this.#requireRole();
    if (records.length > 0) await this.#ports.memory.putGroups(records, signal);
    if (ended.length > 0) await this.#ports.memory.removeGroups(ended, signal);
    for (const group of ended) this.#statuses.delete(group);
    if (ended.length > 0) this.#ports.removed?.(ended);
  }

  #requireRole(): void {
    if (!this.#ports.mayAct()) throw new NotSentError('this worker is not the controller any more');
  }

  #syncedAt(group: string): Date | undefined {
    return this.#statuses.get(group)?.syncedAt;
  }

  #noteTrouble(error: unknown, signal: AbortSignal): string {
    signal.throwIfAborted();
    if (!isTrouble(error)) throw error;
    this.#trouble = { at: this.#ports.clock.now(), message: error.message };
    return error.message;
  }
}

const nothingHere = { kind: 'read', state: 'absent', positions: new Map() } as const;

/** Groups whose positions at the target matter: the link's own, and those with positions on copied topics. */
function groupsToCompare(
  { groups }: SourceLook,
  records: ReadonlyMap<string, GroupRecord>,
  copies: Copies,
): readonly string[] {
  const compared: string[] = [];
  for (const [group, side] of groups) {
    if (side.kind !== 'read') continue;
    if (records.has(group) || side.positions.values().some(({ topic }) => copies.follows(topic))) compared.push(group);
  }
  return compared;
}

function isTrouble(error: unknown): error is Error {
  return [ConnectionError, KafkaError, MalformedError, NotSentError].some((kind) => error instanceof kind);
}

/** States of groups that are synced and not level. */
const unlevel: ReadonlySet<GroupState> = new Set(['behind', 'removing', 'refused', 'unread']);

function isSynced({ finding }: GroupPlan): boolean {
  return finding.state === 'level' || finding.state === 'behind';
}

function hasWrites({ commits, removals, deleteGroup }: GroupPlan): boolean {
  return commits.length > 0 || removals.length > 0 || deleteGroup;
}

function statusOf({ finding, partitions, topics, clamped }: GroupPlan, syncedAt: Date | undefined): GroupStatus {
  return { finding, partitions, topics, clamped, syncedAt };
}

function finalGroup({ group, finding, clamped }: GroupPlan): FinalGroup {
  return { group, state: finding.state, ...('why' in finding ? { why: finding.why } : {}), clamped };
}
