import type { Acl } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import { Fence, type FenceState } from '../../sync/acls/fence.ts';
import type { NamePattern } from '../../sync/acls/name-pattern.ts';
import type { SitePrincipals, SiteRights } from '../site-rights.ts';
import { fenceMemory } from '../state/fence-memory.ts';
import type { SiteState } from '../state/state.ts';

export interface SiteFencePorts {
  /** Of this site. */
  readonly cluster: Cluster;
  readonly state: Pick<SiteState, 'section'>;
  readonly rights: SiteRights;
  readonly mayAct: () => boolean;
}

/**
 * The fences on this site's topics, one per operation that made the other site primary of them. Each stands for as long as
 * they are copies here, and is taken down, topic by topic, when this site becomes primary of them again. Methods throw what a
 * cluster that does not answer throws; then they are to be called again.
 */
export class SiteFence {
  readonly #fence: Fence;
  readonly #principals: SitePrincipals;

  constructor({ cluster, state, rights, mayAct }: SiteFencePorts) {
    const { principals, superUsers, allowsWithoutAcl } = rights;
    this.#principals = principals;
    const own = principals.kind === 'known' ? principals.names : [];
    this.#fence = new Fence({
      ...{ cluster, mayAct, memory: fenceMemory(state) },
      policy: () => ({ own, superUsers, allowsWithoutAcl }),
    });
  }

  /** Undefined when nobody but umbra may write these topics any more; else why not, in words. */
  async raise(id: string, topics: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    if (this.#principals.kind === 'unknown') return `${this.#principals.why}. ${this.#principals.remedy}`;
    return hindranceOf(await this.#fence.raise(id, topics.map(literal), signal));
  }

  /** As {@link raise}, without changing anything. */
  async stands(id: string): Promise<string | undefined> {
    const state = await this.#fence.stands(id);
    return state === undefined ? 'there is no fence' : hindranceOf(state);
  }

  /** On which it stands, or was being raised. */
  topicsOf(id: string): readonly string[] {
    return (this.#fence.standing().get(id) ?? []).flatMap((each) => (each.kind === 'literal' ? each.name : []));
  }

  /** Everything that this fence took is given back. */
  async lower(id: string, signal: AbortSignal): Promise<void> {
    const lowered = await this.#fence.lower(id, signal);
    if (lowered.kind !== 'lowered' && lowered.kind !== 'unfenced')
      throw new ConnectionError(hindranceOf(lowered) ?? 'the fence could not be lowered');
  }

  /** These topics are fenced no more, whichever operation fenced them; what was taken on them is given back. */
  async release(topics: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const [id, names] of this.#fence.standing()) {
      const left = names.filter((each) => each.kind === 'prefix' || !topics.has(each.name));
      if (left.length === names.length) continue;
      if (left.length === 0) await this.lower(id, signal);
      else {
        const state = await this.#fence.raise(id, left, signal);
        // Who gets through on those that are left did so before.
        if (state.kind === 'refused' || state.kind === 'unproven')
          throw new ConnectionError(hindranceOf(state) ?? 'the fence could not be changed');
      }
    }
  }

  /** What the fence took and must never give back: rights for a time that is over. */
  forget(id: string, acls: readonly Acl[], signal: AbortSignal): Promise<void> {
    return this.#fence.forget(id, acls, signal);
  }
}

function literal(name: string): NamePattern {
  return { kind: 'literal', name };
}

/** Undefined where nobody gets through; rights that do not settle in time are asked for again. */
function hindranceOf(state: FenceState): string | undefined {
  switch (state.kind) {
    case 'fenced':
      return undefined;
    case 'bypassed': {
      const named = state.by.slice(0, bypassesNamedMax).map(({ message }) => message);
      const more = state.by.length - named.length;
      return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`.slice(0, 1_000);
    }
    case 'open':
      return 'somebody was granted the right to write at the same time';
    case 'unfenced':
      return `${state.message}. ${state.remedy}`;
    case 'refused':
      return `the cluster did not take the change: ${state.reasons.join('; ')}`.slice(0, 1_000);
    case 'unproven':
      return `the brokers ${state.behind.join(', ')} do not show the change yet`;
  }
}

const bypassesNamedMax = 5;
