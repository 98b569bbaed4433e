import { otherSite, type SiteId } from '../../src/pair/site.ts';
import type { Grant, NamesOfSite } from '../../src/prefix-policy/grant.ts';
import { renderIamStatements } from '../../src/prefix-policy/iam-statements.ts';
import { registryGroup } from '../../src/prefix-policy/internal-names.ts';
import { renderWorkerRoleGrants } from '../../src/prefix-policy/umbra-grants.ts';
import { schemasTopic } from '../../src/schema-primary/schema-primary.ts';
import { parseEcrImage, umbraPrincipal } from './config.ts';

/** One statement of a policy that is attached to a role. Every `Resource` is a name of its own but where AWS has none. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** As IAM takes it. */
export function policyText(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

/** Who may take a role on: a service, for things of this account only (nobody else's task can borrow it). */
export function trustText(service: string, accountId: string): string {
  const Condition = { StringEquals: { 'aws:SourceAccount': accountId } };
  const statement = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole', Condition };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

export interface WorkerAccess {
  readonly site: SiteId;
  readonly names: Omit<NamesOfSite, 'site'>;
  /** Whether umbra may alter its own cluster: markers and ACLs. */
  readonly markers: boolean;
  readonly clusterArns: Readonly<Record<SiteId, string>>;
  /** Of the site's own buckets, and the folders in them. */
  readonly spec: BucketFolder;
  readonly quarantine: BucketFolder;
  readonly evidence: BucketFolder;
  /** Of the site's key, with which its buckets are encrypted. */
  readonly keyArn: string;
  /** Who is primary of each prefix, in both regions. */
  readonly parameterArns: readonly string[];
}

export interface BucketFolder {
  readonly arn: string;
  /** Ends with a slash. */
  readonly prefix: string;
}

/** What the workers of a site may: write at home, read at the other cluster, and keep what the pair keeps in AWS. */
export function workerStatements(access: WorkerAccess): readonly Statement[] {
  const { site, names, markers, clusterArns, spec, quarantine, evidence, keyArn, parameterArns } = access;
  const grants = renderWorkerRoleGrants({ ...names, site, umbra: umbraPrincipal, markers });
  const objects = (folder: BucketFolder, names = '*'): string => `${folder.arn}/${folder.prefix}${names}`;
  return [
    ...kafkaStatements('Home', grants.own, clusterArns[site]),
    ...kafkaStatements('Source', grants.other, clusterArns[otherSite(site)]),
    allow('Spec', ['s3:GetObject'], [objects(spec, 'spec.json'), objects(spec, 'status.json')]),
    allow('Status', ['s3:PutObject'], [objects(spec, 'status.json')]),
    allow('Quarantine', ['s3:GetObject', 's3:PutObject'], [objects(quarantine)]),
    allow('Evidence', ['s3:GetObject', 's3:PutObject'], [objects(evidence)]),
    // Without it a missing object would be answered with 403, as if it were there and not ours. No condition on a prefix: who
    // asks for one object names none, so that it might not be met then. The buckets hold nothing but what is umbra's.
    allow('List', ['s3:ListBucket'], [spec.arn, quarantine.arn, evidence.arn]),
    allow('Key', ['kms:Decrypt', 'kms:GenerateDataKey'], [keyArn]),
    allow('Primary', ['ssm:GetParameter', 'ssm:PutParameter'], parameterArns),
  ];
}

/** Of a registry: its log, which only that of the schema primary may write. */
export function registryStatements(clusterArn: string, role: 'primary' | 'standby'): readonly Statement[] {
  const principal = 'User:schema-registry';
  const write = role === 'primary' ? (['WRITE'] as const) : [];
  const grants: readonly Grant[] = [
    {
      principal,
      resource: { resourceType: 'TOPIC', resourceName: schemasTopic, patternType: 'LITERAL' },
      operations: ['READ', ...write, 'DESCRIBE', 'DESCRIBE_CONFIGS', 'CREATE'],
      why: 'the log of the registry',
    },
    {
      principal,
      resource: { resourceType: 'GROUP', resourceName: registryGroup, patternType: 'LITERAL' },
      operations: ['READ', 'DESCRIBE'],
      why: 'who leads among the registries of a site',
    },
  ];
  return kafkaStatements('Log', grants, clusterArn);
}

function kafkaStatements(name: string, grants: readonly Grant[], clusterArn: string): readonly Statement[] {
  const { policies, omitted } = renderIamStatements(grants, clusterArn);
  const [missing] = omitted;
  if (missing !== undefined) throw new Error(`invariant: ${missing.why}`);
  const statements = policies.flatMap((policy) => policy.statements);
  return statements.map((statement, index) => ({ Sid: `${name}${index + 1}`, ...statement }));
}

export interface ExecutionAccess {
  readonly image: string;
  readonly logGroupArn: string;
  /** Of what is put into the environment of the container. */
  readonly secretArns: readonly string[];
  readonly keyArn: string;
  readonly partition: string;
}

/** What Fargate itself needs before the container runs: its image, its log and its secrets. */
export function executionStatements(access: ExecutionAccess): readonly Statement[] {
  const { image, logGroupArn, secretArns, keyArn, partition } = access;
  const ecr = parseEcrImage(image);
  const repository =
    ecr === undefined ? undefined : `arn:${partition}:ecr:${ecr.region}:${ecr.accountId}:repository/${ecr.repository}`;
  return [
    ...(repository === undefined
      ? []
      : [
          allow('Login', ['ecr:GetAuthorizationToken'], ['*']),
          allow(
            'Image',
            ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
            [repository],
          ),
        ]),
    allow('Log', ['logs:CreateLogStream', 'logs:PutLogEvents'], [`${logGroupArn}:log-stream:*`]),
    ...(secretArns.length === 0
      ? []
      : [allow('Secrets', ['secretsmanager:GetSecretValue'], secretArns), allow('Key', ['kms:Decrypt'], [keyArn])]),
  ];
}

/** Actions that know no resource: AWS takes `*` there and nothing else. */
export const actionsWithoutResource: readonly string[] = ['ecr:GetAuthorizationToken'];

export interface DrillAccess {
  /** Without its revision. */
  readonly taskFamilyArn: string;
  readonly clusterArn: string;
  /** Which the task takes on. */
  readonly roleArns: readonly string[];
  readonly deadLetterArn: string;
}

/** Of the scheduler: it starts the workers' task, and says in a queue when it could not. */
export function drillStatements({
  taskFamilyArn,
  clusterArn,
  roleArns,
  deadLetterArn,
}: DrillAccess): readonly Statement[] {
  return [
    {
      // The schedule names no revision; which of both is asked for AWS does not say.
      ...allow('Run', ['ecs:RunTask'], [taskFamilyArn, `${taskFamilyArn}:*`]),
      Condition: { ArnEquals: { 'ecs:cluster': clusterArn } },
    },
    {
      ...allow('Pass', ['iam:PassRole'], roleArns),
      Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    },
    allow('Tell', ['sqs:SendMessage'], [deadLetterArn]),
  ];
}

export interface KeyAccess {
  readonly accountId: string;
  readonly region: string;
  readonly partition: string;
}

/** Of a key: its account decides by roles, and the log service may encrypt the logs of that account and region. */
export function keyPolicyText({ accountId, region, partition }: KeyAccess): string {
  const logs = {
    Sid: 'Logs',
    Effect: 'Allow',
    Principal: { Service: `logs.${region}.amazonaws.com` },
    Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
    Resource: '*',
    Condition: {
      ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${accountId}:log-group:*` },
    },
  };
  const account = {
    Sid: 'Account',
    Effect: 'Allow',
    Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  return JSON.stringify({ Version: '2012-10-17', Statement: [account, logs] });
}

/** Of a secret that MSK reads for SCRAM. Without it MSK adds one of its own, which would show as drift for ever. */
export function scramSecretPolicyText(secretArn: string): string {
  const statement = {
    Sid: 'AWSKafkaResourcePolicy',
    Effect: 'Allow',
    Principal: { Service: 'kafka.amazonaws.com' },
    Action: 'secretsmanager:getSecretValue',
    Resource: secretArn,
  };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

/** Of a bucket: TLS only. */
export function bucketPolicyText(bucketArn: string): string {
  const statement = {
    Sid: 'TlsOnly',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

/** Of the queue for drills that did not start: only the scheduler of this account puts something in. */
export function deadLetterPolicyText(queueArn: string, accountId: string): string {
  const statement = {
    Sid: 'Scheduler',
    Effect: 'Allow',
    Principal: { Service: 'scheduler.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
  };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

function allow(Sid: string, Action: readonly string[], Resource: readonly string[]): Statement {
  return { Sid, Effect: 'Allow', Action, Resource };
}
