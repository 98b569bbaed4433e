import { schemasTopic } from '../schema-primary/schema-primary.ts';
import type { AclOperation } from './acl-binding.ts';
import { type Grant, literal, type NamesOfSite, prefixed, type Prefixes, prefixesAt } from './grant.ts';
import { canaryInfix, rehearsalPrefix, reservedPrefix, stateTopic } from './internal-names.ts';

/** What umbra needs at a site where all of its links have one principal: what leaves, what ends there, and its own. */
export function umbraGrants(principal: string, names: NamesOfSite): readonly Grant[] {
  const { own, foreign } = prefixesAt(names);
  return [
    ...readerGrants(principal, own),
    ...writerGrants(principal, foreign),
    ...transactionGrants(principal, [own, foreign]),
    ...workerGrants(principal),
    ...canaryGrants(principal, own),
    ...rehearsalGrants(principal),
  ];
}

/** What the workers of one site need, where their rights hang on a role: nothing can be added to it while topics move. */
export interface WorkerRoleGrants {
  /** At the cluster of their own site, where their link ends. */
  readonly own: readonly Grant[];
  /** At the other site's cluster, which they only read. */
  readonly other: readonly Grant[];
}

export interface WorkerRoleInput extends NamesOfSite {
  readonly umbra: string;
  /** Whether it may alter the cluster: markers into gaps, ACLs of copies and applications, the fence of a switchover. */
  readonly markers: boolean;
}

/**
 * {@link umbraGrants}, by who needs it: the workers of `site` write at home and read abroad. With it what
 * umbra grants itself as ACLs while roles of topics are reversed (`linkRights`): ACLs mean nothing to a role.
 */
export function renderWorkerRoleGrants({ umbra, markers, ...input }: WorkerRoleInput): WorkerRoleGrants {
  const { own, foreign } = prefixesAt(input);
  const ofOwn = [
    ...writerGrants(umbra, foreign),
    ...returningGrants(umbra, own),
    ...transactionGrants(umbra, [own, foreign]),
    ...workerGrants(umbra),
    ...canaryGrants(umbra, own),
    ...rehearsalGrants(umbra),
  ];
  const ofOther = [...readerGrants(umbra, foreign), ...promotedReaderGrants(umbra, own)];
  return { own: ofOwn.flatMap((grant) => (markers ? [grant] : withoutAlter(grant))), other: ofOther };
}

function withoutAlter(grant: Grant): readonly Grant[] {
  if (grant.resource.resourceType !== 'CLUSTER') return [grant];
  const operations = grant.operations.filter((operation) => operation !== 'ALTER');
  return operations.length === 0 ? [] : [{ ...grant, operations }];
}

/** Where topics of this site were promoted at the other one, their old logs here become copies. */
function returningGrants(principal: string, own: Prefixes): readonly Grant[] {
  return [
    {
      principal,
      resource: prefixed('TOPIC', own.topics),
      operations: copyOperations,
      why: 'make copies of topics whose roles were reversed',
    },
    {
      principal,
      resource: prefixed('GROUP', own.groups),
      operations: copyGroupOperations,
      why: 'commit the group offsets of topics whose roles were reversed',
    },
  ];
}

/** The way back: topics that were promoted at the other site are read there. */
function promotedReaderGrants(principal: string, own: Prefixes): readonly Grant[] {
  return [
    {
      principal,
      resource: prefixed('TOPIC', own.topics),
      operations: ['READ', 'DESCRIBE', 'DESCRIBE_CONFIGS'],
      why: 'the way back of topics that were promoted at the other site',
    },
    {
      principal,
      resource: prefixed('GROUP', own.groups),
      operations: ['DESCRIBE'],
      why: 'the groups of topics that were promoted at the other site',
    },
  ];
}

/** The link that leaves this site: it only reads, here. */
function readerGrants(principal: string, own: Prefixes): readonly Grant[] {
  const operations: readonly AclOperation[] = ['READ', 'DESCRIBE', 'DESCRIBE_CONFIGS'];
  return [
    {
      principal,
      resource: prefixed('TOPIC', own.topics),
      operations,
      why: 'the link that leaves this site fetches its topics and reads their configs',
    },
    {
      principal,
      resource: literal('TOPIC', schemasTopic),
      operations,
      why: 'the link that leaves the schema primary fetches the schemas',
    },
    {
      principal,
      resource: literal('TOPIC', stateTopic),
      operations,
      why: 'the other site reads here which topics are primary and at what term',
    },
    {
      principal,
      resource: prefixed('GROUP', own.groups),
      operations: ['DESCRIBE'],
      why: 'the link that leaves this site reads group offsets',
    },
    {
      principal,
      resource: cluster,
      operations: ['DESCRIBE'],
      why: 'the link that leaves this site reads ACLs and groups',
    },
  ];
}

/** The link that ends at this site: the only writer of the copies. */
function writerGrants(principal: string, foreign: Prefixes): readonly Grant[] {
  return [
    {
      principal,
      resource: prefixed('TOPIC', foreign.topics),
      operations: copyOperations,
      why: 'create, fill, compare, grow, configure and rebuild the copies',
    },
    {
      principal,
      resource: literal('TOPIC', schemasTopic),
      operations: copyOperations,
      why: 'the copy of the schemas, where the other site is the schema primary',
    },
    {
      principal,
      resource: prefixed('GROUP', foreign.groups),
      operations: copyGroupOperations,
      why: 'commit the group offsets of the other site, and remove what was removed there',
    },
    {
      principal,
      resource: cluster,
      operations: ['ALTER', 'DESCRIBE'],
      why: 'write markers into the gaps; read and write the ACLs of the copies',
    },
  ];
}

/** Topics of either site may be primary here, with the transactions of their applications. */
function transactionGrants(principal: string, prefixes: readonly Prefixes[]): readonly Grant[] {
  return prefixes.map(({ transactionalIds }) => ({
    principal,
    resource: prefixed('TRANSACTIONAL_ID', transactionalIds),
    operations: ['DESCRIBE'],
    why: 'see, before topics move, that no transaction with a part in them is still to end',
  }));
}

/** The workers of this site among themselves, and what they must see to judge the site. */
function workerGrants(principal: string): readonly Grant[] {
  return [
    {
      principal,
      resource: literal('TOPIC', stateTopic),
      operations: copyOperations,
      why: "umbra's own state at this site",
    },
    {
      principal,
      resource: prefixed('GROUP', reservedPrefix),
      operations: ['READ'],
      why: 'the group by which the workers share the work',
    },
    {
      principal,
      resource: prefixed('TRANSACTIONAL_ID', reservedPrefix),
      operations: ['WRITE', 'DESCRIBE'],
      why: 'a new controller fences the old one; the lease under which copies are appended to',
    },
    {
      principal,
      resource: literal('TOPIC', '*'),
      operations: ['DESCRIBE'],
      why: 'find the names that belong to no site',
    },
    {
      principal,
      resource: cluster,
      operations: ['DESCRIBE_CONFIGS'],
      why: "`umbra doctor` reads the brokers' settings and quotas; nothing else needs it",
    },
  ];
}

/** Of drills: the only topics of this site that umbra makes itself. */
function canaryGrants(principal: string, own: Prefixes): readonly Grant[] {
  return [
    {
      principal,
      resource: prefixed('TOPIC', `${own.topics}${canaryInfix}`),
      operations: ['CREATE', 'DELETE'],
      why: 'make and remove the canary topics that are home here (docs/canaries.md)',
    },
  ];
}

/** Of drills of level L3: their groups are read and committed by the right on all of umbra's own. */
function rehearsalGrants(principal: string): readonly Grant[] {
  return [
    {
      principal,
      resource: prefixed('GROUP', rehearsalPrefix),
      operations: copyGroupOperations,
      why: 'read copies under renamed groups, and remove those groups (docs/drills.md)',
    },
  ];
}

/** Everything that a copy needs of its only writer. */
export const copyOperations: readonly AclOperation[] = [
  'READ',
  'WRITE',
  'CREATE',
  'ALTER',
  'ALTER_CONFIGS',
  'DESCRIBE_CONFIGS',
  'DELETE',
  'DESCRIBE',
];

/** Of groups whose offsets are committed by the link. */
export const copyGroupOperations: readonly AclOperation[] = ['READ', 'DESCRIBE', 'DELETE'];

const cluster: Grant['resource'] = literal('CLUSTER', 'kafka-cluster');
