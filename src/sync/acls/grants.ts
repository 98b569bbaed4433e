import { describeAcls, describeAclsElsewhere } from '../../kafka/acl-admin.ts';
import { type Acl, aclKey, aclText } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { KafkaError } from '../../kafka/errors.ts';
import { type AclMemory, readBook } from './acl-memory.ts';
import { planApplicationAcls } from './application-acls.ts';
import { type Applied, applyAcls } from './apply-acls.ts';
import type { Fence } from './fence.ts';

export interface GrantsPorts {
  /** Of the site itself; takes DESCRIBE and ALTER on the cluster. */
  readonly cluster: Cluster;
  /** Of the grants with that id, beside those of links and applications. */
  readonly memory: (id: string) => AclMemory;
  readonly mayAct: () => boolean;
}

export type GrantsState =
  /** Every broker shows them. `alreadyThere` were made by others and stay when these grants are withdrawn. */
  | { readonly kind: 'granted'; readonly made: readonly Acl[]; readonly alreadyThere: readonly Acl[] }
  /** Nobody is refused anything here: there is nothing to grant. */
  | { readonly kind: 'no authorizer' }
  /** The cluster did not take some of them, or anything: its reasons. The others are made. */
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
  /** These brokers did not show the change in time. */
  | { readonly kind: 'unproven'; readonly behind: readonly number[] };

/**
 * ALLOWs that are made for a time and taken back as they were made: what a promotion grants (`promotionAcls`), and what umbra
 * itself needs on topics that become copies (`linkRights`). Remembered before they are made; any call may be interrupted
 * anywhere and made again. Throws like `Fence`.
 */
export class Grants {
  readonly #ports: GrantsPorts;

  constructor(ports: GrantsPorts) {
    this.#ports = ports;
  }

  /** What was made under that id, or was being made. */
  made(id: string): readonly Acl[] {
    return [...readBook(this.#ports.memory(id).pages()).owned.values()].map(({ acl }) => acl);
  }

  /** Exactly these are granted under that id afterwards; others that were, are taken back. */
  grant(id: string, wanted: readonly Acl[], signal: AbortSignal): Promise<GrantsState> {
    return denied(() => this.#grant(id, wanted, signal));
  }

  /** Takes back what was made under that id, and forgets it. */
  withdraw(id: string, signal: AbortSignal): Promise<GrantsState> {
    return this.grant(id, [], signal);
  }

  /**
   * Takes back those of `acls` that were made under that id, and forgets them, where a fence has withdrawn them already:
   * without this it would give them back when it is lowered. What else was made under the id is neither made anew nor
   * removed: the fence of another operation may be keeping it away.
   */
  async takeBackFenced(
    { id, acls }: { readonly id: string; readonly acls: readonly Acl[] },
    { from, fence }: { readonly from: Pick<Fence, 'forget'>; readonly fence: string },
    signal: AbortSignal,
  ): Promise<GrantsState> {
    const own = this.#madeOf(id, acls);
    // In this order: what is still remembered here is forgotten there again after an interruption.
    if (own.length > 0) await from.forget(fence, own, signal);
    return this.takeBack({ id, acls: own }, signal);
  }

  /** Takes back those of `acls` that were made under that id, and forgets them. What else was made under it is left alone. */
  async takeBack(
    { id, acls }: { readonly id: string; readonly acls: readonly Acl[] },
    signal: AbortSignal,
  ): Promise<GrantsState> {
    const own = this.#madeOf(id, acls);
    if (own.length === 0) return { kind: 'granted', made: this.made(id), alreadyThere: [] };
    return denied(() => this.#takeBack(id, own, signal));
  }

  #madeOf(id: string, acls: readonly Acl[]): readonly Acl[] {
    const keys = new Set(acls.map(aclKey));
    return this.made(id).filter((acl) => keys.has(aclKey(acl)));
  }

  async #takeBack(id: string, remove: readonly Acl[], signal: AbortSignal): Promise<GrantsState> {
    const { cluster, mayAct } = this.#ports;
    if ((await describeAcls(cluster)).kind !== 'seen') return { kind: 'no authorizer' };
    const plan = { create: [], adopt: [], withheld: [], remove };
    const applied = await applyAcls(plan, { target: cluster, memory: this.#ports.memory(id), mayAct }, signal);
    return hindranceOf(applied) ?? { kind: 'granted', made: this.made(id), alreadyThere: [] };
  }

  async #grant(id: string, wanted: readonly Acl[], signal: AbortSignal): Promise<GrantsState> {
    const { cluster, mayAct } = this.#ports;
    const memory = this.#ports.memory(id);
    const book = readBook(memory.pages());
    if (wanted.length === 0 && book.owned.size === 0) return { kind: 'granted', made: [], alreadyThere: [] };
    const seen = await describeAcls(cluster);
    if (seen.kind !== 'seen') return { kind: 'no authorizer' };
    const plan = planApplicationAcls({ now: seen.acls, wanted, book });
    const hindrance = hindranceOf(await applyAcls(plan, { target: cluster, memory, mayAct }, signal));
    if (hindrance !== undefined) return hindrance;
    return this.#readBack(id, plan.alreadyThere, wanted);
  }

  async #readBack(id: string, alreadyThere: readonly Acl[], wanted: readonly Acl[]): Promise<GrantsState> {
    const seen = await describeAclsElsewhere(this.#ports.cluster);
    if (seen.kind !== 'seen') return { kind: 'no authorizer' };
    const there = new Set(seen.acls.map(aclKey));
    const lost = wanted.filter((acl) => !there.has(aclKey(acl)));
    if (lost.length > 0) return { kind: 'refused', reasons: lost.map((acl) => `${aclText(acl)} was removed again`) };
    return { kind: 'granted', made: this.made(id), alreadyThere };
  }
}

function hindranceOf({ refused, behind }: Applied): GrantsState | undefined {
  if (refused.length > 0) return { kind: 'refused', reasons: refused.map(({ reason }) => reason) };
  return behind.length > 0 ? { kind: 'unproven', behind } : undefined;
}

/** A right that umbra lacks stays lacking: an answer, not something to be tried again. */
async function denied(work: () => Promise<GrantsState>): Promise<GrantsState> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KafkaError) || error.verdict !== 'denied') throw error;
    return { kind: 'refused', reasons: [error.message] };
  }
}
