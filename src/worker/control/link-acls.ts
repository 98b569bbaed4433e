import type { Logger } from 'pino';
import type { Acl } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { otherSite, type SiteId } from '../../pair/site.ts';
import type { LinkSpec } from '../../pair/spec.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import { type MovedNames, nothingMoved } from '../../prefix-policy/moved-names.ts';
import { flowsSchemas, type SchemaPrimary, schemasTopic } from '../../schema-primary/schema-primary.ts';
import type { AclMemory } from '../../sync/acls/acl-memory.ts';
import { AclSync, type AclSyncPolicy } from '../../sync/acls/acl-sync.ts';
import { joinScopes, type SyncScope, syncScope } from '../../sync/acls/sync-scope.ts';
import { type LinkAclsView, renderAcls, renderAclsOff } from '../acl-view.ts';
import type { EventSink } from '../events/event.ts';
import { aclNotice } from '../events/sync-notices.ts';
import type { SitePrincipals, SiteRights, UnknownPrincipals } from '../site-rights.ts';
import type { PeerState } from '../moves/peer-state.ts';
import { sourceFences } from './source-fences.ts';

export interface LinkAclsPorts {
  readonly id: string;
  readonly link: Pick<LinkSpec, 'from'>;
  readonly source: Cluster;
  readonly target: Cluster;
  /** `_umbra` of the source. */
  readonly peer: PeerState;
  readonly memory: AclMemory;
  readonly policy: PrefixPolicy;
  readonly schemaPrimary: () => SchemaPrimary | undefined;
  /** Which names are not primary at home. Default none. */
  readonly moved?: () => MovedNames;
  readonly rights: LinkRights;
  readonly mayAct: () => boolean;
  readonly now: () => Date;
  readonly logger: Logger;
  readonly events: EventSink;
}

/** What is known of the authorizers at both ends of a link. */
export interface LinkRights {
  readonly source: SiteRights;
  readonly target: SiteRights;
}

/** The names that a link carries; with those of the other site that were promoted at its source. */
export function linkScope(
  { from }: Pick<LinkSpec, 'from'>,
  policy: PrefixPolicy,
  schemaPrimary: SchemaPrimary | undefined,
  moved: MovedNames = nothingMoved,
): SyncScope {
  const back = moved[otherSite(from)];
  const schemas = flowsSchemas(schemaPrimary, from) ? [schemasTopic] : [];
  const topics = back.kind === 'topics' ? [...schemas, ...back.topics] : schemas;
  const own = homeScope(from, policy, topics);
  return back.kind === 'all' ? joinScopes(own, homeScope(otherSite(from), policy)) : own;
}

/** Of the names of a link those that are primary at its target. */
export function promotedNames(
  { from }: Pick<LinkSpec, 'from'>,
  policy: PrefixPolicy,
  moved: MovedNames,
): Pick<AclSyncPolicy, 'promoted' | 'frozen'> {
  const away = moved[from];
  return away.kind === 'all' ? { promoted: new Set(), frozen: homeScope(from, policy) } : { promoted: away.topics };
}

function homeScope(
  site: SiteId,
  { owners, groups, transactionalIds }: PrefixPolicy,
  topics: readonly string[] = [],
): SyncScope {
  const prefixes = { TOPIC: owners[site], GROUP: groups[site], TRANSACTIONAL_ID: transactionalIds[site] };
  return syncScope({ prefixes, topics });
}

/** Umbra's own principals at both ends, or why one of them is not known. */
export function ownPrincipals({ source, target }: LinkRights): SitePrincipals {
  if (source.principals.kind === 'unknown') return source.principals;
  if (target.principals.kind === 'unknown') return target.principals;
  return { kind: 'known', names: [...new Set([...source.principals.names, ...target.principals.names])] };
}

/**
 * The ACLs of a link. Where umbra's own principals are not known nothing is done: its own rights would be carried over, and
 * named as a leak.
 */
export class LinkAcls {
  readonly #ports: LinkAclsPorts;
  readonly #syncing: { readonly kind: 'on'; readonly sync: AclSync } | UnknownPrincipals;

  constructor(ports: LinkAclsPorts) {
    this.#ports = ports;
    const { source, target, memory, mayAct, now, logger, id } = ports;
    const own = ownPrincipals(ports.rights);
    if (own.kind === 'unknown') {
      this.#syncing = own;
      logger.warn({ link: id, why: own.why, remedy: own.remedy }, 'ACLs are not synced');
      return;
    }
    const sync = new AclSync({
      ...{ source, target, memory, mayAct, now, sourceFences: sourceFences(ports.peer) },
      policy: () => this.#policy(own.names),
      report: (event) => {
        const bad = event.kind === 'acls refused' || (event.kind === 'fence seen' && event.fence !== 'fenced');
        logger[bad ? 'warn' : 'info']({ link: id, ...event }, event.kind);
        const notice = aclNotice(id, event);
        if (notice !== undefined) ports.events.report(notice);
      },
    });
    this.#syncing = { kind: 'on', sync };
  }

  async round(signal: AbortSignal): Promise<void> {
    if (this.#syncing.kind === 'on') await this.#syncing.sync.round(signal);
  }

  view(): LinkAclsView {
    const { id } = this.#ports;
    if (this.#syncing.kind === 'on') return renderAcls(id, this.#syncing.sync.view());
    return renderAclsOff(id, this.#syncing);
  }

  /** ALLOWs of the source that wait for a promotion; from memory where the source cannot be asked. */
  get withheld(): readonly Acl[] {
    return this.#syncing.kind === 'on' ? this.#syncing.sync.view().withheld : [];
  }

  /** By its newest look at the standby somebody else than the link may write the copies. */
  get leaking(): boolean {
    return this.#syncing.kind === 'on' && this.#syncing.sync.view().fence?.kind === 'leaking';
  }

  #policy(own: readonly string[]): AclSyncPolicy {
    const { link, policy, schemaPrimary, rights } = this.#ports;
    const { superUsers, allowsWithoutAcl } = rights.target;
    const moved = this.#ports.moved?.() ?? nothingMoved;
    const scope = linkScope(link, policy, schemaPrimary(), moved);
    return { scope, own, ...promotedNames(link, policy, moved), superUsers, allowsWithoutAcl };
  }
}
