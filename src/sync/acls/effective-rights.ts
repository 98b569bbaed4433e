import { type Acl, anyHost, everybody, type KnownOperation } from '../../kafka/acl-words.ts';
import { covers, intersection, type NamePattern, patternOf } from './name-pattern.ts';
import { namesLeft, type NamesLeft } from './names-left.ts';

/** What a cluster's authorizer goes by. Brokers tell their ACLs; the other two stand in their files and are never told. */
export interface Authorizer {
  readonly acls: readonly Acl[];
  /** `super.users`, with their type, e.g. `User:admin`. */
  readonly superUsers: readonly string[];
  /** `allow.everyone.if.no.acl.found`. Kafka's default is false. */
  readonly allowsWithoutAcl: boolean;
}

export interface Question {
  readonly principal: string;
  /** An address; never `*`. */
  readonly host: string;
  readonly operation: KnownOperation;
  readonly resourceType: Acl['resourceType'];
  readonly name: string;
}

export type Decision =
  | { readonly allowed: true; readonly by: Acl | 'super user' | 'no ACL on that name' }
  | { readonly allowed: false; readonly by: Acl | 'nothing allows it' };

/**
 * What Kafka's StandardAuthorizer answers (KIP-801, KIP-290): a super user may do anything; one DENY beats every ALLOW;
 * a name that no ACL at all is about goes by the default. Only ALLOWs imply other operations, and `User:*` is everybody.
 */
export function decide(question: Question, { acls, superUsers, allowsWithoutAcl }: Authorizer): Decision {
  if (superUsers.includes(question.principal)) return { allowed: true, by: 'super user' };
  const about = acls.filter((acl) => isAbout(acl, question));
  const concerning = about.filter((acl) => concerns(acl, question));
  const denial = concerning.find((acl) => acl.permission === 'DENY' && denies(acl.operation, question.operation));
  if (denial !== undefined) return { allowed: false, by: denial };
  const allowance = concerning.find((acl) => acl.permission === 'ALLOW' && allows(acl.operation, question.operation));
  if (allowance !== undefined) return { allowed: true, by: allowance };
  return about.length === 0 && allowsWithoutAcl
    ? { allowed: true, by: 'no ACL on that name' }
    : { allowed: false, by: 'nothing allows it' };
}

function isAbout(acl: Acl, { resourceType, name }: Question): boolean {
  if (acl.resourceType !== resourceType) return false;
  const pattern = patternOf(acl);
  return pattern !== undefined && covers(pattern, name);
}

function concerns(acl: Acl, { principal, host }: Question): boolean {
  return (acl.principal === principal || acl.principal === everybody) && (acl.host === host || acl.host === anyHost);
}

const describedBy: ReadonlySet<string> = new Set(['DESCRIBE', 'READ', 'WRITE', 'DELETE', 'ALTER']);
const configsDescribedBy: ReadonlySet<string> = new Set(['DESCRIBE_CONFIGS', 'ALTER_CONFIGS']);

/** Whether an ALLOW of `granted` is one of `asked`. */
export function allows(granted: Acl['operation'], asked: KnownOperation): boolean {
  if (granted === 'ALL') return true;
  switch (asked) {
    case 'DESCRIBE':
      return describedBy.has(granted);
    case 'DESCRIBE_CONFIGS':
      return configsDescribedBy.has(granted);
    default:
      return granted === asked;
  }
}

/** Whether a DENY of `refused` is one of `asked`: denials imply nothing. */
export function denies(refused: Acl['operation'], asked: KnownOperation): boolean {
  return refused === 'ALL' || refused === asked;
}

/** Someone who has a right on names of a set, and by what. */
export interface Reach {
  /** `User:*` is everybody whom no ACL denies it by name. */
  readonly principal: string;
  /** `*` is every host that no ACL denies it to. */
  readonly host: string;
  readonly names: NamesLeft;
  readonly by: Acl | 'no ACL on these names';
}

export interface ReachQuestion {
  readonly operation: KnownOperation;
  readonly resourceType: Acl['resourceType'];
  readonly names: NamePattern;
  /** Names of the set that are not asked about. */
  readonly except?: readonly NamePattern[];
}

/**
 * Who has the right on any of these names, super users aside: one entry per ALLOW of which DENYs leave something. Exact:
 * a DENY that covers only a part of what an ALLOW grants leaves the rest, which is named. Whoever has the right on a name,
 * from a host, is covered by an entry; and who is covered by one has it, but for principals (of `User:*`) and hosts (of
 * `*`) that a DENY names.
 */
export function whoReaches(question: ReachQuestion, authorizer: Authorizer): readonly Reach[] {
  const { operation, resourceType, names, except = [] } = question;
  const about = authorizer.acls.filter((acl) => acl.resourceType === resourceType).flatMap((acl) => within(acl, names));
  const allowed = about.filter(({ acl }) => acl.permission === 'ALLOW' && allows(acl.operation, operation));
  const denied = about.filter(({ acl }) => acl.permission === 'DENY' && denies(acl.operation, operation));
  const deniedTo = Map.groupBy(denied, ({ acl }) => acl.principal);
  const reaches = allowed.flatMap(({ acl, part }): readonly Reach[] => {
    const { principal, host } = acl;
    const against = principal === everybody ? [everybody] : [everybody, principal];
    const taken = against
      .flatMap((each) => deniedTo.get(each) ?? [])
      .filter(({ acl: denial }) => denial.host === anyHost || denial.host === host);
    const left = namesLeft(part, [...except, ...taken.map((each) => each.part)]);
    return left === undefined ? [] : [{ principal, host, names: left, by: acl }];
  });
  if (!authorizer.allowsWithoutAcl) return reaches;
  const free = namesLeft(names, [...except, ...about.map(({ part }) => part)]);
  return free === undefined
    ? reaches
    : [...reaches, { principal: everybody, host: anyHost, names: free, by: 'no ACL on these names' }];
}

interface Part {
  readonly acl: Acl;
  readonly part: NamePattern;
}

function within(acl: Acl, names: NamePattern): readonly Part[] {
  const pattern = patternOf(acl);
  const part = pattern === undefined ? undefined : intersection(pattern, names);
  return part === undefined ? [] : [{ acl, part }];
}
