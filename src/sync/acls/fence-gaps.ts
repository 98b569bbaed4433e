import { type Acl, aclKey, aclText, anyHost, everybody, type KnownOperation } from '../../kafka/acl-words.ts';
import { type Reach, whoReaches } from './effective-rights.ts';
import type { FenceBook } from './fence-book.ts';
import type { NamePattern } from './name-pattern.ts';
import { namesText } from './names-left.ts';
import { afterFence, changingOperations, type FencePolicy, planFence, topicAcls } from './plan-fence.ts';

/** Somebody but umbra who may change fenced topics. `message` and `remedy` are one line each. */
export interface FenceBypass {
  readonly principal: string;
  readonly host: string;
  readonly operations: readonly KnownOperation[];
  /** For people; the first of them where there are many. */
  readonly names: string;
  /** One of the names; undefined for a super user, who may do anything. */
  readonly example: string | undefined;
  /** What lets them; a super user needs no ACL, and with `allow.everyone.if.no.acl.found` nobody does. */
  readonly by: Acl | 'super user' | 'no ACL on these names';
  readonly message: string;
  readonly remedy: string;
}

/** How a fence stands, by what the cluster shows. */
export type FenceSight =
  /** Nobody but umbra may change the topics, as far as ACLs say. */
  | { readonly kind: 'fenced'; readonly superUsers: readonly FenceBypass[] }
  /** These still may, and no ACL that leaves umbra its own rights can stop them. */
  | { readonly kind: 'bypassed'; readonly by: readonly FenceBypass[]; readonly superUsers: readonly FenceBypass[] }
  /** These may, and raising the fence (again) stops them; `bypasses` would get through all the same. */
  | {
      readonly kind: 'open';
      readonly by: readonly FenceBypass[];
      readonly bypasses: readonly FenceBypass[];
      readonly superUsers: readonly FenceBypass[];
    };

export interface FenceLook extends FencePolicy {
  readonly acls: readonly Acl[];
  readonly book: FenceBook;
  readonly names: readonly NamePattern[];
}

const namesTold = 5;

/** Pure: who may change these topics now, and whether a fence on them could stop him. */
export function lookAtFence(look: FenceLook): FenceSight {
  const { acls, names } = look;
  const superUsers = look.superUsers.filter((each) => !look.own.includes(each)).map(superUser);
  const now = fenceGaps(acls, names, look);
  if (now.length === 0) return { kind: 'fenced', superUsers };
  const bypasses = fenceGaps(afterFence(acls, planFence(look)), names, look);
  const unstoppable = new Set(bypasses.map(gapKey));
  const by = now.filter((gap) => !unstoppable.has(gapKey(gap)));
  if (by.length > 0) return { kind: 'open', by, bypasses, superUsers };
  return { kind: 'bypassed', by: now, superUsers };
}

/** Pure: everybody but umbra and super users who may change any of these topics, once per ACL that lets him. */
export function fenceGaps(
  acls: readonly Acl[],
  names: readonly NamePattern[],
  { own, superUsers, allowsWithoutAcl }: FencePolicy,
): readonly FenceBypass[] {
  const exempt = new Set([...own, ...superUsers]);
  const about = topicAcls(acls);
  const gaps = new Map<string, Gap>();
  for (const pattern of names) {
    const authorizer = { acls: about(pattern), superUsers, allowsWithoutAcl };
    for (const operation of changingOperations) {
      const question = { operation, resourceType: 'TOPIC', names: pattern } as const;
      for (const reach of whoReaches(question, authorizer)) {
        if (exempt.has(reach.principal)) continue;
        const key = reachKey(reach);
        const gap = gaps.get(key) ?? { reach, operations: new Set(), names: new Set() };
        gap.operations.add(operation);
        gap.names.add(namesText(reach.names));
        gaps.set(key, gap);
      }
    }
  }
  return [...gaps.values()].map(bypassOf);
}

interface Gap {
  readonly reach: Reach;
  readonly operations: Set<KnownOperation>;
  readonly names: Set<string>;
}

function reachKey({ principal, host, by }: Pick<Reach, 'principal' | 'host'> & Pick<FenceBypass, 'by'>): string {
  return JSON.stringify([principal, host, typeof by === 'string' ? by : aclKey(by)]);
}

/** The same ACL may be stopped for one operation or name and not for another. */
function gapKey(gap: FenceBypass): string {
  return JSON.stringify([reachKey(gap), gap.operations, gap.names]);
}

function bypassOf({ reach: { principal, host, names: left, by }, operations: given, names: all }: Gap): FenceBypass {
  const operations = [...given];
  const told = [...all].slice(0, namesTold).join(', ');
  const names = all.size > namesTold ? `${told} and ${all.size - namesTold} more` : told;
  const who = principal === everybody ? 'everybody' : principal;
  const from = host === anyHost ? '' : ` from ${host}`;
  const gap = { principal, host, operations, names, example: left.example };
  if (typeof by === 'string') {
    return {
      ...{ ...gap, by },
      message: `${who} may ${operations.join(', ')} ${names}: no ACL is about them, and allow.everyone.if.no.acl.found is on`,
      remedy:
        'Set allow.everyone.if.no.acl.found=false, or grant umbra its rights: then there is an ACL on these names.',
    };
  }
  return {
    ...{ ...gap, by },
    message: `${who}${from} may ${operations.join(', ')} ${names}: ${aclText(by)}`,
    remedy:
      principal === everybody
        ? 'Replace that ACL by ACLs for the principals that are meant: a DENY for User:* would stop umbra too.'
        : `Remove that ACL, or deny it to ${principal} on these names.`,
  };
}

function superUser(principal: string): FenceBypass {
  return {
    ...{ principal, host: anyHost, operations: changingOperations, names: 'every topic', example: undefined },
    by: 'super user',
    message: `${principal} is a super user: no ACL stops it`,
    remedy: `Stop what writes as ${principal}, or take it out of super.users and restart the brokers.`,
  };
}
