import type { WrongConfig } from '../wrong-configs.ts';
import { applications, awsConfig, awsSettings, canaryPassword, digest, ownPassword, siteWith } from './settings.ts';

/** What is in no line: a password. */
export const secretText = ownPassword;

const network = { kind: 'existing', vpcId: 'vpc-0123456789abcdef0', cidr: '10.10.0.0/16' };
const subnetIds = ['subnet-01234567', 'subnet-01234568', 'subnet-01234569'];
const drill = awsSettings.drills[0]!;

/** Two settings of the target `aws` that do not go together, or one that cannot be; and the one line that it must give. */
export const wrongAwsConfigs: readonly WrongConfig[] = [
  {
    name: 'the target without its setting',
    config: { 'umbra:target': 'aws' },
    line: /^umbra:aws: is required for the target "aws"/,
  },
  {
    name: 'the setting without its target',
    config: { 'umbra:aws': awsConfig()['umbra:aws']! },
    line: /^umbra:aws: belongs to the target "aws", the target is "local"/,
  },
  {
    name: 'a setting that is not known',
    config: awsConfig({ natGateways: 3 }),
    line: 'umbra:aws.natGateways: is not a field here',
  },
  {
    name: 'both sites in one region',
    config: awsConfig({
      ...siteWith('b', { ...awsSettings.sites.a, network: { kind: 'new', cidr: '10.20.0.0/16' }, scramUsers: [] }),
      image: awsSettings.image.a,
    }),
    line: /^umbra:aws\.sites\.b\.region: is the region of site a, too/,
  },
  {
    name: 'a region that is none',
    config: awsConfig(siteWith('b', { region: 'Frankfurt' })),
    line: 'umbra:aws.sites.b.region: must be a region such as "eu-west-1"',
  },
  {
    name: 'networks that overlap',
    config: awsConfig(siteWith('b', { network: { kind: 'new', cidr: '10.10.128.0/17' } })),
    line: /^umbra:aws\.sites\.b\.network\.cidr: overlaps 10\.10\.0\.0\/16 of site a/,
  },
  {
    name: 'a network that is no block',
    config: awsConfig(siteWith('a', { network: { kind: 'new', cidr: '10.10.0.1/16' } })),
    line: /^umbra:aws\.sites\.a\.network\.cidr: must be a block/,
  },
  {
    name: 'a network that is too small for three subnets',
    config: awsConfig(siteWith('a', { network: { kind: 'new', cidr: '10.10.0.0/26' } })),
    line: /^umbra:aws\.sites\.a\.network\.cidr: must be \/16 to \/24/,
  },
  {
    name: 'a network of public addresses',
    config: awsConfig(siteWith('a', { network: { kind: 'new', cidr: '52.10.0.0/16' } })),
    line: /^umbra:aws\.sites\.a\.network\.cidr: must lie in 10\.0\.0\.0\/8/,
  },
  {
    name: 'a network of a kind that is not known',
    config: awsConfig(siteWith('a', { network: { kind: 'shared', cidr: '10.10.0.0/16' } })),
    line: /^umbra:aws\.sites\.a\.network\.kind: must be /,
  },
  {
    name: 'subnets in two zones',
    config: awsConfig(
      siteWith('a', { network: { ...network, subnetIds: subnetIds.slice(1), routeTableIds: ['rtb-01234567'] } }),
    ),
    line: /^umbra:aws\.sites\.a\.network\.subnetIds: must be 3, private and in 3 availability zones/,
  },
  {
    name: 'a subnet given twice',
    config: awsConfig(
      siteWith('a', {
        network: { ...network, subnetIds: [...subnetIds.slice(1), subnetIds[1]], routeTableIds: ['rtb-01234567'] },
      }),
    ),
    line: 'umbra:aws.sites.a.network.subnetIds: must be three different ones',
  },
  {
    name: 'clients from the internet',
    config: awsConfig(siteWith('a', { clientCidrs: ['0.0.0.0/0'] })),
    line: /^umbra:aws\.sites\.a\.clientCidrs\[0\]: must be a private block/,
  },
  {
    name: 'a version with ZooKeeper',
    config: awsConfig({ kafkaVersion: '3.9.x' }),
    line: 'umbra:aws.kafkaVersion: must be a version with KRaft, such as "4.1.x.kraft"',
  },
  {
    name: 'a version that lets no role fill gaps',
    config: awsConfig({ kafkaVersion: '3.7.x.kraft' }),
    line: /^umbra:aws\.kafkaVersion: must be 3\.8 or later/,
  },
  {
    name: 'an instance type that MSK does not have',
    config: awsConfig(siteWith('a', { brokers: { instanceType: 'm7g.large', count: 3, storageGib: 1 } })),
    line: /^umbra:aws\.sites\.a\.brokers\.instanceType: must be an instance type of MSK/,
  },
  {
    name: 'brokers that three zones cannot share',
    config: awsConfig(siteWith('a', { brokers: { instanceType: 'kafka.m7g.large', count: 4, storageGib: 1 } })),
    line: /^umbra:aws\.sites\.a\.brokers\.count: must be a multiple of 3/,
  },
  {
    name: 'Standard brokers without storage',
    config: awsConfig(siteWith('a', { brokers: { instanceType: 'kafka.m7g.large', count: 3 } })),
    line: 'umbra:aws.sites.a.brokers.storageGib: is required for Standard brokers',
  },
  {
    name: 'Express brokers with storage',
    config: awsConfig({
      sites: {
        a: { ...awsSettings.sites.a, brokers: { instanceType: 'express.m7g.large', count: 3, storageGib: 500 } },
        b: { ...awsSettings.sites.b, brokers: { instanceType: 'express.m7g.large', count: 3 } },
      },
    }),
    line: 'umbra:aws.sites.a.brokers.storageGib: must be left out: Express brokers grow by themselves',
  },
  {
    name: 'Express brokers at one site only',
    config: awsConfig(siteWith('b', { brokers: { instanceType: 'express.m7g.large', count: 3 } })),
    line: /^umbra:aws\.sites\.b\.brokers\.instanceType: must be Express at both sites or at neither/,
  },
  {
    name: 'a size that Fargate does not have',
    config: awsConfig(siteWith('a', { workers: { cpu: 1024, memoryMib: 1024 } })),
    line: 'umbra:aws.sites.a.workers.memoryMib: must be 2048 to 8192 in steps of 1024 with 1024 CPU units',
  },
  {
    name: 'fewer workers at most than at least',
    config: awsConfig(siteWith('a', { workers: { min: 3, max: 2 } })),
    line: 'umbra:aws.sites.a.workers.max: must be at least "min", which is 3',
  },
  {
    name: 'an image by tag',
    config: awsConfig({ image: { ...awsSettings.image, a: 'umbra:latest' } }),
    line: /^umbra:aws\.image/,
  },
  {
    name: 'two images that are two programs',
    config: awsConfig({
      image: { ...awsSettings.image, b: awsSettings.image.b.replace(digest, `sha256:${'0'.repeat(64)}`) },
    }),
    line: /^umbra:aws\.image\.b: must have the digest of site a/,
  },
  {
    name: 'an image that a network without a way out cannot get',
    config: awsConfig({ image: awsSettings.image.a }),
    line: /^umbra:aws\.image\.b: must be in the registry of its region, "<account>\.dkr\.ecr\.eu-central-1/,
  },
  {
    name: 'two accounts',
    config: awsConfig(siteWith('b', { accountId: '999988887777' })),
    line: /^umbra:aws\.sites\.b\.accountId: must be that of site a/,
  },
  {
    name: 'a user that is umbra',
    config: awsConfig(siteWith('b', { scramUsers: [{ name: 'umbra' }] })),
    line: /^umbra:aws\.sites\.b\.scramUsers\[0\]\.name: is umbra's own/,
  },
  {
    name: 'an application that is umbra',
    config: awsConfig(
      {},
      {
        'umbra:policy': JSON.stringify({
          applications: { ...applications, a: [...applications.a, { principal: 'User:umbra' }] },
        }),
      },
    ),
    line: /^umbra:policy\.applications\.a\[3\]\.principal: is umbra's own/,
  },
  {
    name: 'a user whom nothing is granted',
    config: awsConfig(siteWith('b', { scramUsers: [{ name: 'orders' }] })),
    line: /^umbra:aws\.sites\.b\.scramUsers\[0\]\.name: could log in and do nothing/,
  },
  {
    name: 'a user given twice',
    config: awsConfig(siteWith('a', { scramUsers: [{ name: 'orders' }, { name: 'orders' }] })),
    line: 'umbra:aws.sites.a.scramUsers[1].name: is there twice; remove one of them',
  },
  {
    name: 'a password that is too short',
    config: awsConfig(siteWith('a', { scramUsers: [{ name: 'orders', password: 'hunter2' }] })),
    line: 'umbra:aws.sites.a.scramUsers[0].password: must have at least 16 characters',
  },
  {
    name: 'a registry that no schemas come to',
    config: awsConfig({}, { 'umbra:links': '["b-a"]' }),
    line: /^umbra:aws\.sites\.b\.registry: no link brings the schemas there; add "a-b" to umbra:links/,
  },
  {
    name: 'a retention that CloudWatch does not have',
    config: awsConfig({ logRetentionDays: 31 }),
    line: /^umbra:aws\.logRetentionDays: must be one of 1, 3, 5/,
  },
  {
    name: 'a schedule that is none',
    config: awsConfig({ drills: [{ ...drill, schedule: 'every Tuesday' }] }),
    line: /^umbra:aws\.drills\[0\]\.schedule: must be cron/,
  },
  {
    name: 'a time zone that is none',
    config: awsConfig({ drills: [{ ...drill, timezone: 'Middle/Earth' }] }),
    line: /^umbra:aws\.drills\[0\]\.timezone: must be a time zone/,
  },
  {
    name: 'two drills of one name',
    config: awsConfig({ drills: [drill, drill] }),
    line: 'umbra:aws.drills[1].name: is the name of another drill, too',
  },
  {
    name: 'a drill that contradicts itself',
    config: awsConfig({ drills: [{ ...drill, level: 'L4' }] }),
    line: /^umbra:aws\.drills\[0\]\.topics: is required: L4 moves real topics/,
  },
  {
    name: 'a drill of a loss',
    config: awsConfig({ drills: [{ ...drill, level: 'L6', topics: 'all' }] }),
    line: /^umbra:aws\.drills\[0\]\.level: is for a pair that may be lost/,
  },
  {
    name: 'a drill without canaries',
    config: awsConfig({ canary: undefined }),
    line: 'umbra:aws.drills[0].level: L2 needs canaries: set umbra:aws.canary',
  },
  {
    name: 'drills whose evidence nobody could sign',
    config: awsConfig({ evidenceKey: undefined }),
    line: 'umbra:aws.evidenceKey: is required where drills are declared: it signs their evidence',
  },
  {
    name: 'a key that is none',
    config: awsConfig({ evidenceKey: 'hunter2' }),
    line: /^umbra:aws\.evidenceKey: must be a private key of Ed25519/,
  },
  {
    name: 'canaries by the name of somebody',
    config: awsConfig(
      { canary: { user: 'orders', password: canaryPassword } },
      {
        'umbra:policy': JSON.stringify({ applications: { ...applications, b: [{ principal: 'User:orders' }] } }),
      },
    ),
    line: 'umbra:aws.sites.a.scramUsers[0].name: is the user of umbra:aws.canary, which is made already',
  },
  {
    name: 'alarms to a topic of the other region',
    config: awsConfig({ alarmTopics: { b: 'arn:aws:sns:eu-west-1:111122223333:pages' } }),
    line: /^umbra:aws\.alarmTopics\.b: must be a topic of eu-central-1/,
  },
  {
    name: 'a setting of processes on this machine',
    config: awsConfig({}, { 'umbra:workersPerSite': '2' }),
    line: /^umbra:workersPerSite: belongs to the targets "local" and "existing", the target is "aws"/,
  },
  {
    name: 'ARNs that the program makes itself',
    config: awsConfig(
      {},
      {
        'umbra:policy': JSON.stringify({
          applications,
          iam: { a: { clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/orders/1a2b-3' } },
        }),
      },
    ),
    line: /^umbra:policy\.iam: is known at the target "aws"/,
  },
];
