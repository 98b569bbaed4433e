import { at, isGiven, isOrWillBe, type ResourceRule, type Rule, type SeenResource, unknownValue } from './rule.ts';

const cluster = 'aws:msk/cluster:Cluster';
const ingressRule = 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule';
const securityGroup = 'aws:ec2/securityGroup:SecurityGroup';
const everywhere = ['0.0.0.0/0', '::/0'];

/** Kafka clusters and who reaches them. */
export const brokerRules: readonly Rule[] = [
  {
    ...{ of: 'resource', name: 'brokers-not-public', level: 'mandatory' },
    holds: 'brokers have no public addresses',
    remedy: 'leave connectivityInfo.publicAccess out, or set its type to DISABLED; reach brokers over private networks',
    types: [cluster],
    judge: ({ props }) => {
      const access = at(props, 'brokerNodeGroupInfo.connectivityInfo.publicAccess.type');
      return isOrWillBe(access, undefined, 'DISABLED') ? [] : [`gives brokers public addresses (${String(access)})`];
    },
  },
  {
    ...{ of: 'resource', name: 'no-ingress-from-everywhere', level: 'mandatory' },
    holds: 'no security group lets the whole internet in',
    remedy: 'name the private blocks that are to be let in',
    types: [ingressRule, securityGroup],
    judge: (resource) => openBlocks(resource).map((block) => `lets ${block} in`),
  },
  {
    ...{ of: 'resource', name: 'tasks-not-public', level: 'mandatory' },
    holds: 'tasks have no public addresses',
    remedy: 'set networkConfiguration.assignPublicIp to false',
    types: ['aws:ecs/service:Service'],
    judge: ({ props }) =>
      at(props, 'networkConfiguration.assignPublicIp') === true ? ['gives its tasks public addresses'] : [],
  },
  {
    ...{ of: 'resource', name: 'brokers-tls-only', level: 'mandatory' },
    holds: 'brokers talk TLS only, to clients and among themselves',
    remedy: 'set encryptionInfo.encryptionInTransit to { clientBroker: "TLS", inCluster: true }',
    types: [cluster],
    judge: ({ props }) => [
      // MSK's own default is TLS for both; another value was written by somebody.
      ...(isOrWillBe(at(props, 'encryptionInfo.encryptionInTransit.clientBroker'), undefined, 'TLS')
        ? []
        : ['lets clients connect without TLS']),
      ...(at(props, 'encryptionInfo.encryptionInTransit.inCluster') === false
        ? ['lets brokers talk to each other without TLS']
        : []),
    ],
  },
  {
    ...{ of: 'resource', name: 'brokers-authenticate', level: 'mandatory' },
    holds: 'whoever connects to brokers has to say who it is',
    remedy: 'turn clientAuthentication.sasl.iam or .scram on, and leave unauthenticated off',
    types: [cluster],
    judge: ({ props }) => {
      const ways = ['sasl.iam', 'sasl.scram', 'tls.certificateAuthorityArns'].map((way) =>
        at(props, `clientAuthentication.${way}`),
      );
      return [
        ...(at(props, 'clientAuthentication.unauthenticated') === true ? ['lets anybody in without credentials'] : []),
        ...(ways.every((way) => !isGiven(way) || way === false) ? ['has no way to authenticate'] : []),
      ];
    },
  },
  {
    ...{ of: 'resource', name: 'brokers-deny-by-default', level: 'mandatory' },
    holds: 'what no ACL speaks of is open to nobody',
    remedy: 'write allow.everyone.if.no.acl.found=false into serverProperties; the default of MSK is true',
    types: ['aws:msk/configuration:Configuration'],
    judge: ({ props: { serverProperties } }) => {
      if (serverProperties === unknownValue) return [];
      const denied = settingsOf(serverProperties).get('allow.everyone.if.no.acl.found') === 'false';
      return denied ? [] : ['leaves topics without ACLs open to everybody'];
    },
  },
  {
    ...{ of: 'resource', name: 'brokers-own-key', level: 'mandatory' },
    holds: 'what brokers keep is encrypted with a key of the customer',
    remedy: 'give encryptionInfo.encryptionAtRestKmsKeyArn',
    types: [cluster],
    judge: ({ props }) =>
      isGiven(at(props, 'encryptionInfo.encryptionAtRestKmsKeyArn')) ? [] : ["is encrypted with AWS's own key"],
  },
  {
    ...{ of: 'resource', name: 'clusters-protected', level: 'mandatory' },
    holds: 'no clusters can be deleted or replaced by accident',
    remedy: 'give the cluster the option protect: true',
    types: [cluster],
    judge: ({ protect }) => (protect ? [] : ['is not protected']),
  },
] satisfies readonly ResourceRule[];

/** `key=value` lines as in server.properties. */
export function settingsOf(serverProperties: unknown): ReadonlyMap<string, string> {
  const lines = typeof serverProperties === 'string' ? serverProperties.split('\n') : [];
  return new Map(
    lines.flatMap((line) => {
      const [key = '', ...value] = line.split('=');
      return value.length === 0 ? [] : [[key.trim(), value.join('=').trim()] as const];
    }),
  );
}

function openBlocks({ type, props }: SeenResource): readonly string[] {
  const rules: readonly unknown[] = type === securityGroup && Array.isArray(props['ingress']) ? props['ingress'] : [];
  const blocks = [
    ...[props['cidrIpv4'], props['cidrIpv6']],
    ...rules.flatMap((rule) => [listOf(rule, 'cidrBlocks'), listOf(rule, 'ipv6CidrBlocks')].flat()),
  ];
  return everywhere.filter((block) => blocks.includes(block));
}

function listOf(rule: unknown, name: string): readonly unknown[] {
  if (typeof rule !== 'object' || rule === null) return [];
  const value = (rule as Readonly<Record<string, unknown>>)[name]; // as: any object may be asked for a member
  return Array.isArray(value) ? value : [];
}
