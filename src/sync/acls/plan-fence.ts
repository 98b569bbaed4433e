import { type Acl, aclKey, everybody, isKnown, type KnownOperation } from '../../kafka/acl-words.ts';
import { type FenceBook, withoutFences } from './fence-book.ts';
import { contains, covers, intersection, type NamePattern, patternOf, resourceOf } from './name-pattern.ts';
import { TooManyAclsError, wantedMax } from './narrow-acls.ts';
import { operationsGiven, shadowTopicRights } from './shadow-rights.ts';

/** The operations by which a topic is changed: who has one of them can spoil a copy. */
export const changingOperations: readonly KnownOperation[] = operationsGiven('TOPIC', 'ALL').filter(
  (operation) => shadowTopicRights[operation].withheld,
);

/** What a fence must not stop, and what ACLs do not show. */
export interface FencePolicy {
  /** Principals of umbra, with their type. */
  readonly own: readonly string[];
  /** As far as they are known; see `Authorizer`. */
  readonly superUsers: readonly string[];
  readonly allowsWithoutAcl: boolean;
}

export interface FenceInput extends FencePolicy {
  /** As the cluster shows them now. */
  readonly acls: readonly Acl[];
  /** What this fence has done so far. */
  readonly book: FenceBook;
  /** The topics that nobody else may change any more: these and no others. Empty: the fence is lowered. */
  readonly names: readonly NamePattern[];
}

/** What has to be done, in this order; after an interruption anywhere a new plan ends at the same. */
export interface FencePlan {
  /** To be remembered before anything is changed: what stands and what is to stand. */
  readonly intent: FenceBook;
  /** Rights to read and DENYs that are not there. */
  readonly add: readonly Acl[];
  /** ALLOWs that are there and must not be. */
  readonly withdraw: readonly Acl[];
  /** Withdrawn ones that nothing stands against any more; seen or not, since a broker may be behind. */
  readonly giveBack: readonly Acl[];
  /** What the fence had made and needs no longer; seen or not. */
  readonly takeBack: readonly Acl[];
  /** To be remembered when all brokers show the change. */
  readonly outcome: FenceBook;
}

/**
 * Pure: takes a fence from whatever it stands on to `names`, so that on exactly these topics nobody but umbra may change
 * anything, everybody reads as before, and nothing else changes for anybody:
 *
 * - an ALLOW that reaches only fenced names is withdrawn, and what of it only reads is granted one by one;
 * - of one that reaches further, what changes topics is denied to its principal and host on the fenced names alone. Never
 *   to `User:*`, which would stop umbra too: such an ALLOW stays, and `fenceGaps` names it.
 *
 * DENYs of others stay. Without names all is given back: then the ACLs are those from before, and what others changed since.
 * Throws {@link TooManyAclsError}, and for an empty prefix, which would be every topic.
 */
export function planFence(input: FenceInput): FencePlan {
  const { acls, book } = input;
  const names = widest(input.names);
  const goal = fenceOn(withoutFences(acls, [book]), { ...input, names });
  const seen = new Set(acls.map(aclKey));
  const isSeen = (acl: Acl): boolean => seen.has(aclKey(acl));
  return {
    intent: {
      names: widest([...names, ...book.names]),
      withdrawn: new Map([...book.withdrawn, ...goal.withdrawn]),
      added: new Map([...book.added, ...goal.added]),
    },
    add: [...goal.added.values()].filter((acl) => !isSeen(acl)),
    withdraw: [...goal.withdrawn.values()].filter(isSeen),
    giveBack: without(book.withdrawn, goal.withdrawn),
    takeBack: without(book.added, goal.added),
    outcome: { names, ...goal },
  };
}

/** The ACLs of the cluster when the plan has been carried out. */
export function afterFence(acls: readonly Acl[], { add, withdraw, giveBack, takeBack }: FencePlan): readonly Acl[] {
  const gone = new Set([...withdraw, ...takeBack].map(aclKey));
  const left = acls.filter((acl) => !gone.has(aclKey(acl)));
  return [...new Map([...left, ...add, ...giveBack].map((acl) => [aclKey(acl), acl])).values()];
}

/** The ACLs on topics that are about names of a pattern: asked for each of thousands of topics. */
export function topicAcls(acls: readonly Acl[]): (names: NamePattern) => readonly Acl[] {
  const about = acls.flatMap((acl) => {
    const pattern = acl.resourceType === 'TOPIC' ? patternOf(acl) : undefined;
    return pattern === undefined ? [] : [{ acl, pattern }];
  });
  const literals = Map.groupBy(about, ({ pattern }) => (pattern.kind === 'literal' ? pattern.name : undefined));
  const prefixes = literals.get(undefined) ?? [];
  return (names) => {
    if (names.kind === 'prefix') {
      return about.filter(({ pattern }) => intersection(pattern, names) !== undefined).map(({ acl }) => acl);
    }
    const wide = prefixes.filter(({ pattern }) => covers(pattern, names.name));
    return [...(literals.get(names.name) ?? []), ...wide].map(({ acl }) => acl);
  };
}

type Goal = Pick<FenceBook, 'withdrawn' | 'added'>;

function fenceOn(base: readonly Acl[], input: FenceInput): Goal {
  const exempt = new Set([...input.own, ...input.superUsers]);
  const there = new Set(base.map(aclKey));
  const [withdrawn, reads, denials] = [new Map<string, Acl>(), new Map<string, Acl>(), new Map<string, Acl>()];
  const put = (into: Map<string, Acl>, acl: Acl): void => {
    const key = aclKey(acl);
    if (!there.has(key)) into.set(key, acl);
    if (into.size > wantedMax) {
      throw new TooManyAclsError(
        `a fence on ${input.names.length} names takes more than ${wantedMax} ACLs; fence fewer`,
      );
    }
  };
  const about = topicAcls(base);
  for (const names of input.names) {
    for (const acl of about(names)) {
      const changes = changesGiven(acl);
      const both = intersection(patternOf(acl) ?? names, names);
      if (changes.length === 0 || both === undefined || exempt.has(acl.principal)) continue;
      if (mayGo(acl, names, input)) {
        withdrawn.set(aclKey(acl), acl);
        for (const operation of readsGiven(acl)) put(reads, { ...acl, operation });
      } else if (acl.principal !== everybody) {
        for (const operation of changes) {
          put(denials, { ...acl, ...resourceOf(both), operation, permission: 'DENY' });
        }
      }
    }
  }
  return { withdrawn, added: new Map([...reads, ...writesFirst(denials)]) };
}

function changesGiven(acl: Acl): readonly KnownOperation[] {
  if (acl.permission !== 'ALLOW' || !isKnown(acl)) return [];
  const given = operationsGiven('TOPIC', acl.operation);
  return changingOperations.filter((operation) => given.includes(operation));
}

function readsGiven({ operation }: Acl): readonly KnownOperation[] {
  // Every word of it is known: `changesGiven` has seen to that.
  return shadowTopicRights[operation as KnownOperation].synced;
}

/** A name that no ACL is left on would be everybody's where `allow.everyone.if.no.acl.found` is on. */
function mayGo(acl: Acl, names: NamePattern, { allowsWithoutAcl }: FencePolicy): boolean {
  const pattern = patternOf(acl);
  if (pattern === undefined || !contains(names, pattern)) return false;
  return !allowsWithoutAcl || readsGiven(acl).length > 0;
}

/** Several requests may follow each other: what is worst comes first. */
function writesFirst(denials: ReadonlyMap<string, Acl>): readonly (readonly [string, Acl])[] {
  const rank = ({ operation }: Acl): number => changingOperations.indexOf(operation as KnownOperation);
  return [...denials].toSorted(([, left], [, right]) => rank(left) - rank(right));
}

function without(had: ReadonlyMap<string, Acl>, has: ReadonlyMap<string, Acl>): readonly Acl[] {
  return [...had].flatMap(([key, acl]) => (has.has(key) ? [] : [acl]));
}

/** Each name once, none of them a part of another. */
function widest(names: readonly NamePattern[]): readonly NamePattern[] {
  const prefixes = [...new Set(names.flatMap((each) => (each.kind === 'prefix' ? each.prefix : [])))];
  if (prefixes.includes('')) throw new Error('a fence on every topic would stop umbra itself');
  const kept = prefixes.filter((prefix) => !prefixes.some((other) => other !== prefix && prefix.startsWith(other)));
  const literals = new Set(names.flatMap((each) => (each.kind === 'literal' ? each.name : [])));
  return [
    ...kept.map((prefix): NamePattern => ({ kind: 'prefix', prefix })),
    ...[...literals]
      .filter((name) => !kept.some((prefix) => name.startsWith(prefix)))
      .map((name): NamePattern => ({ kind: 'literal', name })),
  ];
}
