import {
  awaitAcls,
  createAcls,
  deleteAcls,
  describeAcls,
  describeAclsElsewhere,
  type RefusedAcl,
} from '../../kafka/acl-admin.ts';
import { type Acl, aclKey, type AclsSeen } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { KafkaError, NotSentError } from '../../kafka/errors.ts';
import { settleMs } from './apply-acls.ts';
import { changedFencePages, type FenceBook, type FenceMemory, noFence, readFences } from './fence-book.ts';
import { type FenceSight, lookAtFence } from './fence-gaps.ts';
import { intersection, type NamePattern, patternText } from './name-pattern.ts';
import { type FencePlan, type FencePolicy, planFence } from './plan-fence.ts';

export interface FencePorts {
  /** Of the site itself; takes DESCRIBE and ALTER on the cluster. */
  readonly cluster: Cluster;
  readonly memory: FenceMemory;
  /** Asked right before each request that changes something; no stops with NotSentError. */
  readonly mayAct: () => boolean;
  readonly policy: () => FencePolicy;
}

/** What hinders a change of ACLs. Whatever was done until then is remembered: the same call again goes on. */
export type FenceHindrance =
  | { readonly kind: 'unfenced'; readonly message: string; readonly remedy: string }
  /** The cluster did not take these, or anything: its reasons. */
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
  /** These brokers did not show the change in time, and may still go by the ACLs from before. */
  | { readonly kind: 'unproven'; readonly behind: readonly number[] };

export type FenceState = FenceSight | FenceHindrance;
export type Lowered = { readonly kind: 'lowered' } | FenceHindrance;

const unfenced: FenceHindrance = {
  kind: 'unfenced',
  message: 'the cluster has no authorizer: nobody can be refused anything',
  remedy: 'Switch an authorizer on (authorizer.class.name) and restart its brokers, or stop the producers yourself.',
};

/**
 * Takes the right to change some topics from everybody but umbra at one cluster, and gives back exactly what it took. What
 * is going to be changed is remembered first: any call may be interrupted anywhere, and made again by whoever leads the site
 * then. Calls are carried out one after the other. Several fences may stand, on different topics.
 *
 * All throw what a cluster that does not answer throws, {@link NotSentError} when this worker may not act any more, and
 * `TooManyAclsError`: then nothing is known but the memory, and the same call is to be made again.
 */
export class Fence {
  readonly #ports: FencePorts;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ports: FencePorts) {
    this.#ports = ports;
  }

  /** The topics of each fence that stands, or that was being raised or lowered, by its id. */
  standing(): ReadonlyMap<string, readonly NamePattern[]> {
    return new Map([...readFences(this.#ports.memory.pages())].map(([id, { names }]) => [id, names]));
  }

  /** What the fence took away and keeps until it is lowered. */
  withdrawn(id: string): readonly Acl[] {
    return [...this.#book(id).withdrawn.values()];
  }

  /** Who may change these topics now, whom a fence would stop (`open`), and who would get through. Changes nothing. */
  async preview(names: readonly NamePattern[]): Promise<FenceState> {
    return rightMissing(async () => {
      const seen = await describeAclsElsewhere(this.#ports.cluster);
      if (seen.kind !== 'seen') return unfenced;
      return lookAtFence({ ...this.#ports.policy(), acls: seen.acls, book: noFence, names });
    });
  }

  /** Whether the fence still holds; `open` where somebody has been granted something since. Undefined where there is none. */
  stands(id: string): Promise<FenceState | undefined> {
    return this.#inTurn(async () => {
      if (this.#book(id).names.length === 0) return undefined;
      return rightMissing(async () => this.#look(await describeAclsElsewhere(this.#ports.cluster), id));
    });
  }

  /**
   * Raises the fence, raises it anew where it does not hold, or takes it to other topics: it stands on exactly `names` then.
   * The answer is what another broker shows, where there is one, after every broker has shown the change.
   */
  raise(id: string, names: readonly NamePattern[], signal: AbortSignal): Promise<FenceState> {
    return this.#inTurn(() =>
      rightMissing(async () => {
        if (names.length === 0) throw new Error(`the fence ${id} is to be raised on nothing; lower it instead`);
        this.#refuseOverlap(id, names);
        const hindrance = await this.#change(id, names, signal);
        return hindrance ?? this.#look(await describeAclsElsewhere(this.#ports.cluster), id);
      }),
    );
  }

  /** Gives back what was withdrawn and removes what was added, by the memory alone. No error where there is no such fence. */
  lower(id: string, signal: AbortSignal): Promise<Lowered> {
    return this.#inTurn(() =>
      rightMissing<Lowered>(async () => {
        if (isEmpty(this.#book(id))) return { kind: 'lowered' };
        return (await this.#change(id, [], signal)) ?? { kind: 'lowered' };
      }),
    );
  }

  /**
   * These were withdrawn and are never to be given back: rights for a time that is over, such as the grants of a promotion
   * when the topics are home again. The fence stands on.
   */
  forget(id: string, acls: readonly Acl[], signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      const book = this.#book(id);
      const keys = new Set(acls.map(aclKey));
      const withdrawn = new Map([...book.withdrawn].filter(([key]) => !keys.has(key)));
      await this.#remember(id, { ...book, withdrawn }, signal);
    });
  }

  /** To the state that the plan says; undefined when all of it is done and every broker shows it. */
  async #change(id: string, names: readonly NamePattern[], signal: AbortSignal): Promise<FenceHindrance | undefined> {
    const { cluster } = this.#ports;
    const seen = await describeAcls(cluster);
    if (seen.kind !== 'seen') return unfenced;
    signal.throwIfAborted();
    const plan = planFence({ ...this.#ports.policy(), acls: seen.acls, book: this.#book(id), names });
    await this.#remember(id, plan.intent, signal);
    const refused = await this.#carryOut(plan, signal);
    if (refused.length > 0) return { kind: 'refused', reasons: refused.map(({ reason }) => reason) };
    const present = [...plan.outcome.added.values(), ...plan.giveBack];
    const absent = [...plan.outcome.withdrawn.values(), ...plan.takeBack];
    const behind = await awaitAcls(cluster, { present, absent }, { timeoutMs: settleMs, signal });
    // Until every broker shows it what stood before is remembered too: none of it may be left behind.
    if (behind.length > 0) return { kind: 'unproven', behind };
    await this.#remember(id, plan.outcome, signal);
    return undefined;
  }

  /** In between nobody lacks a right to read that he has before and after, and nobody has one to write that he has neither. */
  async #carryOut(
    { add, withdraw, giveBack, takeBack }: FencePlan,
    signal: AbortSignal,
  ): Promise<readonly RefusedAcl[]> {
    const { cluster } = this.#ports;
    const maySend = (): boolean => this.#maySend(signal);
    return [
      ...(await createAcls(cluster, add, maySend)),
      ...(await deleteAcls(cluster, withdraw, maySend)),
      ...(await createAcls(cluster, giveBack, maySend)),
      ...(await deleteAcls(cluster, takeBack, maySend)),
    ];
  }

  #look(seen: AclsSeen, id: string): FenceState {
    if (seen.kind !== 'seen') return unfenced;
    const book = this.#book(id);
    return lookAtFence({ ...this.#ports.policy(), acls: seen.acls, book, names: book.names });
  }

  #book(id: string): FenceBook {
    return readFences(this.#ports.memory.pages().filter((page) => page.id === id)).get(id) ?? noFence;
  }

  async #remember(id: string, next: FenceBook, signal: AbortSignal): Promise<void> {
    const pages = changedFencePages(id, this.#book(id), next);
    if (pages.length === 0) return;
    if (!this.#maySend(signal)) throw new NotSentError('this worker may not write any more');
    await this.#ports.memory.put(pages, signal);
  }

  /** What one of two gave back the other one would still have to keep away. */
  #refuseOverlap(id: string, names: readonly NamePattern[]): void {
    for (const [other, standing] of this.standing()) {
      if (other === id) continue;
      const both = overlap(names, standing);
      if (both !== undefined) throw new Error(`${patternText(both)} is fenced by ${other} already; lower that first`);
    }
  }

  #maySend(signal: AbortSignal): boolean {
    return !signal.aborted && this.#ports.mayAct();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function isEmpty({ names, withdrawn, added }: FenceBook): boolean {
  return names.length + withdrawn.size + added.size === 0;
}

function overlap(ours: readonly NamePattern[], theirs: readonly NamePattern[]): NamePattern | undefined {
  const literals = new Set(theirs.flatMap((each) => (each.kind === 'literal' ? each.name : [])));
  const prefixes = theirs.filter(({ kind }) => kind === 'prefix');
  for (const names of ours) {
    if (names.kind === 'literal' && literals.has(names.name)) return names;
    const among = names.kind === 'literal' ? prefixes : theirs;
    const met = among.find((each) => intersection(each, names) !== undefined);
    if (met !== undefined) return names;
  }
  return undefined;
}

/** A right that umbra lacks stays lacking: an answer, not something to be tried again. */
async function rightMissing<T>(work: () => Promise<T>): Promise<T | FenceHindrance> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KafkaError) || error.verdict !== 'denied') throw error;
    return { kind: 'refused', reasons: [error.message] };
  }
}
