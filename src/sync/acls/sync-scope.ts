import type { Acl } from '../../kafka/acl-words.ts';
import { intersection, type NamePattern, patternOf } from './name-pattern.ts';
import { type SyncedType, syncedTypes } from './shadow-rights.ts';

/** The names that one link carries, by type of resource: the source site's prefixes, and `_schemas` where it flows. */
export type SyncScope = Readonly<Record<SyncedType, readonly NamePattern[]>>;

export interface SyncScopeInput {
  /** The source site's prefix of each type. */
  readonly prefixes: Readonly<Record<SyncedType, string>>;
  /** Single topics that the link carries besides, such as `_schemas`. */
  readonly topics?: readonly string[];
}

export function syncScope({ prefixes, topics = [] }: SyncScopeInput): SyncScope {
  const prefix = (type: SyncedType): NamePattern => ({ kind: 'prefix', prefix: prefixes[type] });
  return {
    TOPIC: [prefix('TOPIC'), ...topics.map((name): NamePattern => ({ kind: 'literal', name }))],
    GROUP: [prefix('GROUP')],
    TRANSACTIONAL_ID: [prefix('TRANSACTIONAL_ID')],
  };
}

/** The names of both. */
export function joinScopes(one: SyncScope, other: SyncScope): SyncScope {
  return {
    TOPIC: [...one.TOPIC, ...other.TOPIC],
    GROUP: [...one.GROUP, ...other.GROUP],
    TRANSACTIONAL_ID: [...one.TRANSACTIONAL_ID, ...other.TRANSACTIONAL_ID],
  };
}

export function isSyncedType(type: Acl['resourceType']): type is SyncedType {
  return (syncedTypes as readonly string[]).includes(type);
}

/** What an ACL says about the names of the scope: one pattern for each pattern of the scope that it touches. */
export function partsInScope(acl: Acl, scope: SyncScope): readonly NamePattern[] {
  const pattern = patternOf(acl);
  if (pattern === undefined || !isSyncedType(acl.resourceType)) return [];
  return scope[acl.resourceType].flatMap((names) => intersection(pattern, names) ?? []);
}
