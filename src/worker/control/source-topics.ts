import type { Cluster, ClusterMetadata, TopicMetadata } from '../../kafka/cluster.ts';
import { directionOf } from '../../pair/ownership.ts';
import { linkId, type LinkSpec } from '../../pair/spec.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import { flows } from '../../prefix-policy/prefix-policy.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';
import { SiteState } from '../state/state.ts';

export interface SourceTopicsPorts {
  readonly link: LinkSpec;
  readonly source: Cluster;
  /** `_umbra` of the target. */
  readonly state: SiteState;
  readonly policy: PrefixPolicy;
  readonly schemaPrimary: () => SchemaPrimary | undefined;
}

/** Which topics of its source a link may copy, by the policy and by what both sites' `_umbra` say. */
export class SourceTopics {
  readonly #ports: SourceTopicsPorts;
  readonly #peerState: SiteState;

  constructor(ports: SourceTopicsPorts) {
    this.#ports = ports;
    this.#peerState = new SiteState(ports.source);
  }

  /** Reads what the source's `_umbra` says by now. */
  async read(source: ClusterMetadata, signal: AbortSignal): Promise<void> {
    // No `_umbra` at the source: nothing runs there yet, so nothing can be a copy or have moved.
    if (source.topics.has(stateTopic)) await this.#peerState.catchUp(signal);
  }

  /** Up to which the source has given out producer ids, by what it says itself. */
  get producerIdsGiven(): bigint | undefined {
    const { from, to } = this.#ports.link;
    const given = this.#peerState.producerIds(linkId({ from: to, to: from }))?.given;
    return given === undefined ? undefined : BigInt(given);
  }

  /** What is a copy or a standby at the source must not be copied on (architecture: never loops). */
  mayCopy({ name, internal }: TopicMetadata): boolean {
    const { link, policy, schemaPrimary, state } = this.#ports;
    if (internal || !flows(name, link.from, policy.owners, schemaPrimary())) return false;
    if (this.#peerState.shadow(name) !== undefined) return false;
    const [a, b] = link.from === 'a' ? [this.#peerState, state] : [state, this.#peerState];
    const direction = directionOf({ name, home: link.from }, { a: a.roles(), b: b.roles() });
    return direction !== undefined && linkId(direction) === linkId(link);
  }
}
