import type { TopicMetadata } from '../../kafka/cluster.ts';
import { directionOf, type RoleViews } from '../../pair/ownership.ts';
import { linkId, type LinkSpec } from '../../pair/spec.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import { homeOfTopic } from '../../prefix-policy/topic-home.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';
import type { PeerState } from '../moves/peer-state.ts';
import type { SiteState } from '../state/state.ts';

export interface SourceTopicsPorts {
  readonly link: LinkSpec;
  /** `_umbra` of the source. */
  readonly peer: PeerState;
  /** `_umbra` of the target. */
  readonly state: SiteState;
  readonly policy: PrefixPolicy;
  readonly schemaPrimary: () => SchemaPrimary | undefined;
  /** A topic of that name is there, as far as the newest look tells. */
  readonly isAtTarget: (name: string) => boolean;
  /** It is about to be deleted at both sites. */
  readonly isRetired: (name: string) => boolean;
}

/** Which topics of its source a link may copy, by the policy and by what both sites' `_umbra` say. */
export class SourceTopics {
  readonly #ports: SourceTopicsPorts;

  constructor(ports: SourceTopicsPorts) {
    this.#ports = ports;
  }

  /** What both sites' `_umbra` say of roles. */
  roles(): RoleViews {
    const { link, peer, state } = this.#ports;
    return link.from === 'a' ? { a: peer.roles, b: state.roles() } : { a: state.roles(), b: peer.roles };
  }

  /** Up to which the source has given out producer ids, by what it says itself. */
  get producerIdsGiven(): bigint | undefined {
    const { link, peer } = this.#ports;
    const { from, to } = link;
    const given = peer.state.producerIds(linkId({ from: to, to: from }))?.given;
    return given === undefined ? undefined : BigInt(given);
  }

  /**
   * What is a copy or a standby at the source must not be copied on (architecture: never loops). Where roles have moved, a
   * topic at the target is only written when `_umbra` there calls it a copy: it may be an original with a tail.
   */
  mayCopy({ name, internal }: TopicMetadata): boolean {
    const { link, peer, state, policy, schemaPrimary, isAtTarget, isRetired } = this.#ports;
    const roles = this.roles();
    const home = homeOfTopic(name, { owners: policy.owners, schemaPrimary: schemaPrimary(), roles });
    if (internal || home === undefined || peer.state.shadow(name) !== undefined || isRetired(name)) return false;
    const direction = directionOf({ name, home }, roles);
    if (direction === undefined || linkId(direction) !== linkId(link)) return false;
    return !hasMoved(name, roles) || !isAtTarget(name) || state.shadow(name)?.link === linkId(link);
  }
}

/** At least once. */
function hasMoved(name: string, { a, b }: RoleViews): boolean {
  return [a, b].some((view) => view.kind === 'read' && (view.records.get(name)?.term ?? 0) > 0);
}
