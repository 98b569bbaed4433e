import { createHash } from 'node:crypto';
import { describeAcls, describeAclsElsewhere, type RefusedAcl } from '../../kafka/acl-admin.ts';
import { type Acl, aclKey, type AclsSeen, aclText } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, MalformedError, NotSentError } from '../../kafka/errors.ts';
import { type AclMemory, readBook } from './acl-memory.ts';
import { applyAcls } from './apply-acls.ts';
import { type FenceBook, withoutFences } from './fence-book.ts';
import { type NotSynced, TooManyAclsError } from './narrow-acls.ts';
import { type AclPlan, planAcls } from './plan-acls.ts';
import { preflight, type Preflight } from './preflight.ts';
import type { SyncScope } from './sync-scope.ts';

/** What may change between two rounds. */
export interface AclSyncPolicy {
  readonly scope: SyncScope;
  /** Principals of umbra at either site, with their type: never synced, and the only ones that may write copies. */
  readonly own: readonly string[];
  /** Topics of the scope that the standby is primary of. */
  readonly promoted: ReadonlySet<string>;
  /** Names of the scope that the standby is primary of as a whole, with their groups. Default none. */
  readonly frozen?: SyncScope;
  /** Of the standby, as far as they are declared: brokers do not tell them. */
  readonly superUsers: readonly string[];
  readonly allowsWithoutAcl: boolean;
}

export interface AclSyncPorts {
  readonly source: Cluster;
  readonly target: Cluster;
  readonly memory: AclMemory;
  /**
   * What fences have changed at the source, as its `_umbra` says when it is asked: none of it is carried over, and what is
   * withdrawn there is still withheld here. Default nothing.
   */
  readonly sourceFences?: (signal: AbortSignal) => Promise<readonly FenceBook[]>;
  /** Whether this worker is (still) the one that may change the standby. */
  readonly mayAct: () => boolean;
  readonly policy: () => AclSyncPolicy;
  readonly now: () => Date;
  readonly report: (event: AclEvent) => void;
}

/** What has happened, for the log. Lists are cut at {@link listedMax}; the counts count all. ACLs as `aclText`. */
export type AclEvent =
  | {
      readonly kind: 'acls synced';
      readonly created: number;
      readonly removed: number;
      /** Of the created ones those that were ours and that somebody had removed. */
      readonly restored: number;
      readonly first: { readonly created: readonly string[]; readonly removed: readonly string[] };
    }
  | { readonly kind: 'acls refused'; readonly count: number; readonly first: readonly string[] }
  /** Who may write the copies is not what it was; also said at the first look. */
  | { readonly kind: 'fence seen'; readonly fence: Preflight['kind']; readonly leaks: readonly string[] };

const listedMax = 50;

export type AuthorizerSeen = 'present' | 'absent' | 'unknown';

export interface AclSyncTrouble {
  readonly at: Date;
  readonly message: string;
}

/** What a round came to. Lists are as of the last round that could read both clusters. */
export interface AclSyncView {
  readonly authorizers: { readonly source: AuthorizerSeen; readonly target: AuthorizerSeen };
  /** Who may write the copies; undefined until the standby was read once. `unfenced` is one of its kinds. */
  readonly fence: Preflight | undefined;
  /** ACLs of the source that the standby has through the link. */
  readonly synced: readonly Acl[];
  /** Wanted and made by somebody else. */
  readonly alreadyThere: readonly Acl[];
  /** Wait for the promotion. From the memory until the source was read. */
  readonly withheld: readonly Acl[];
  readonly notSynced: readonly NotSynced[];
  /** On the link's names, made by somebody else, not wanted: left alone. */
  readonly foreign: readonly Acl[];
  /** The standby did not take these; tried again every minute. */
  readonly refused: readonly RefusedAcl[];
  /** Brokers of the standby that did not show the last change in time. */
  readonly behind: readonly number[];
  readonly created: number;
  readonly removed: number;
  /** Ours, removed at the standby by somebody else, and made again. */
  readonly restored: number;
  /** When the standby last had all it should have. */
  readonly levelAt: Date | undefined;
  /** The newest trouble; stays until a round ends without one. */
  readonly trouble: AclSyncTrouble | undefined;
}

const refusedPauseMs = 60_000;

/** Keeps the standby's ACLs as the source's, as far as they concern the link (docs/acls.md). One per link. */
export class AclSync {
  readonly #ports: AclSyncPorts;
  #view: AclSyncView = {
    authorizers: { source: 'unknown', target: 'unknown' },
    fence: undefined,
    synced: [],
    alreadyThere: [],
    withheld: [],
    notSynced: [],
    foreign: [],
    refused: [],
    behind: [],
    created: 0,
    removed: 0,
    restored: 0,
    levelAt: undefined,
    trouble: undefined,
  };
  /** By key: until when a refused ACL is not asked for again. */
  readonly #paused = new Map<string, { readonly refusal: RefusedAcl; readonly untilMs: number }>();

  /** The look after which there was nothing to do; the same look again needs no plan. */
  #settled: string | undefined;

  constructor(ports: AclSyncPorts) {
    this.#ports = ports;
  }

  view(): AclSyncView {
    const { withheld } = this.#view;
    // After a restart with a dead source the memory is all there is, and what a promotion needs.
    const kept = withheld.length > 0 ? withheld : [...readBook(this.#ports.memory.pages()).withheld.values()];
    return { ...this.#view, withheld: kept };
  }

  /**
   * One look at both clusters, and what follows from it. May be interrupted anywhere; the next round heals. What clusters
   * answer, or that they do not, ends in `view().trouble`; throws only when `signal` is aborted, or for a bug.
   */
  async round(signal: AbortSignal): Promise<void> {
    try {
      await this.#round(signal);
      this.#set({ trouble: undefined });
    } catch (error) {
      signal.throwIfAborted();
      if (!isExpected(error)) throw error;
      this.#set({ trouble: { at: this.#ports.now(), message: error.message } });
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const policy = this.#ports.policy();
    const target = await describeAcls(this.#ports.target);
    const fence = preflight({ ...policy, target });
    this.#tellOfFence(fence);
    this.#set({ authorizers: { ...this.#view.authorizers, target: authorizerOf(target) }, fence });
    signal.throwIfAborted();
    const source = await this.#sourceAcls(() => describeAcls(this.#ports.source), signal);
    this.#set({ authorizers: { ...this.#view.authorizers, source: authorizerOf(source) } });
    // Without an authorizer at the source everybody may do anything there: nothing follows for the standby, and an
    // authorizer that was lost by mistake must not take the standby's rights away.
    if (target.kind !== 'seen' || source.kind !== 'seen') return;
    const look = digestOf({ source: source.acls, target: target.acls, policy });
    if (look === this.#settled) {
      this.#set({ levelAt: this.#ports.now() });
      return;
    }
    const { plan, heldBack } = await this.#confirmed({ source: source.acls, target: target.acls, policy }, signal);
    signal.throwIfAborted();
    await this.#apply(plan, heldBack, signal);
    if (leavesNothing(plan) && !heldBack) this.#settled = look;
  }

  /** As they would be without fences. Asked for on both sides: one of them may be raised or lowered during the look. */
  async #sourceAcls(look: () => Promise<AclsSeen>, signal: AbortSignal): Promise<AclsSeen> {
    const fences = this.#ports.sourceFences ?? ((): Promise<readonly FenceBook[]> => Promise.resolve([]));
    const before = await fences(signal);
    const seen = await look();
    if (seen.kind !== 'seen') return seen;
    return { kind: 'seen', acls: withoutFences(seen.acls, [...before, ...(await fences(signal))]) };
  }

  /** A plan that removes something is made of two looks at the source, at two brokers where there are: one may be behind. */
  async #confirmed({ source, target, policy }: Look, signal: AbortSignal): Promise<Confirmed> {
    const book = readBook(this.#ports.memory.pages());
    const plan = planAcls({ ...policy, source, target, book });
    if (plan.remove.length === 0) return { plan, heldBack: false };
    const again = await this.#sourceAcls(() => describeAclsElsewhere(this.#ports.source), signal);
    const second = again.kind === 'seen' ? planAcls({ ...policy, source: again.acls, target, book }).remove : [];
    const agreed = new Set(second.map(aclKey));
    const remove = plan.remove.filter((acl) => agreed.has(aclKey(acl)));
    return { plan: { ...plan, remove }, heldBack: remove.length < plan.remove.length };
  }

  async #apply(plan: AclPlan, heldBack: boolean, signal: AbortSignal): Promise<void> {
    const nowMs = this.#ports.now().getTime();
    for (const [key, { untilMs }] of this.#paused) if (untilMs <= nowMs) this.#paused.delete(key);
    const create = plan.create.filter((acl) => !this.#paused.has(aclKey(acl)));
    const { refused, behind } = await applyAcls({ ...plan, create }, this.#ports, signal);
    for (const refusal of refused) {
      this.#paused.set(aclKey(refusal.acl), { refusal, untilMs: nowMs + refusedPauseMs });
    }
    const notDone = new Set(refused.map(({ acl }) => aclKey(acl)));
    const done = (acl: Acl): boolean => !notDone.has(aclKey(acl));
    const wantedKeys = new Set(plan.create.map(aclKey));
    const standing = [...this.#paused.values()].map(({ refusal }) => refusal);
    const open = standing.filter(({ acl }) => wantedKeys.has(aclKey(acl)) || refused.some((each) => each.acl === acl));
    const made = {
      created: create.filter(done),
      removed: plan.remove.filter(done),
      restored: plan.restored.filter(done),
    };
    this.#tellOf(made, refused);
    const { created, removed, restored, levelAt } = this.#view;
    this.#set({
      synced: [...plan.level, ...plan.adopt, ...made.created],
      alreadyThere: plan.alreadyThere,
      withheld: plan.withheld,
      notSynced: plan.notSynced,
      foreign: plan.foreign,
      refused: open,
      behind,
      created: created + made.created.length,
      removed: removed + made.removed.length,
      restored: restored + made.restored.length,
      levelAt: !heldBack && open.length === 0 && behind.length === 0 ? this.#ports.now() : levelAt,
    });
  }

  #tellOf({ created, removed, restored }: Made, refused: readonly RefusedAcl[]): void {
    const { report } = this.#ports;
    if (created.length + removed.length > 0) {
      const counts = { created: created.length, removed: removed.length, restored: restored.length };
      report({ kind: 'acls synced', ...counts, first: { created: texts(created), removed: texts(removed) } });
    }
    if (refused.length > 0) {
      const first = refused.slice(0, listedMax).map(({ acl, reason }) => `${aclText(acl)}: ${reason}`);
      report({ kind: 'acls refused', count: refused.length, first });
    }
  }

  #tellOfFence(fence: Preflight): void {
    const leaks = fence.kind === 'leaking' ? fence.leaks.map(({ message }) => message) : [];
    const known = this.#view.fence;
    const same = known?.kind === 'leaking' ? known.leaks.map(({ message }) => message).join() === leaks.join() : true;
    if (known?.kind === fence.kind && same) return;
    this.#ports.report({ kind: 'fence seen', fence: fence.kind, leaks: leaks.slice(0, listedMax) });
  }

  #set(change: Partial<AclSyncView>): void {
    this.#view = { ...this.#view, ...change };
  }
}

interface Made {
  readonly created: readonly Acl[];
  readonly removed: readonly Acl[];
  readonly restored: readonly Acl[];
}

function texts(acls: readonly Acl[]): readonly string[] {
  return acls.slice(0, listedMax).map(aclText);
}

interface Confirmed {
  readonly plan: AclPlan;
  /** Whether removals wait, since the two looks differ. */
  readonly heldBack: boolean;
}

interface Look {
  readonly source: readonly Acl[];
  readonly target: readonly Acl[];
  readonly policy: AclSyncPolicy;
}

/** Planning thousands of ACLs takes a tenth of a second; that two looks are the same is known in a tenth of that. */
function digestOf({ source, target, policy }: Look): string {
  const { scope, own, promoted, frozen } = policy;
  return createHash('sha256')
    .update(JSON.stringify({ source, target, scope, own, promoted: [...promoted], frozen }))
    .digest('hex');
}

function leavesNothing({ create, remove, adopt }: AclPlan): boolean {
  return [create, remove, adopt].every((acls) => acls.length === 0);
}

function authorizerOf({ kind }: AclsSeen): AuthorizerSeen {
  return kind === 'seen' ? 'present' : 'absent';
}

function isExpected(error: unknown): error is Error {
  const kinds = [KafkaError, ConnectionError, MalformedError, NotSentError, TooManyAclsError] as const;
  return kinds.some((kind) => error instanceof kind);
}
