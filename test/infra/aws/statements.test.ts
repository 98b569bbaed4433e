import { describe, expect, test } from 'vitest';
import {
  actionsWithoutResource,
  drillStatements,
  executionStatements,
  keyPolicyText,
  policyText,
  registryStatements,
  type Statement,
  type WorkerAccess,
  workerStatements,
} from '../../../infra/aws/statements.ts';
import { awsSettings } from './settings.ts';

const uuid = '0f0e0d0c-0b0a-4908-8706-050403020100-2';
const clusterArns = {
  a: `arn:aws:kafka:eu-west-1:111122223333:cluster/pair-a/${uuid}`,
  b: `arn:aws:kafka:eu-central-1:111122223333:cluster/pair-b/${uuid}`,
};
const at = (site: 'a' | 'b', kind: string, name: string): string =>
  `${clusterArns[site].replace(/:cluster\/.*/, '')}:${kind}/pair-${site}/${uuid}/${name}`;
const folder = (kind: string, prefix: string): WorkerAccess['spec'] => ({ arn: `arn:aws:s3:::pair-b-${kind}`, prefix });
const parameter = (region: string, owner: string): string =>
  `arn:aws:ssm:${region}:111122223333:parameter/umbra/pair/primary/${owner}`;
const parameterArns = ['eu-west-1', 'eu-central-1'].flatMap((region) =>
  ['a', 'b'].map((owner) => parameter(region, owner)),
);
const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1a2b';

const access: WorkerAccess = {
  ...{ site: 'b', names: { owners: { a: 'a_', b: 'b_' } }, markers: true, clusterArns, keyArn, parameterArns },
  ...{ spec: folder('spec', 'pair/'), quarantine: folder('quarantine', 'quarantine/') },
  evidence: folder('evidence', 'evidence/'),
};

/** Each action with each of its resources, sorted: nothing is hidden in how statements are cut. */
function pairsOf(statements: readonly Statement[]): readonly string[] {
  const pairs = statements.flatMap(({ Action, Resource }) =>
    Action.flatMap((action) => Resource.map((resource) => `${action} ${resource}`)),
  );
  return [...new Set(pairs)].sort();
}

const copy = [
  ...['ReadData', 'WriteData', 'CreateTopic', 'AlterTopic', 'AlterTopicDynamicConfiguration', 'DeleteTopic'],
  ...['DescribeTopic', 'DescribeTopicDynamicConfiguration'],
];
const look = ['ReadData', 'DescribeTopic', 'DescribeTopicDynamicConfiguration'];

/** What the workers of site b need, resource by resource, with the reason. */
const needed: readonly (readonly [why: string, actions: readonly string[], resource: string])[] = [
  ['connect, and write idempotently', ['Connect', 'WriteDataIdempotently'], clusterArns.b],
  ['markers and ACLs', ['AlterCluster', 'DescribeCluster'], clusterArns.b],
  ['the doctor reads brokers’ settings', ['DescribeClusterDynamicConfiguration'], clusterArns.b],
  ['copies', copy, at('b', 'topic', 'a_*')],
  ['copies of what was promoted elsewhere', copy, at('b', 'topic', 'b_*')],
  ['the copy of the schemas', copy, at('b', 'topic', '_schemas')],
  ['state', copy, at('b', 'topic', '_umbra')],
  ['names that are nobody’s', ['DescribeTopic'], at('b', 'topic', '*')],
  ['canaries', ['CreateTopic', 'DeleteTopic', 'DescribeTopic'], at('b', 'topic', 'b_umbra-canary-*')],
  ['group offsets', ['AlterGroup', 'DeleteGroup', 'DescribeGroup'], at('b', 'group', 'a_*')],
  ['group offsets of what was promoted', ['AlterGroup', 'DeleteGroup', 'DescribeGroup'], at('b', 'group', 'b_*')],
  ['the group of the workers', ['AlterGroup', 'DescribeGroup'], at('b', 'group', 'umbra-*')],
  ['rehearsals', ['AlterGroup', 'DeleteGroup', 'DescribeGroup'], at('b', 'group', 'umbra-rehearsal.*')],
  ['the lease', ['AlterTransactionalId', 'DescribeTransactionalId'], at('b', 'transactional-id', 'umbra-*')],
  ['open transactions', ['DescribeTransactionalId'], at('b', 'transactional-id', 'a_*')],
  ['open transactions', ['DescribeTransactionalId'], at('b', 'transactional-id', 'b_*')],
  ['connect', ['Connect'], clusterArns.a],
  ['ACLs and groups of the source', ['DescribeCluster'], clusterArns.a],
  ['the source', look, at('a', 'topic', 'a_*')],
  ['the way back', look, at('a', 'topic', 'b_*')],
  ['the schemas', look, at('a', 'topic', '_schemas')],
  ['who is primary', look, at('a', 'topic', '_umbra')],
  ['group offsets of the source', ['DescribeGroup'], at('a', 'group', 'a_*')],
  ['groups of the way back', ['DescribeGroup'], at('a', 'group', 'b_*')],
].map(
  ([why, actions, resource]) => [why, (actions as string[]).map((each) => `kafka-cluster:${each}`), resource] as never,
);

const neededOfAws: typeof needed = [
  ['the spec and its status', ['s3:GetObject'], 'arn:aws:s3:::pair-b-spec/pair/spec.json'],
  ['the status', ['s3:GetObject', 's3:PutObject'], 'arn:aws:s3:::pair-b-spec/pair/status.json'],
  ['a missing object is no secret', ['s3:ListBucket'], 'arn:aws:s3:::pair-b-spec'],
  ['quarantine', ['s3:GetObject', 's3:PutObject'], 'arn:aws:s3:::pair-b-quarantine/quarantine/*'],
  ['quarantine', ['s3:ListBucket'], 'arn:aws:s3:::pair-b-quarantine'],
  ['evidence', ['s3:GetObject', 's3:PutObject'], 'arn:aws:s3:::pair-b-evidence/evidence/*'],
  ['evidence', ['s3:ListBucket'], 'arn:aws:s3:::pair-b-evidence'],
  ['objects that are encrypted', ['kms:Decrypt', 'kms:GenerateDataKey'], keyArn],
  ...parameterArns.map((arn) => ['who is primary', ['ssm:GetParameter', 'ssm:PutParameter'], arn] as const),
];

function list(rows: typeof needed): readonly string[] {
  return [...new Set(rows.flatMap(([, actions, resource]) => actions.map((action) => `${action} ${resource}`)))].sort();
}

describe('the role of the workers of a site', () => {
  test('may do what is on the list, and nothing else', () => {
    expect(pairsOf(workerStatements(access))).toEqual(list([...needed, ...neededOfAws]));
  });

  test('writes nothing at the other cluster', () => {
    const there = pairsOf(workerStatements(access)).filter((pair) => pair.includes('pair-a/'));
    expect(there.length).toBeGreaterThan(0);
    expect(there.filter((pair) => !/:(?:Connect|ReadData|Describe\w+) /.test(pair))).toEqual([]);
  });

  test('without markers may not alter its cluster, and all else stays', () => {
    const without = pairsOf(workerStatements({ ...access, markers: false }));
    const all = pairsOf(workerStatements(access));
    expect(all.filter((pair) => !without.includes(pair))).toEqual([`kafka-cluster:AlterCluster ${clusterArns.b}`]);
    expect(without.filter((pair) => !all.includes(pair))).toEqual([]);
  });

  test('is told of a missing object that it is missing: to list its buckets depends on nothing that is in the request', () => {
    const lists = workerStatements(access).filter(({ Action }) => Action.includes('s3:ListBucket'));
    expect(lists.map(({ Condition }) => Condition)).toEqual([undefined]);
  });

  test('fits into what IAM takes for a role', () => {
    const long = 'p'.repeat(90);
    const owners = { a: `a${long}_`, b: `b${long}_` };
    expect(policyText(workerStatements({ ...access, names: { owners } })).length).toBeLessThan(10_240);
  });

  test('groups and transactional ids have prefixes of their own where they are declared', () => {
    const names = { owners: { a: 'a_', b: 'b_' }, groups: { a: 'ga_', b: 'gb_' } };
    const pairs = pairsOf(workerStatements({ ...access, names }));
    expect(pairs).toContain(`kafka-cluster:AlterGroup ${at('b', 'group', 'ga_*')}`);
    expect(pairs).not.toContain(`kafka-cluster:AlterGroup ${at('b', 'group', 'a_*')}`);
  });
});

describe('the role of a registry', () => {
  const log = at('b', 'topic', '_schemas');
  const read = [
    ...['Connect'].map((action) => `kafka-cluster:${action} ${clusterArns.b}`),
    ...['CreateTopic', ...look].map((action) => `kafka-cluster:${action} ${log}`),
    ...['AlterGroup', 'DescribeGroup'].map(
      (action) => `kafka-cluster:${action} ${at('b', 'group', 'schema-registry')}`,
    ),
  ];

  test('at the standby reads its log', () => {
    expect(pairsOf(registryStatements(clusterArns.b, 'standby'))).toEqual([...read].sort());
  });

  test('at the schema primary writes it, too', () => {
    const write = [`kafka-cluster:WriteData ${log}`, `kafka-cluster:WriteDataIdempotently ${clusterArns.b}`];
    expect(pairsOf(registryStatements(clusterArns.b, 'primary'))).toEqual([...read, ...write].sort());
  });
});

const logGroupArn = 'arn:aws:logs:eu-west-1:111122223333:log-group:tasks';
const execution = { image: awsSettings.image.a, logGroupArn, secretArns: ['arn:secret'], keyArn, partition: 'aws' };

describe('the other roles', () => {
  test('Fargate fetches that image, writes that log and reads those secrets', () => {
    expect(pairsOf(executionStatements(execution))).toEqual(
      [
        'ecr:GetAuthorizationToken *',
        ...['BatchCheckLayerAvailability', 'BatchGetImage', 'GetDownloadUrlForLayer'].map(
          (action) => `ecr:${action} arn:aws:ecr:eu-west-1:111122223333:repository/umbra`,
        ),
        ...['CreateLogStream', 'PutLogEvents'].map((action) => `logs:${action} ${logGroupArn}:log-stream:*`),
        'secretsmanager:GetSecretValue arn:secret',
        `kms:Decrypt ${keyArn}`,
      ].sort(),
    );
  });

  test('an image from elsewhere and a task without secrets need no rights for them', () => {
    const image = `registry.example/umbra@${awsSettings.image.a.split('@')[1]!}`;
    const pairs = pairsOf(executionStatements({ ...execution, image, secretArns: [] }));
    expect(pairs.filter((pair) => !pair.startsWith('logs:'))).toEqual([]);
  });

  test('the scheduler starts that task in that cluster, and says what it could not', () => {
    const arns = {
      taskFamilyArn: 'arn:task',
      clusterArn: 'arn:cluster',
      roleArns: ['arn:role'],
      deadLetterArn: 'arn:queue',
    };
    const statements = drillStatements(arns);
    expect(pairsOf(statements)).toEqual([
      'ecs:RunTask arn:task',
      'ecs:RunTask arn:task:*',
      'iam:PassRole arn:role',
      'sqs:SendMessage arn:queue',
    ]);
    expect(statements.map(({ Condition }) => Condition)).toEqual([
      { ArnEquals: { 'ecs:cluster': 'arn:cluster' } },
      { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      undefined,
    ]);
  });

  test('no statement has every resource, but for actions that know none', () => {
    const all = [
      ...workerStatements(access),
      ...registryStatements(clusterArns.b, 'primary'),
      ...executionStatements(execution),
    ];
    const wide = all.filter(({ Resource }) => Resource.includes('*')).flatMap(({ Action }) => Action);
    expect(wide).toEqual(actionsWithoutResource);
    for (const { Action } of all) expect(Action.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('a key is the account’s, and the log service’s for that region', () => {
    const policy = JSON.parse(keyPolicyText({ accountId: '111122223333', region: 'eu-west-1', partition: 'aws' })) as {
      Statement: { Principal: unknown; Condition?: unknown }[];
    };
    expect(policy.Statement.map(({ Principal }) => Principal)).toEqual([
      { AWS: 'arn:aws:iam::111122223333:root' },
      { Service: 'logs.eu-west-1.amazonaws.com' },
    ]);
    expect(JSON.stringify(policy.Statement[1]!.Condition)).toContain('eu-west-1:111122223333:log-group');
  });
});
