import { otherSite, type SiteId } from '../pair/site.ts';
import { type PrefixOwners } from '../pair/spec.ts';
import { schemasTopic } from '../schema-primary/schema-primary.ts';
import { reservedPrefix, stateTopic } from './internal-names.ts';

export type AclOperation =
  'READ' | 'WRITE' | 'CREATE' | 'DELETE' | 'ALTER' | 'DESCRIBE' | 'ALTER_CONFIGS' | 'DESCRIBE_CONFIGS';

/** One Kafka ACL, in the words of Kafka's own tools. */
export interface AclBinding {
  readonly resourceType: 'TOPIC' | 'GROUP' | 'CLUSTER' | 'TRANSACTIONAL_ID';
  readonly resourceName: string;
  readonly patternType: 'LITERAL' | 'PREFIXED';
  /** With its type, e.g. `User:umbra`. */
  readonly principal: string;
  readonly host: '*';
  readonly operation: AclOperation;
  readonly permission: 'ALLOW' | 'DENY';
}

export interface SiteAclInput {
  readonly site: SiteId;
  /** Proven (see `provePrefixes`). */
  readonly owners: PrefixOwners;
  /** With their type, e.g. `User:umbra`. */
  readonly principals: { readonly umbra: string; readonly app: string };
}

/** Several operations on one resource for one purpose. `why` is one line, for the docs and for people who audit. */
export interface Grant {
  readonly principal: string;
  readonly resource: Pick<AclBinding, 'resourceType' | 'resourceName' | 'patternType'>;
  readonly operations: readonly AclOperation[];
  readonly why: string;
}

/**
 * What `umbra` and `app` need at that site, and nothing more; the authorizer denies the rest. The standby's app gets
 * everything on the other site's names but WRITE: withholding, since a DENY for everyone would also stop the link.
 * The order is that of the grants; no binding appears twice. Source: the least ACLs measured against Kafka 4.3.
 */
export function renderSiteAcls(input: SiteAclInput): readonly AclBinding[] {
  const bindings = new Map<string, AclBinding>();
  for (const { principal, resource, operations } of renderSiteGrants(input)) {
    for (const operation of operations) {
      const binding: AclBinding = { ...resource, principal, host: '*', operation, permission: 'ALLOW' };
      bindings.set(JSON.stringify(Object.values(binding)), binding);
    }
  }
  return [...bindings.values()];
}

/** The same as {@link renderSiteAcls}, by purpose. Two grants may overlap. */
export function renderSiteGrants({ site, owners, principals }: SiteAclInput): readonly Grant[] {
  const own = owners[site];
  const foreign = owners[otherSite(site)];
  return [
    ...appGrants(principals.app, own, foreign),
    ...readerGrants(principals.umbra, own),
    ...writerGrants(principals.umbra, foreign),
    ...workerGrants(principals.umbra),
  ];
}

/** An ordinary application: at home on its own names, a reader of the other site's. */
function appGrants(principal: string, own: string, foreign: string): readonly Grant[] {
  return [
    {
      principal,
      resource: prefixed('TOPIC', own),
      operations: ['READ', 'WRITE', 'DESCRIBE', 'CREATE'],
      why: 'produce to, consume and create the topics that are home here',
    },
    {
      principal,
      resource: prefixed('TOPIC', foreign),
      operations: ['READ', 'DESCRIBE'],
      why: 'consume the copies; WRITE is withheld until a promotion',
    },
    {
      principal,
      resource: prefixed('TRANSACTIONAL_ID', own),
      operations: ['WRITE', 'DESCRIBE'],
      why: 'transactions under ids of this site',
    },
    {
      principal,
      resource: prefixed('GROUP', own),
      operations: ['READ', 'DESCRIBE'],
      why: 'consumer groups of this site',
    },
    {
      principal,
      resource: prefixed('GROUP', foreign),
      operations: ['READ', 'DESCRIBE'],
      why: 'groups of the other site that carry on here',
    },
  ];
}

/** The link that leaves this site: it only reads, here. */
function readerGrants(principal: string, own: string): readonly Grant[] {
  const operations: readonly AclOperation[] = ['READ', 'DESCRIBE', 'DESCRIBE_CONFIGS'];
  return [
    {
      principal,
      resource: prefixed('TOPIC', own),
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
      resource: prefixed('GROUP', own),
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
function writerGrants(principal: string, foreign: string): readonly Grant[] {
  return [
    {
      principal,
      resource: prefixed('TOPIC', foreign),
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
      resource: prefixed('GROUP', foreign),
      operations: ['READ', 'DESCRIBE', 'DELETE'],
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
  ];
}

const copyOperations: readonly AclOperation[] = [
  'READ',
  'WRITE',
  'CREATE',
  'ALTER',
  'ALTER_CONFIGS',
  'DESCRIBE_CONFIGS',
  'DELETE',
  'DESCRIBE',
];

const cluster: Grant['resource'] = literal('CLUSTER', 'kafka-cluster');

function prefixed(resourceType: AclBinding['resourceType'], resourceName: string): Grant['resource'] {
  return { resourceType, resourceName, patternType: 'PREFIXED' };
}

function literal(resourceType: AclBinding['resourceType'], resourceName: string): Grant['resource'] {
  return { resourceType, resourceName, patternType: 'LITERAL' };
}
