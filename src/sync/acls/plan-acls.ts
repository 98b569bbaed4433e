import { type Acl, aclKey } from '../../kafka/acl-words.ts';
import type { AclBook, OwnedAcl } from './acl-memory.ts';
import { contains, patternOf } from './name-pattern.ts';
import { narrowAcls, type NotSynced } from './narrow-acls.ts';
import { isSyncedType, partsInScope, type SyncScope } from './sync-scope.ts';

export interface AclsInput {
  readonly source: readonly Acl[];
  readonly target: readonly Acl[];
  readonly book: AclBook;
  readonly scope: SyncScope;
  /** Principals of umbra, with their type. */
  readonly own: readonly string[];
  /** Topics of the scope that the standby is primary of: what is granted on exactly them is neither made nor removed. */
  readonly promoted: ReadonlySet<string>;
  /** Names that have moved as a whole, such as all of a prefix: what is granted on any of them is left as it is. Default none. */
  readonly frozen?: SyncScope | undefined;
}

/** What is to be done at the standby, and how it stands. Lists hold each ACL once. */
export interface AclPlan {
  /** Wanted and not there. Recorded as intended before. */
  readonly create: readonly Acl[];
  /** Of these, those that were ours and that somebody removed. */
  readonly restored: readonly Acl[];
  /**
   * Ours and no longer wanted; forgotten after. Also those that are not seen: the broker that was asked may be behind, and
   * what is forgotten while it is there would stay for ever.
   */
  readonly remove: readonly Acl[];
  /** Intended and there: a crash came between. To be recorded as created. */
  readonly adopt: readonly Acl[];
  /** Wanted, ours and there. */
  readonly level: readonly Acl[];
  /** Wanted and there, but made by somebody else: never removed. */
  readonly alreadyThere: readonly Acl[];
  /** On names of the link, not wanted, made by somebody else: left alone. */
  readonly foreign: readonly Acl[];
  readonly withheld: readonly Acl[];
  readonly notSynced: readonly NotSynced[];
}

/**
 * Pure: what has to be done so that the standby has the source's ACLs, as far as they concern the link. Only ACLs that the
 * memory calls ours are ever removed.
 */
export function planAcls({ source, target, book, scope, own, promoted, frozen }: AclsInput): AclPlan {
  const isOurs = (acl: Acl): boolean => book.owned.has(aclKey(acl));
  const isFrozen = (acl: Acl): boolean =>
    (acl.resourceType === 'TOPIC' && isOnOneOf(promoted, acl)) || (frozen !== undefined && isWithin(frozen, acl));
  const others = target.filter((acl) => !isOurs(acl));
  const { wanted: all, withheld, notSynced } = narrowAcls({ source, others, scope, own });
  const wanted = all.filter((acl) => !isFrozen(acl));
  const wantedKeys = new Set(wanted.map(aclKey));
  const there = new Set(target.map(aclKey));
  const missing = wanted.filter((acl) => !there.has(aclKey(acl)));
  const standing = wanted.filter((acl) => there.has(aclKey(acl)));
  const stateOf = (acl: Acl): OwnedAcl['state'] | undefined => book.owned.get(aclKey(acl))?.state;
  const owned = [...book.owned.values()].map(({ acl }) => acl);
  return {
    create: denialsFirst(missing),
    restored: missing.filter((acl) => stateOf(acl) === 'created'),
    remove: owned.filter((acl) => !wantedKeys.has(aclKey(acl)) && !isFrozen(acl)),
    adopt: standing.filter((acl) => stateOf(acl) === 'intended'),
    level: standing.filter((acl) => stateOf(acl) === 'created'),
    alreadyThere: standing.filter((acl) => stateOf(acl) === undefined),
    foreign: others.filter(
      (acl) =>
        !wantedKeys.has(aclKey(acl)) &&
        !own.includes(acl.principal) &&
        !isFrozen(acl) &&
        partsInScope(acl, scope).length > 0,
    ),
    withheld,
    notSynced,
  };
}

/** So that nobody has more for a moment than in the end. */
function denialsFirst(acls: readonly Acl[]): readonly Acl[] {
  return [...acls.filter(({ permission }) => permission === 'DENY'), ...acls.filter(isAllow)];
}

export function isAllow({ permission }: Acl): boolean {
  return permission === 'ALLOW';
}

function isOnOneOf(topics: ReadonlySet<string>, acl: Acl): boolean {
  const pattern = patternOf(acl);
  return pattern?.kind === 'literal' && topics.has(pattern.name);
}

function isWithin(scope: SyncScope, acl: Acl): boolean {
  const pattern = patternOf(acl);
  if (pattern === undefined || !isSyncedType(acl.resourceType)) return false;
  return scope[acl.resourceType].some((names) => contains(names, pattern));
}
