import { type SeenResource, unknownValue } from '../../../infra/policy/rule.ts';

type Props = Readonly<Record<string, unknown>>;

export interface Case {
  readonly what: string;
  readonly stack: readonly SeenResource[];
  /** How the first finding goes on after the name; none where the case passes. */
  readonly finds?: RegExp;
}

export function resource(type: string, name: string, props: Props, more: Partial<SeenResource> = {}): SeenResource {
  return { urn: `urn:pulumi:test::umbra::${type}::${name}`, type, name, props, protect: false, sources: {}, ...more };
}

const clusterType = 'aws:msk/cluster:Cluster';
const goodCluster: Props = {
  kafkaVersion: '4.1.x.kraft',
  numberOfBrokerNodes: 3,
  brokerNodeGroupInfo: {
    instanceType: 'kafka.m7g.large',
    connectivityInfo: { publicAccess: { type: 'DISABLED' } },
    storageInfo: { ebsStorageInfo: { volumeSize: 500 } },
  },
  clientAuthentication: { sasl: { iam: true, scram: true }, unauthenticated: false },
  encryptionInfo: {
    encryptionAtRestKmsKeyArn: unknownValue,
    encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
  },
};

function cluster(props: Props = {}, name = 'pair-a-cluster', more: Partial<SeenResource> = {}): SeenResource {
  return resource(clusterType, name, { ...goodCluster, ...props }, { protect: true, ...more });
}

const passing = (what: string, ...stack: readonly SeenResource[]): Case => ({ what, stack });
const failing = (what: string, finds: RegExp, ...stack: readonly SeenResource[]): Case => ({ what, stack, finds });

const role = (assumeRolePolicy: unknown): SeenResource =>
  resource('aws:iam/role:Role', 'pair-a-worker', {
    assumeRolePolicy: typeof assumeRolePolicy === 'object' ? JSON.stringify(assumeRolePolicy) : assumeRolePolicy,
  });
const rights = (...statements: readonly object[]): SeenResource =>
  resource('aws:iam/rolePolicy:RolePolicy', 'pair-a-worker-rights', {
    policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
  });
const key = (...statements: readonly object[]): SeenResource =>
  resource('aws:kms/key:Key', 'pair-a-key', { policy: JSON.stringify({ Statement: statements }) });

const ingress = (cidrIpv4: string): SeenResource =>
  resource('aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule', 'pair-a-in', { cidrIpv4 });

const bucket = (name: string, props: Props = {}): SeenResource => resource('aws:s3/bucket:Bucket', name, props);
/** A setting whose bucket is not known yet, but where its name comes from is. */
const setting = (of: SeenResource, type: string, props: Props): SeenResource =>
  resource(
    `aws:s3/${type}`,
    `${of.name}-setting`,
    { bucket: unknownValue, ...props },
    { sources: { bucket: [of.urn] } },
  );

const spec = bucket('pair-a-spec');
const evidence = bucket('pair-a-evidence', { objectLockEnabled: true });
const closedBy = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
};
const block = (props: Props = closedBy): SeenResource =>
  setting(spec, 'bucketPublicAccessBlock:BucketPublicAccessBlock', props);
const encryption = (given: Props): SeenResource =>
  setting(spec, 'bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration', {
    rules: [{ applyServerSideEncryptionByDefault: given }],
  });
const versioning = (status: string): SeenResource =>
  setting(spec, 'bucketVersioning:BucketVersioning', { versioningConfiguration: { status } });
const lock = (defaultRetention: Props): SeenResource =>
  setting(evidence, 'bucketObjectLockConfiguration:BucketObjectLockConfiguration', { rule: { defaultRetention } });

const pairOf = (name: string): SeenResource => resource('umbra:aws:Pair', name, {});
const siteOf = (pair: SeenResource, name: string): SeenResource =>
  resource('umbra:aws:Site', name, {}, { parent: pair.urn });
const pair = pairOf('pair');
const [siteA, siteB] = [siteOf(pair, 'pair-a'), siteOf(pair, 'pair-b')];
const components = [pair, siteA, siteB];
const clusterAt = (site: SeenResource, props: Props = {}): SeenResource =>
  cluster(props, `${site.name}-cluster`, { parent: site.urn });
const settingsAt = (site: SeenResource, serverProperties: unknown): SeenResource =>
  resource('aws:msk/configuration:Configuration', `${site.name}-settings`, { serverProperties }, { parent: site.urn });
const denying = 'allow.everyone.if.no.acl.found=false';

const other = pairOf('other');
const otherSite = siteOf(other, 'other-a');

const task = (image: string): SeenResource =>
  resource('aws:ecs/taskDefinition:TaskDefinition', 'pair-a-worker-task', {
    containerDefinitions: JSON.stringify([{ name: 'worker', image }]),
  });
const secret = (props: Props): SeenResource => resource('aws:secretsmanager/secret:Secret', 'pair-a-token', props);
const log = (props: Props): SeenResource => resource('aws:cloudwatch/logGroup:LogGroup', 'pair-a-log', props);
const costing = (props: Props): SeenResource => resource('umbra:aws:Pair', 'pair', props);

/** Of each rule what it stops and what it lets pass. */
export const cases: Readonly<Record<string, readonly Case[]>> = {
  'brokers-not-public': [
    passing('a cluster without public access', cluster()),
    passing('a cluster that says nothing of it', cluster({ brokerNodeGroupInfo: { instanceType: 'kafka.m7g.large' } })),
    failing(
      'a cluster with public addresses',
      /gives brokers public addresses \(SERVICE_PROVIDED_EIPS\)/,
      cluster({ brokerNodeGroupInfo: { connectivityInfo: { publicAccess: { type: 'SERVICE_PROVIDED_EIPS' } } } }),
    ),
  ],
  'no-ingress-from-everywhere': [
    passing('a private block', ingress('10.20.0.0/16')),
    failing('every address', /lets 0\.0\.0\.0\/0 in/, ingress('0.0.0.0/0')),
    failing(
      'every address of version 6 in a group of its own rules',
      /lets ::\/0 in/,
      resource('aws:ec2/securityGroup:SecurityGroup', 'open', { ingress: [{ ipv6CidrBlocks: ['::/0'] }] }),
    ),
  ],
  'tasks-not-public': [
    passing('a service that says nothing', resource('aws:ecs/service:Service', 's', { networkConfiguration: {} })),
    failing(
      'a service with public addresses',
      /gives its tasks public addresses/,
      resource('aws:ecs/service:Service', 's', { networkConfiguration: { assignPublicIp: true } }),
    ),
  ],
  'brokers-tls-only': [
    passing('a cluster with TLS', cluster()),
    passing("MSK's own default", cluster({ encryptionInfo: {} })),
    failing(
      'clients without TLS beside those with it',
      /lets clients connect without TLS/,
      cluster({ encryptionInfo: { encryptionInTransit: { clientBroker: 'TLS_PLAINTEXT' } } }),
    ),
    failing(
      'brokers among themselves',
      /lets brokers talk to each other without TLS/,
      cluster({ encryptionInfo: { encryptionInTransit: { clientBroker: 'TLS', inCluster: false } } }),
    ),
  ],
  'brokers-authenticate': [
    passing('IAM and SCRAM', cluster()),
    passing('certificates', cluster({ clientAuthentication: { tls: { certificateAuthorityArns: ['arn:ca'] } } })),
    failing(
      'anybody beside IAM',
      /lets anybody in without credentials/,
      cluster({ clientAuthentication: { sasl: { iam: true }, unauthenticated: true } }),
    ),
    failing('nothing', /has no way to authenticate/, cluster({ clientAuthentication: {} })),
  ],
  'brokers-deny-by-default': [
    passing('false', settingsAt(siteA, `num.partitions=3\n${denying}\n`)),
    passing('settings that are not known yet', settingsAt(siteA, unknownValue)),
    failing('the default of MSK', /leaves topics without ACLs open/, settingsAt(siteA, 'num.partitions=3')),
    failing('true', /leaves topics without ACLs open/, settingsAt(siteA, 'allow.everyone.if.no.acl.found = true')),
  ],
  'brokers-own-key': [
    passing('a key that is made in the same update', cluster()),
    failing('none', /is encrypted with AWS's own key/, cluster({ encryptionInfo: {} })),
  ],
  'clusters-protected': [
    passing('protect', cluster()),
    failing('no protect', /is not protected/, cluster({}, 'pair-a-cluster', { protect: false })),
  ],
  'sites-symmetrical': [
    passing('two equal clusters', ...components, clusterAt(siteA), clusterAt(siteB)),
    passing('clusters of two pairs', ...components, other, otherSite, clusterAt(siteA), clusterAt(otherSite, { numberOfBrokerNodes: 6 })), // prettier-ignore
    passing('a version that is not known', ...components, clusterAt(siteA), clusterAt(siteB, { kafkaVersion: unknownValue })), // prettier-ignore
    failing(
      'another version',
      /has another Kafka version than pair-a-cluster: 3\.9\.x\.kraft, not 4\.1\.x\.kraft/,
      ...[...components, clusterAt(siteA), clusterAt(siteB, { kafkaVersion: '3.9.x.kraft' })],
    ),
    failing(
      'more brokers',
      /has another number of brokers than pair-a-cluster: 6, not 3/,
      ...[...components, clusterAt(siteA), clusterAt(siteB, { numberOfBrokerNodes: 6 })],
    ),
    failing(
      'larger brokers',
      /has another instance type than pair-a-cluster: kafka\.m7g\.xlarge, not kafka\.m7g\.large/,
      ...[...components, clusterAt(siteA), clusterAt(siteB, { brokerNodeGroupInfo: { ...(goodCluster['brokerNodeGroupInfo'] as Props), instanceType: 'kafka.m7g.xlarge' } })], // prettier-ignore
    ),
    failing(
      'less storage',
      /has another storage of a broker than pair-a-cluster: none, not 500/,
      ...[...components, clusterAt(siteA), clusterAt(siteB, { brokerNodeGroupInfo: { instanceType: 'kafka.m7g.large' } })], // prettier-ignore
    ),
  ],
  'settings-symmetrical': [
    passing('the same in another order', ...components, settingsAt(siteA, `${denying}\nnum.partitions=3`), settingsAt(siteB, `num.partitions=3\n${denying}`)), // prettier-ignore
    failing(
      'another number of partitions',
      /has another num\.partitions than pair-a-settings: 6, not 3/,
      ...[...components, settingsAt(siteA, 'num.partitions=3'), settingsAt(siteB, 'num.partitions=6')],
    ),
    failing(
      'a setting at one site only',
      /has another message\.max\.bytes than pair-a-settings: none, not 8388608/,
      ...[...components, settingsAt(siteA, `message.max.bytes=8388608\n${denying}`), settingsAt(siteB, denying)],
    ),
  ],
  'policies-readable': [
    passing('a document', role({ Statement: { Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' } })), // prettier-ignore
    passing('one that is not known yet', role(unknownValue)),
    failing('no JSON', /has a policy that is no policy document/, role('{')),
    failing('no statements', /has a policy that is no policy document/, role({ Version: '2012-10-17' })),
  ],
  'no-wildcard-principals': [
    passing('a service', role({ Statement: [{ Effect: 'Allow', Principal: { Service: 'kafka.amazonaws.com' }, Action: 'sts:AssumeRole' }] })), // prettier-ignore
    passing('everybody, denied', rights({ Sid: 'TlsOnly', Effect: 'Deny', Principal: '*', Action: 's3:*' })),
    failing(
      'everybody',
      /allows everybody in the statement Open/,
      rights({ Sid: 'Open', Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }),
    ),
    failing(
      'everybody in AWS',
      /allows everybody in a statement without Sid/,
      rights({ Effect: 'Allow', Principal: { AWS: ['arn:aws:iam::111122223333:root', '*'] }, Action: 's3:GetObject' }),
    ),
    failing(
      'everybody but one',
      /allows everybody/,
      rights({ Effect: 'Allow', NotPrincipal: { AWS: 'arn:aws:iam::111122223333:user/u' }, Action: 's3:GetObject' }),
    ),
  ],
  'no-wildcard-actions': [
    passing('listed actions, with a wildcard inside a name', rights({ Effect: 'Allow', Action: ['s3:GetObject', 'kms:ReEncrypt*'] })), // prettier-ignore
    passing('all of a key, to its account', key({ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111122223333:root' }, Action: 'kms:*' })), // prettier-ignore
    failing('everything', /allows \* in the statement All/, rights({ Sid: 'All', Effect: 'Allow', Action: '*' })),
    failing('all of a service', /allows kafka-cluster:\*/, rights({ Effect: 'Allow', Action: ['kafka-cluster:*'] })),
    failing('everything but something', /allows all actions but some/, rights({ Effect: 'Allow', NotAction: 'iam:*' })),
    failing(
      'all of a key, to a role',
      /allows kms:\*/,
      key({ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111122223333:role/r' }, Action: 'kms:*' }),
    ),
  ],
  'buckets-closed': [
    passing('all four settings', spec, block()),
    passing('a bucket that is named by text', bucket('x', { bucket: 'evidence-1' }), resource('aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock', 'y', { bucket: 'evidence-1', ...closedBy })), // prettier-ignore
    failing('no setting', /can be made public: blockPublicAcls, /, spec),
    failing('one setting off', /can be made public: blockPublicPolicy is not on/, spec, block({ ...closedBy, blockPublicPolicy: false })), // prettier-ignore
    failing('the settings of another bucket', /can be made public/, evidence, spec, block()),
  ],
  'buckets-own-key': [
    passing('a key', spec, encryption({ sseAlgorithm: 'aws:kms', kmsMasterKeyId: unknownValue })),
    failing("S3's own keys", /is not encrypted with a key of its own/, spec, encryption({ sseAlgorithm: 'AES256' })),
    failing("AWS's key", /is not encrypted with a key of its own/, spec, encryption({ sseAlgorithm: 'aws:kms' })),
  ],
  'buckets-versioned': [
    passing('Enabled', spec, versioning('Enabled')),
    failing('Suspended', /keeps no older versions/, spec, versioning('Suspended')),
    failing('nothing', /keeps no older versions/, spec),
  ],
  'evidence-locked': [
    passing('a lock', evidence, lock({ mode: 'GOVERNANCE', days: 365 })),
    passing('no lock where there is no evidence', spec),
    failing('no lock', /holds evidence and is not locked/, evidence),
    failing('a lock without a time', /holds evidence and is not locked/, evidence, lock({ mode: 'COMPLIANCE' })),
    failing(
      'a bucket that cannot be locked',
      /holds evidence and is not locked/,
      ...[bucket('pair-a-evidence'), lock({ mode: 'GOVERNANCE', days: 365 })],
    ),
  ],
  'secrets-own-key': [
    passing('a key', secret({ kmsKeyId: unknownValue })),
    failing('none', /is encrypted with AWS's own key/, secret({})),
  ],
  'logs-end': [
    passing('a time and a key', log({ retentionInDays: 30, kmsKeyId: 'arn:key' })),
    failing('no time', /keeps logs for ever/, log({ kmsKeyId: 'arn:key' })),
    failing('no end', /keeps logs for ever/, log({ retentionInDays: 0, kmsKeyId: 'arn:key' })),
    failing('no key', /is encrypted with AWS's own key/, log({ retentionInDays: 30 })),
  ],
  'keys-rotate': [
    passing('rotation', resource('aws:kms/key:Key', 'pair-a-key', { enableKeyRotation: true })),
    failing('none', /is never renewed/, resource('aws:kms/key:Key', 'pair-a-key', {})),
  ],
  'images-by-digest': [
    passing('a digest', task(`umbra@sha256:${'0'.repeat(64)}`)),
    passing('definitions that are not known yet', resource('aws:ecs/taskDefinition:TaskDefinition', 't', { containerDefinitions: unknownValue })), // prettier-ignore
    failing('a tag', /runs umbra:latest in the container worker, which is no digest/, task('umbra:latest')),
    failing('half a digest', /which is no digest/, task('umbra@sha256:0123')),
    failing(
      'no definitions',
      /has container definitions that cannot be read/,
      resource('aws:ecs/taskDefinition:TaskDefinition', 't', { containerDefinitions: '{}' }),
    ),
  ],
  'cost-within-budget': [
    passing('less than the budget', costing({ estimatedUsdPerMonth: 1_937, budgetUsdPerMonth: 2_000 })),
    passing('no budget', costing({ estimatedUsdPerMonth: 1_937 })),
    failing(
      'more than the budget',
      /is estimated at \$1937 a month, its budget is \$1500/,
      costing({ estimatedUsdPerMonth: 1_937, budgetUsdPerMonth: 1_500 }),
    ),
  ],
};
