import { describeAcls, type RefusedAcl } from '../../kafka/acl-admin.ts';
import { type Acl, aclKey, aclText } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, MalformedError, NotSentError } from '../../kafka/errors.ts';
import { type AclBook, type AclMemory, readBook } from './acl-memory.ts';
import type { AclEvent, AclSyncTrouble, AuthorizerSeen } from './acl-sync.ts';
import { applyAcls } from './apply-acls.ts';
import { TooManyAclsError } from './narrow-acls.ts';
import type { AclPlan } from './plan-acls.ts';

export interface ApplicationAclsPorts {
  readonly cluster: Cluster;
  readonly memory: AclMemory;
  /** What the policy says now: all of it ALLOWs. The same array until it changes. */
  readonly wanted: () => readonly Acl[];
  /** By `aclKey`: what a fence has taken away here. It keeps it until it is lowered; default nothing. */
  readonly withdrawn?: () => ReadonlySet<string>;
  readonly mayAct: () => boolean;
  readonly now: () => Date;
  readonly report: (event: AclEvent) => void;
}

/** Lists are as of the last round that could read the cluster. */
export interface ApplicationAclsView {
  readonly authorizer: AuthorizerSeen;
  readonly wanted: number;
  /** Wanted and made by somebody else: never removed. */
  readonly alreadyThere: readonly Acl[];
  /** The cluster did not take these; tried again every minute, or when the policy changes. */
  readonly refused: readonly RefusedAcl[];
  /** Brokers that did not show the last change in time. */
  readonly behind: readonly number[];
  readonly created: number;
  readonly removed: number;
  /** When the cluster last had all of them. */
  readonly levelAt: Date | undefined;
  readonly trouble: AclSyncTrouble | undefined;
}

export interface ApplicationAclsInput {
  readonly now: readonly Acl[];
  readonly wanted: readonly Acl[];
  readonly book: AclBook;
  /** By `aclKey`: neither made nor removed; what of it is ours stays so. Default nothing. */
  readonly withdrawn?: ReadonlySet<string>;
}

const nothing: ReadonlySet<string> = new Set();

export type ApplicationPlan = Pick<AclPlan, 'create' | 'remove' | 'adopt' | 'alreadyThere' | 'withheld'>;

/**
 * Pure: what has to be done so that a cluster has the ACLs of the declared applications. Only what the memory calls ours is
 * ever removed; also what is not seen, since the broker that was asked may be behind.
 */
export function planApplicationAcls(input: ApplicationAclsInput): ApplicationPlan {
  const { now, wanted, book, withdrawn = nothing } = input;
  const [there, keys] = [new Set(now.map(aclKey)), new Set(wanted.map(aclKey))];
  const standing = wanted.filter((acl) => there.has(aclKey(acl)));
  const stateOf = (acl: Acl): string | undefined => book.owned.get(aclKey(acl))?.state;
  return {
    create: wanted.filter((acl) => !there.has(aclKey(acl)) && !withdrawn.has(aclKey(acl))),
    remove: [...book.owned].flatMap(([key, { acl }]) => (keys.has(key) || withdrawn.has(key) ? [] : [acl])),
    adopt: standing.filter((acl) => stateOf(acl) === 'intended'),
    alreadyThere: standing.filter((acl) => stateOf(acl) === undefined),
    withheld: [],
  };
}

const refusedPauseMs = 60_000;
const listedMax = 50;

/** Keeps what the prefix policy grants to applications at one site's cluster. ACLs made by others are never touched. */
export class ApplicationAcls {
  readonly #ports: ApplicationAclsPorts;
  /** Refused ones of a policy, until when they are not asked for again. */
  #paused: { readonly of: readonly Acl[]; readonly keys: ReadonlySet<string>; readonly untilMs: number } | undefined;
  #view: ApplicationAclsView = {
    authorizer: 'unknown',
    wanted: 0,
    alreadyThere: [],
    refused: [],
    behind: [],
    created: 0,
    removed: 0,
    levelAt: undefined,
    trouble: undefined,
  };

  constructor(ports: ApplicationAclsPorts) {
    this.#ports = ports;
  }

  view(): ApplicationAclsView {
    return this.#view;
  }

  /**
   * One look and what follows from it; none where nothing is declared and nothing is left of what was. What the cluster
   * answers, or that it does not, ends in `view().trouble`; throws only when `signal` is aborted, or for a bug.
   */
  async round(signal: AbortSignal): Promise<void> {
    const wanted = this.#ports.wanted();
    this.#set({ wanted: wanted.length });
    if (wanted.length === 0 && readBook(this.#ports.memory.pages()).owned.size === 0) {
      this.#set({ alreadyThere: [], refused: [], behind: [], trouble: undefined });
      return;
    }
    try {
      await this.#round(wanted, signal);
      this.#set({ trouble: undefined });
    } catch (error) {
      signal.throwIfAborted();
      const kinds = [KafkaError, ConnectionError, MalformedError, NotSentError, TooManyAclsError] as const;
      if (!(error instanceof Error) || !kinds.some((kind) => error instanceof kind)) throw error;
      this.#set({ trouble: { at: this.#ports.now(), message: error.message } });
    }
  }

  async #round(wanted: readonly Acl[], signal: AbortSignal): Promise<void> {
    const { cluster, memory, mayAct, now, withdrawn } = this.#ports;
    const seen = await describeAcls(cluster);
    this.#set({ authorizer: seen.kind === 'seen' ? 'present' : 'absent' });
    // Without an authorizer everybody may do anything: there is nothing to grant, and nothing to take away.
    if (seen.kind !== 'seen') return;
    // Asked after the cluster: what a fence has taken away by then is known.
    const held = withdrawn?.() ?? nothing;
    const plan = planApplicationAcls({ now: seen.acls, wanted, book: readBook(memory.pages()), withdrawn: held });
    const paused = this.#pausedOf(wanted);
    const create = plan.create.filter((acl) => !paused.has(aclKey(acl)));
    const { refused, behind } = await applyAcls({ ...plan, create }, { target: cluster, memory, mayAct }, signal);
    const notDone = new Set(refused.map(({ acl }) => aclKey(acl)));
    const done = (acls: readonly Acl[]): readonly Acl[] => acls.filter((acl) => !notDone.has(aclKey(acl)));
    const made = { created: done(create), removed: done(plan.remove) };
    this.#note(wanted, made, refused);
    const standing = this.#view.refused.filter(({ acl }) => paused.has(aclKey(acl)));
    const open = [...standing, ...refused];
    this.#set({
      alreadyThere: plan.alreadyThere,
      ...{ refused: open, behind },
      created: this.#view.created + made.created.length,
      removed: this.#view.removed + made.removed.length,
      ...(open.length === 0 && behind.length === 0 ? { levelAt: now() } : {}),
    });
  }

  #pausedOf(wanted: readonly Acl[]): ReadonlySet<string> {
    const paused = this.#paused;
    const holds = paused?.of === wanted && this.#ports.now().getTime() < paused.untilMs;
    return holds ? paused.keys : new Set();
  }

  #note(
    wanted: readonly Acl[],
    { created, removed }: { readonly created: readonly Acl[]; readonly removed: readonly Acl[] },
    refused: readonly RefusedAcl[],
  ): void {
    const { report, now } = this.#ports;
    const texts = (acls: readonly Acl[]): readonly string[] => acls.slice(0, listedMax).map(aclText);
    if (created.length + removed.length > 0) {
      const counts = { created: created.length, removed: removed.length, restored: 0 };
      report({ kind: 'acls synced', ...counts, first: { created: texts(created), removed: texts(removed) } });
    }
    if (refused.length === 0) return;
    const first = refused.slice(0, listedMax).map(({ acl, reason }) => `${aclText(acl)}: ${reason}`);
    report({ kind: 'acls refused', count: refused.length, first });
    const keys = new Set(refused.map(({ acl }) => aclKey(acl)));
    this.#paused = { of: wanted, keys, untilMs: now().getTime() + refusedPauseMs };
  }

  #set(change: Partial<ApplicationAclsView>): void {
    this.#view = { ...this.#view, ...change };
  }
}
