import { type AclBinding, type AclOperation } from './acl-binding.ts';
import { type Grant } from './acls.ts';

/** One statement of an IAM policy, in the form in which it is attached to a role. */
export interface IamStatement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** What the role that stands for a principal needs. */
export interface IamPolicy {
  readonly principal: string;
  readonly statements: readonly IamStatement[];
}

export interface IamPolicies {
  readonly policies: readonly IamPolicy[];
  /** Grants that IAM has no words for, with the reason; their principals get less than on a cluster with ACLs. */
  readonly omitted: readonly { readonly grant: Grant; readonly why: string }[];
}

/**
 * The grants (see `renderSiteGrants`) as statements for an MSK cluster with IAM access control: the same rights as the
 * ACLs, so WRITE on the other site's names is withheld here, too. `clusterArn` is
 * `arn:aws:kafka:<region>:<account>:cluster/<name>/<uuid>`; throws for anything else. Who writes at all needs
 * WriteDataIdempotently on the cluster besides, which allows no topic. Source: "Semantics of IAM authorization policy
 * actions and resources" of the MSK developer guide; IAM carries WriteTxnMarkers only from Kafka 3.8 on.
 */
export function renderIamStatements(grants: readonly Grant[], clusterArn: string): IamPolicies {
  const cluster = parseClusterArn(clusterArn);
  const omitted = grants.flatMap((grant) => {
    const why = objectionTo(grant);
    return why === undefined ? [] : [{ grant, why }];
  });
  const sayable = grants.filter((grant) => omitted.every((each) => each.grant !== grant));
  const policies = [...Map.groupBy(sayable, ({ principal }) => principal)].map(([principal, theirs]) => ({
    principal,
    statements: [connectStatement(theirs, clusterArn), ...statementsOf(theirs, cluster)],
  }));
  return { policies, omitted };
}

interface ClusterArn {
  /** `arn:aws:kafka:eu-west-1:111122223333`. */
  readonly owner: string;
  /** `<name>/<uuid>`. */
  readonly path: string;
}

function parseClusterArn(arn: string): ClusterArn {
  const match = /^(arn:aws[a-z-]*:kafka:[a-z0-9-]+:\d{12}):cluster\/([^/*?]+\/[^/*?]+)$/.exec(arn);
  const [, owner, path] = match ?? [];
  if (owner === undefined || path === undefined) {
    throw new Error(
      `${JSON.stringify(arn)} is no ARN of an MSK cluster, such as arn:aws:kafka:eu-west-1:111122223333:cluster/orders/1a2b-3`,
    );
  }
  return { owner, path };
}

type Actions = Readonly<Partial<Record<AclOperation, readonly string[]>>>;

/** With each action those that IAM requires beside it, which are also what Kafka's operation implies. */
const actions: Readonly<Record<AclBinding['resourceType'], Actions>> = {
  TOPIC: {
    READ: ['ReadData', 'DescribeTopic'],
    WRITE: ['WriteData', 'DescribeTopic'],
    CREATE: ['CreateTopic'],
    DELETE: ['DeleteTopic', 'DescribeTopic'],
    ALTER: ['AlterTopic', 'DescribeTopic'],
    DESCRIBE: ['DescribeTopic'],
    ALTER_CONFIGS: ['AlterTopicDynamicConfiguration', 'DescribeTopicDynamicConfiguration'],
    DESCRIBE_CONFIGS: ['DescribeTopicDynamicConfiguration'],
  },
  GROUP: {
    READ: ['AlterGroup', 'DescribeGroup'],
    DELETE: ['DeleteGroup', 'DescribeGroup'],
    DESCRIBE: ['DescribeGroup'],
  },
  TRANSACTIONAL_ID: {
    WRITE: ['AlterTransactionalId', 'DescribeTransactionalId'],
    DESCRIBE: ['DescribeTransactionalId'],
  },
  CLUSTER: {
    ALTER: ['AlterCluster', 'DescribeCluster'],
    DESCRIBE: ['DescribeCluster'],
    ALTER_CONFIGS: ['AlterClusterDynamicConfiguration', 'DescribeClusterDynamicConfiguration'],
    DESCRIBE_CONFIGS: ['DescribeClusterDynamicConfiguration'],
  },
};

function objectionTo({ host, resource, operations }: Grant): string | undefined {
  if (host !== undefined && host !== '*') return `IAM does not tell hosts apart, and this is for ${host} only`;
  const unsaid = operations.filter((operation) => actions[resource.resourceType][operation] === undefined);
  return unsaid.length === 0 ? undefined : `IAM has no action for ${unsaid.join(', ')} on a ${resource.resourceType}`;
}

function connectStatement(grants: readonly Grant[], clusterArn: string): IamStatement {
  const writes = grants.some(
    ({ resource, operations }) => resource.resourceType === 'TOPIC' && operations.includes('WRITE'),
  );
  const Action = ['Connect', ...(writes ? ['WriteDataIdempotently'] : [])].map(inKafkaCluster);
  return { Effect: 'Allow', Action, Resource: [clusterArn] };
}

/** One statement per set of actions: a policy has to fit into 6,144 characters. */
function statementsOf(grants: readonly Grant[], cluster: ClusterArn): readonly IamStatement[] {
  const byResource = new Map<string, Set<string>>();
  for (const { resource, operations } of grants) {
    const arn = resourceArn(resource, cluster);
    const taken = byResource.get(arn) ?? new Set();
    byResource.set(arn, taken);
    for (const operation of operations) {
      for (const action of actions[resource.resourceType][operation] ?? []) taken.add(inKafkaCluster(action));
    }
  }
  const entries = [...byResource].map(([arn, taken]) => ({ arn, Action: [...taken].sort() }));
  return [...Map.groupBy(entries, ({ Action }) => Action.join())].flatMap(([, alike]) =>
    alike
      .slice(0, 1)
      .map(({ Action }) => ({ Effect: 'Allow' as const, Action, Resource: alike.map(({ arn }) => arn) })),
  );
}

const arnKinds = { TOPIC: 'topic', GROUP: 'group', TRANSACTIONAL_ID: 'transactional-id' } as const;

function resourceArn(
  { resourceType, resourceName, patternType }: Grant['resource'],
  { owner, path }: ClusterArn,
): string {
  if (resourceType === 'CLUSTER') return `${owner}:cluster/${path}`;
  const names = patternType === 'PREFIXED' ? `${resourceName}*` : resourceName;
  return `${owner}:${arnKinds[resourceType]}/${path}/${names}`;
}

function inKafkaCluster(action: string): string {
  return `kafka-cluster:${action}`;
}
