import { createHash, randomBytes } from 'node:crypto';
import type { PropertyMap, PropertyValue } from '../../../src/provider/server/property.ts';
import { unknownValue } from '../../../src/provider/server/property.ts';
import { objectionsTo, schemaOf } from './schema.ts';

// What stands for AWS in the tests of the program: it remembers nothing, refuses nothing that the types allow, and makes up
// ids, ARNs and addresses in the shape of the real ones. The real provider cannot be had here, let alone an account; whether
// AWS takes these inputs, and which changes replace a real resource, is not shown by it.

export const accountId = '111122223333';

/** Everything that AWS makes up as a password contains this, so that a test can look for it. */
export const madeUp = 'MadeUpByAws';

export interface FakeResource {
  readonly type: string;
  /** In Pulumi. */
  readonly name: string;
  readonly region: string;
  readonly inputs: PropertyMap;
}

/** Inputs as they are kept, with the name that AWS will know it by. */
export function checkFake(
  resource: Omit<FakeResource, 'region'>,
  before: PropertyMap,
): { inputs: PropertyMap; failures: readonly string[] } {
  const { type, name, inputs } = resource;
  return { inputs: { ...autonamed(type, name, inputs, before), ...inputs }, failures: objectionsTo(type, inputs) };
}

/** `pair-a-spec` → `pair-a-spec-1a2b3c4`, once. */
function autonamed(type: string, name: string, inputs: PropertyMap, before: PropertyMap): PropertyMap {
  const field = type === 'aws:s3/bucket:Bucket' ? 'bucket' : 'name';
  const schema = schemaOf(type).inputs.get(field);
  if (schema === undefined || inputs[field] !== undefined) return {};
  const [kept, prefix] = [textOf(before[field]), textOf(inputs['namePrefix'])];
  if (kept !== undefined && kept.startsWith(prefix ?? '')) return { [field]: kept };
  return { [field]: prefix === undefined ? `${name}-${digest(name)}` : `${prefix}${digest(name)}` };
}

export interface FakeState {
  readonly id: string;
  readonly outputs: PropertyMap;
}

/** What is known of it before it is there. */
export function previewFake({ type, inputs }: FakeResource): PropertyMap {
  const unknowns = schemaOf(type).outputs.map((output) => [output, unknownValue] as const);
  return { ...Object.fromEntries(unknowns), ...inputs };
}

export function createFake(resource: FakeResource): FakeState {
  const { type, name, region, inputs } = resource;
  const [, module = ''] = type.split(':');
  const [service = '', kind = ''] = module.split('/');
  const called =
    textOf(inputs['name'] ?? inputs['bucket'] ?? inputs['clusterName'] ?? inputs['family']) ??
    `${name}-${digest(name)}`;
  const context: Context = { region, name, called, service, kind, inputs };
  const special = shapes[type]?.(context) ?? {};
  const { id: given, ...outputs } = special;
  const id = textOf(given) ?? called;
  const arn = `arn:aws:${service}:${region}:${accountId}:${kind}/${called}`;
  const known = new Set(schemaOf(type).outputs);
  const computed = known.has('arn') ? { arn, ...outputs } : outputs;
  return { id, outputs: { ...inputs, ...computed } };
}

interface Context {
  readonly region: string;
  readonly name: string;
  /** In AWS. */
  readonly called: string;
  readonly service: string;
  readonly kind: string;
  readonly inputs: PropertyMap;
}

/** What is not as it is elsewhere: ids, ARNs, and what others are told of it. */
const shapes: Readonly<Record<string, (context: Context) => PropertyMap>> = {
  'aws:msk/cluster:Cluster': ({ region, called }) => {
    const host = (broker: number): string => `b-${broker}.${called}.fake.kafka.${region}.amazonaws.com`;
    const servers = (port: number): string => [1, 2, 3].map((broker) => `${host(broker)}:${port}`).join(',');
    const arn = `arn:aws:kafka:${region}:${accountId}:cluster/${called}/0f0e0d0c-0b0a-4908-8706-050403020100-2`;
    const bootstrap = { bootstrapBrokersSaslIam: servers(9098), bootstrapBrokersSaslScram: servers(9096) };
    return { id: arn, arn, ...bootstrap, currentVersion: 'K3AEGXETSR30VB', clusterUuid: '0f0e0d0c' };
  },
  'aws:msk/configuration:Configuration': () => ({ latestRevision: 1 }),
  'aws:s3/bucket:Bucket': ({ called, region }) => ({ arn: `arn:aws:s3:::${called}`, bucketRegion: region }),
  'aws:iam/role:Role': ({ called }) => ({ arn: `arn:aws:iam::${accountId}:role/${called}` }),
  'aws:iam/rolePolicy:RolePolicy': ({ called, inputs }) => ({ id: `${textOf(inputs['role']) ?? ''}:${called}` }),
  'aws:kms/key:Key': ({ name, region }) => {
    const keyId = `${digest(name)}0-0000-4000-8000-000000000000`;
    return { id: keyId, keyId, arn: `arn:aws:kms:${region}:${accountId}:key/${keyId}` };
  },
  'aws:cloudwatch/logGroup:LogGroup': ({ called, region }) => ({
    arn: `arn:aws:logs:${region}:${accountId}:log-group:${called}`,
  }),
  'aws:ecs/taskDefinition:TaskDefinition': ({ called, region }) => {
    const family = `arn:aws:ecs:${region}:${accountId}:task-definition/${called}`;
    return { arn: `${family}:1`, arnWithoutRevision: family, revision: 1 };
  },
  'aws:ecs/cluster:Cluster': ({ called, region }) => idAndArn(`arn:aws:ecs:${region}:${accountId}:cluster/${called}`),
  'aws:secretsmanager/secret:Secret': ({ called, region }) =>
    idAndArn(`arn:aws:secretsmanager:${region}:${accountId}:secret:${called}-AbCdEf`),
  'aws:sqs/queue:Queue': ({ called, region }) => {
    const url = `https://sqs.${region}.amazonaws.com/${accountId}/${called}`;
    return { id: url, url, arn: `arn:aws:sqs:${region}:${accountId}:${called}` };
  },
  'aws:ec2/vpc:Vpc': ({ name }) => ({ id: `vpc-0${digest(name)}` }),
  'aws:ec2/subnet:Subnet': ({ name }) => ({ id: `subnet-0${digest(name)}` }),
  'aws:ec2/routeTable:RouteTable': ({ name }) => ({ id: `rtb-0${digest(name)}` }),
  'aws:ec2/securityGroup:SecurityGroup': ({ name }) => ({ id: `sg-0${digest(name)}` }),
  'aws:ec2/vpcPeeringConnection:VpcPeeringConnection': ({ name }) => ({ id: `pcx-0${digest(name)}` }),
  'aws:ec2/vpcEndpoint:VpcEndpoint': ({ name, inputs }) => ({
    id: `vpce-0${digest(name)}`,
    prefixListId: `pl-0${digest(name)}`,
    dnsEntries: [
      {
        dnsName: `vpce-0${digest(name)}.${textOf(inputs['serviceName']) ?? ''}.vpce.amazonaws.com`,
        hostedZoneId: 'Z0FAKE',
      },
    ],
  }),
  'aws:route53/zone:Zone': ({ name }) => ({
    id: `Z${digest(name).toUpperCase()}`,
    zoneId: `Z${digest(name).toUpperCase()}`,
  }),
};

function idAndArn(arn: string): PropertyMap {
  return { id: arn, arn };
}

/** Inputs whose change makes another resource. Of the real provider's list only what the tests ask about. */
const replacing: Readonly<Record<string, readonly string[]>> = {
  'aws:msk/cluster:Cluster': ['clusterName'],
  'aws:msk/configuration:Configuration': ['name', 'kafkaVersions'],
  'aws:ec2/vpc:Vpc': ['cidrBlock'],
  'aws:ec2/subnet:Subnet': ['cidrBlock', 'availabilityZone', 'vpcId'],
  'aws:s3/bucket:Bucket': ['bucket', 'objectLockEnabled'],
  'aws:ssm/parameter:Parameter': ['name'],
  // Each set of definitions is a revision of its own.
  'aws:ecs/taskDefinition:TaskDefinition': ['containerDefinitions', 'cpu', 'memory', 'family', 'volumes'],
};

export function replacedBy(type: string, changed: readonly string[]): readonly string[] {
  const names = replacing[type] ?? [];
  return changed.filter((name) => names.includes(name));
}

/** What AWS refuses of a change, as far as the tests ask. */
export function updateRefusal(type: string, before: PropertyMap, next: PropertyMap): string | undefined {
  if (type !== 'aws:msk/cluster:Cluster') return undefined;
  const [from, to] = [versionOf(before['kafkaVersion']), versionOf(next['kafkaVersion'])];
  return to < from ? 'BadRequestException: the version of a cluster cannot be lowered' : undefined;
}

function versionOf(text: PropertyValue | undefined): number {
  const [major = '0', minor = '0'] = (textOf(text) ?? '').split('.');
  return Number(major) * 1000 + Number(minor);
}

/** Functions that the program calls. */
export function invokeFake(token: string, region: string): PropertyMap {
  switch (token) {
    case 'aws:index/getAvailabilityZones:getAvailabilityZones': {
      const names = ['a', 'b', 'c', 'd'].map((zone) => `${region}${zone}`);
      return { id: region, names, zoneIds: names, groupNames: [region] };
    }
    case 'aws:index/getCallerIdentity:getCallerIdentity':
      return { accountId, arn: `arn:aws:iam::${accountId}:user/test`, id: accountId, userId: 'AIDATEST' };
    case 'aws:secretsmanager/getRandomPassword:getRandomPassword':
      return { id: 'password', randomPassword: `${madeUp}${randomBytes(16).toString('hex')}` };
    default:
      throw new Error(`${token}: is no function of the stand-in for AWS`);
  }
}

function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 7);
}

function textOf(value: PropertyValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
