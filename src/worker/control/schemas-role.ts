import type { RoleViews } from '../../pair/ownership.ts';
import { schemaPrimaryNow } from '../../pair/schemas-home.ts';
import type { SiteId } from '../../pair/site.ts';
import type { LinkSpec } from '../../pair/spec.ts';
import { type SchemaPrimary, schemasTopic } from '../../schema-primary/schema-primary.ts';
import type { PeerState } from '../moves/peer-state.ts';
import type { SiteState } from '../state/state.ts';

export interface SchemasRolePorts {
  readonly link: Pick<LinkSpec, 'from' | 'to'>;
  /** `_umbra` of the source. */
  readonly peer: Pick<PeerState, 'roles'> & { readonly state: Pick<PeerState['state'], 'shadow' | 'moves'> };
  /** `_umbra` of the target. */
  readonly state: Pick<SiteState, 'roles' | 'shadow' | 'moves'>;
  /** As declared. */
  readonly schemaPrimary: () => SchemaPrimary | undefined;
}

/** What the `_umbra` of both sites say of `_schemas`. */
export class SchemasRole {
  readonly #ports: SchemasRolePorts;

  constructor(ports: SchemasRolePorts) {
    this.#ports = ports;
  }

  /** Who registers now. */
  get primary(): SiteId | undefined {
    return schemaPrimaryNow(this.#ports.schemaPrimary(), this.#views());
  }

  /** Whether one site holds the other's schemas, or did when roles moved; undefined while the other `_umbra` is unread. */
  get bound(): boolean | undefined {
    const { peer, state } = this.#ports;
    const views = Object.values(this.#views());
    const held = [state, peer.state].some((each) => each.shadow(schemasTopic) !== undefined);
    if (held || views.some((view) => view.kind === 'read' && view.records.has(schemasTopic))) return true;
    return views.some((view) => view.kind === 'unread') ? undefined : false;
  }

  /** After a failover, while the log of the old primary is no copy of the new one's: the offset up to which they were one. */
  get fork(): bigint | undefined {
    const { link, peer, state } = this.#ports;
    const { primary } = this;
    if (primary === undefined) return undefined;
    const [now, old] = primary === link.to ? [state, peer.state] : [peer.state, state];
    const cut = now.moves.cut(schemasTopic);
    if (cut?.primary !== primary || old.shadow(schemasTopic) !== undefined) return undefined;
    const offset = cut.partitions[0]?.offset;
    return offset === undefined ? undefined : BigInt(offset);
  }

  #views(): RoleViews {
    const { link, peer, state } = this.#ports;
    return link.from === 'a' ? { a: peer.roles, b: state.roles() } : { a: state.roles(), b: peer.roles };
  }
}
