import { type Acl, aclText, type AclsSeen, anyHost, everybody } from '../../kafka/acl-words.ts';
import { type Reach, whoReaches } from './effective-rights.ts';
import type { NamePattern } from './name-pattern.ts';
import { namesText } from './names-left.ts';
import type { SyncScope } from './sync-scope.ts';

/** Somebody but the link who may write a shadow topic. `message` and `remedy` are one line each. */
export interface AclLeak {
  readonly principal: string;
  readonly host: string;
  /** The names that leak, for people. */
  readonly names: string;
  /** One name that leaks. */
  readonly example: string;
  /** The ACL that lets them; undefined where none is needed. */
  readonly acl: Acl | undefined;
  readonly message: string;
  readonly remedy: string;
}

/**
 * Who may write the copies at the standby. `unfenced`: the cluster refuses nobody anything. `beyondAcls` are super users
 * that are not umbra's: no ACL stops them.
 */
export type Preflight =
  | { readonly kind: 'unfenced'; readonly message: string; readonly remedy: string }
  | { readonly kind: 'fenced'; readonly beyondAcls: readonly string[] }
  | { readonly kind: 'leaking'; readonly leaks: readonly AclLeak[]; readonly beyondAcls: readonly string[] };

export interface PreflightInput {
  /** What the standby shows. */
  readonly target: AclsSeen;
  readonly scope: SyncScope;
  /** Principals of umbra, with their type. */
  readonly own: readonly string[];
  /** Topics of the scope that the standby is primary of: to be written here is what they are for. */
  readonly promoted: ReadonlySet<string>;
  /** Names that the standby is primary of as a whole. Default none. */
  readonly frozen?: SyncScope | undefined;
  /** As far as they are known; see `Authorizer`. */
  readonly superUsers: readonly string[];
  readonly allowsWithoutAcl: boolean;
}

/** Pure: every principal with effective WRITE on a name of the copies, other than the link, with the ACL that leaks. */
export function preflight(input: PreflightInput): Preflight {
  const { target, scope, own, promoted, superUsers, allowsWithoutAcl, frozen } = input;
  if (target.kind === 'no authorizer') {
    return {
      kind: 'unfenced',
      message: 'the standby has no authorizer: anybody can write the copies',
      remedy: 'Switch an authorizer on (authorizer.class.name) and restart its brokers.',
    };
  }
  const except = [...(frozen?.TOPIC ?? []), ...[...promoted].map((name): NamePattern => ({ kind: 'literal', name }))];
  const authorizer = { acls: target.acls, superUsers, allowsWithoutAcl };
  const leaks = scope.TOPIC.flatMap((names) =>
    whoReaches({ operation: 'WRITE', resourceType: 'TOPIC', names, except }, authorizer),
  )
    .filter(({ principal }) => !own.includes(principal) && !superUsers.includes(principal))
    .map(leakOf);
  const beyondAcls = superUsers.filter((principal) => !own.includes(principal));
  return leaks.length === 0 ? { kind: 'fenced', beyondAcls } : { kind: 'leaking', leaks, beyondAcls };
}

function leakOf({ principal, host, names, by }: Reach): AclLeak {
  const text = namesText(names);
  const who = principal === everybody ? 'everybody' : principal;
  const from = host === anyHost ? '' : ` from ${host}`;
  if (typeof by === 'string') {
    return {
      ...{ principal, host, names: text, example: names.example, acl: undefined },
      message: `${who} may write the copies ${text}, such as ${names.example}: ${by}, and allow.everyone.if.no.acl.found is on`,
      remedy:
        'Set allow.everyone.if.no.acl.found=false, or grant umbra its rights: then there is an ACL on these names.',
    };
  }
  return {
    ...{ principal, host, names: text, example: names.example, acl: by },
    message: `${who}${from} may write the copies ${text}, such as ${names.example}: ${aclText(by)}`,
    remedy:
      principal === everybody
        ? 'Replace that ACL by ACLs for the principals that are meant, on names of this site only; a DENY for User:* would stop the link too.'
        : `Replace that ACL by one on names of this site only, or deny ${principal} WRITE on these names.`,
  };
}
