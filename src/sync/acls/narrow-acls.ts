import { type Acl, aclKey, anyHost, everybody, isKnown, type KnownOperation } from '../../kafka/acl-words.ts';
import { denies } from './effective-rights.ts';
import { intersection, type NamePattern, patternOf, resourceOf } from './name-pattern.ts';
import { operationsGiven, shadowTopicRights, type SyncedType, unsyncedTypes } from './shadow-rights.ts';
import { isSyncedType, partsInScope, type SyncScope } from './sync-scope.ts';

/** An ACL of the source that the standby does not get, and why. */
export interface NotSynced {
  /** As it stands at the source, or the part of it that is meant. */
  readonly acl: Acl;
  readonly why: string;
}

export interface Narrowed {
  /** What the standby is to have, each once. None is a DENY of `User:*`, none lets anybody change a shadow topic. */
  readonly wanted: readonly Acl[];
  /** ALLOWs on shadow topics that wait for the promotion, each once. */
  readonly withheld: readonly Acl[];
  readonly notSynced: readonly NotSynced[];
}

export interface NarrowInput {
  readonly source: readonly Acl[];
  /** ACLs of the standby that this link did not make: whom they allow something, a DENY for everybody has to name. */
  readonly others: readonly Acl[];
  readonly scope: SyncScope;
  /** Principals of umbra, with their type: their rights are each site's own. */
  readonly own: readonly string[];
}

/** More ACLs than this are refused as a whole: a DENY for everybody is multiplied by the principals it names. */
export const wantedMax = 50_000;

/**
 * Pure: what the source's ACLs become at the standby. Each is cut down to the names that the link carries, so that it
 * says nothing about the standby's own; ALLOWs on topics lose what would change a copy (see `shadowTopicRights`); DENYs
 * are kept whole, but one for `User:*` would stop the link too and is said to every principal that it takes something
 * from. What an ALLOW for `User:*` and a DENY for `User:*` say together cannot be said that way: of the ALLOW the
 * operations concerned are left out. So nobody has more rights on a name than at the source.
 */
export function narrowAcls(input: NarrowInput): Narrowed {
  const result = new Result();
  const inScope = input.source.filter((acl) => isInScope(acl, input, result));
  const denials = inScope.filter(({ permission, principal }) => permission === 'DENY' && principal === everybody);
  const holders = [...inScope, ...input.others].filter((acl) => isHolder(acl, input));
  for (const acl of inScope) {
    for (const part of partsInScope(acl, input.scope)) {
      const narrowed = { ...acl, ...resourceOf(part) };
      if (acl.permission === 'ALLOW') allow(narrowed, part, denials, result);
      else if (acl.principal !== everybody) result.want(narrowed);
      else deny(narrowed, part, holders, result);
    }
  }
  return result.take();
}

class Result {
  readonly #wanted = new Map<string, Acl>();
  readonly #withheld = new Map<string, Acl>();
  readonly #notSynced: NotSynced[] = [];

  want(acl: Acl): void {
    this.#wanted.set(aclKey(acl), acl);
    if (this.#wanted.size > wantedMax) {
      throw new TooManyAclsError(
        `the source's ACLs come to more than ${wantedMax} at the standby; replace DENYs for User:* at the source by DENYs for the principals that are meant`,
      );
    }
  }

  withhold(acl: Acl): void {
    this.#withheld.set(aclKey(acl), acl);
  }

  leaveOut(acl: Acl, why: string): void {
    this.#notSynced.push({ acl, why });
  }

  take(): Narrowed {
    return { wanted: [...this.#wanted.values()], withheld: [...this.#withheld.values()], notSynced: this.#notSynced };
  }
}

/** The source's ACLs cannot be carried over as a whole: nothing is changed until there are fewer. */
export class TooManyAclsError extends Error {
  override readonly name = 'TooManyAclsError';
}

function isInScope(acl: Acl, { scope, own }: NarrowInput, result: Result): boolean {
  const unsynced = unsyncedTypes[acl.resourceType];
  if (unsynced !== undefined) {
    result.leaveOut(acl, unsynced);
    return false;
  }
  if (!isKnown(acl)) {
    result.leaveOut(acl, 'has a code that this version of umbra does not know; create it at the standby by hand');
    return false;
  }
  if (partsInScope(acl, scope).length === 0) return false;
  if (!own.includes(acl.principal)) return true;
  result.leaveOut(acl, 'umbra’s own rights are each site’s own');
  return false;
}

function isHolder({ permission, principal }: Acl, { own }: NarrowInput): boolean {
  return permission === 'ALLOW' && principal !== everybody && !own.includes(principal);
}

function allow(narrowed: Acl, part: NamePattern, denials: readonly Acl[], result: Result): void {
  for (const acl of sayable(narrowed, part, denials, result)) {
    if (acl.resourceType !== 'TOPIC') {
      result.want(acl);
      continue;
    }
    // Every word of it is known: `isInScope` has seen to that.
    const { synced, withheld } = shadowTopicRights[acl.operation as KnownOperation];
    for (const operation of synced) result.want({ ...acl, operation });
    if (withheld) result.withhold(acl);
  }
}

/** The ALLOW as it is; one for everybody without the operations of which a DENY for everybody takes a part. */
function sayable(acl: Acl, part: NamePattern, denials: readonly Acl[], result: Result): readonly Acl[] {
  if (acl.principal !== everybody || !isSyncedType(acl.resourceType)) return [acl];
  const against = denials.filter((denial) => meets(denial, acl, part));
  const denied = (operation: KnownOperation): boolean => against.some((denial) => denies(denial.operation, operation));
  const given = operationsGiven(acl.resourceType, acl.operation);
  if (!given.some(denied)) return [acl];
  const left = given.filter((operation) => !operationsGiven(typeOf(acl), operation).some(denied));
  for (const operation of given.filter((each) => !left.includes(each))) {
    result.leaveOut(
      { ...acl, operation },
      'a DENY for User:* takes a part of it, which at the standby would stop the link too; allow principals by name',
    );
  }
  return left.map((operation) => ({ ...acl, operation }));
}

function typeOf({ resourceType }: Acl): SyncedType {
  if (!isSyncedType(resourceType)) throw new Error(`ACLs on ${resourceType} are not synced`);
  return resourceType;
}

/** A DENY for everybody, said to each principal that holds something of what it denies. */
function deny(narrowed: Acl, part: NamePattern, holders: readonly Acl[], result: Result): void {
  const held = holders.filter((holder) => meets(holder, narrowed, part) && overlaps(holder.operation, narrowed));
  for (const principal of new Set(held.map((holder) => holder.principal))) result.want({ ...narrowed, principal });
}

function overlaps(allowed: Acl['operation'], denial: Acl): boolean {
  return operationsGiven(typeOf(denial), allowed).some((operation) => denies(denial.operation, operation));
}

/** Whether there are names (in `part`) and hosts that both are about. */
function meets(one: Acl, other: Acl, part: NamePattern): boolean {
  if (one.resourceType !== other.resourceType) return false;
  if (one.host !== anyHost && other.host !== anyHost && one.host !== other.host) return false;
  const pattern = patternOf(one);
  return pattern !== undefined && intersection(pattern, part) !== undefined;
}
