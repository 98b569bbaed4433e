import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { serverProperties } from './broker-settings.ts';
import type { AwsConfig } from './config.ts';
import { tcp } from './network.ts';
import { type SiteScope, scopeInputs } from './scope.ts';
import { type AwsSiteConfig, isExpress } from './site-config.ts';

/** Of MSK's listeners; none without TLS is opened. */
export const brokerPorts = { scram: 9096, iam: 9098 } as const;

export interface ClusterArgs {
  readonly brokers: AwsSiteConfig['brokers'];
  readonly kafkaVersion: string;
  readonly monitoring: AwsConfig['monitoring'];
  readonly logRetentionDays: number;
  readonly vpcId: pulumi.Output<string>;
  readonly subnetIds: pulumi.Output<readonly string[]>;
  readonly keyArn: pulumi.Output<string>;
  /** From where brokers are reached. */
  readonly cidrs: readonly string[];
}

/** The MSK cluster of a site. Protected: neither a destroy nor a setting that would replace it takes it away. */
export class KafkaCluster extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  readonly cluster: aws.msk.Cluster;
  /** `host:port,…` of the listeners for roles and for SCRAM. */
  readonly bootstrapIam: pulumi.Output<string>;
  readonly bootstrapScram: pulumi.Output<string>;

  constructor(scope: SiteScope, args: ClusterArgs, opts: pulumi.ComponentResourceOptions) {
    const { name } = scope;
    const { brokers, kafkaVersion } = args;
    super('umbra:aws:Cluster', `${name}-kafka`, { ...scopeInputs(scope), brokers, kafkaVersion }, opts);
    const child = { parent: this };
    const group = this.#securityGroup(name, args);
    const logs = new aws.cloudwatch.LogGroup(
      `${name}-broker-logs`,
      { retentionInDays: args.logRetentionDays, kmsKeyId: args.keyArn },
      child,
    );
    // Without a name and without versions of its own: whatever changed would replace it, and MSK refuses to delete one in use.
    const settings = new aws.msk.Configuration(
      `${name}-broker-settings`,
      { serverProperties: serverProperties(brokers.instanceType) },
      child,
    );
    const built = clusterArgs(scope, args, {
      securityGroupId: group.id,
      logGroup: logs.name,
      settings: { arn: settings.arn, revision: settings.latestRevision },
    });
    this.cluster = new aws.msk.Cluster(`${name}-cluster`, built, { ...child, protect: true });
    this.arn = this.cluster.arn;
    this.bootstrapIam = this.cluster.bootstrapBrokersSaslIam;
    this.bootstrapScram = this.cluster.bootstrapBrokersSaslScram;
    this.registerOutputs({ arn: this.arn, bootstrapIam: this.bootstrapIam, bootstrapScram: this.bootstrapScram });
  }

  #securityGroup(name: string, { vpcId, cidrs }: ClusterArgs): aws.ec2.SecurityGroup {
    const child = { parent: this };
    const group = new aws.ec2.SecurityGroup(`${name}-brokers`, { vpcId, description: 'Kafka brokers' }, child);
    for (const [kind, port] of Object.entries(brokerPorts)) {
      for (const [index, cidrIpv4] of cidrs.entries()) {
        const rule = { securityGroupId: group.id, cidrIpv4, ...tcp(port) };
        new aws.vpc.SecurityGroupIngressRule(`${name}-brokers-${kind}-${index + 1}`, rule, child);
      }
    }
    return group;
  }
}

/** Name of the cluster in AWS, and in the dimensions of its metrics. */
export function clusterName({ pair, site }: Pick<SiteScope, 'pair' | 'site'>): string {
  return `${pair}-${site}`;
}

interface ClusterParts {
  readonly securityGroupId: pulumi.Input<string>;
  readonly logGroup: pulumi.Input<string>;
  readonly settings: { readonly arn: pulumi.Input<string>; readonly revision: pulumi.Input<number> };
}

/** Pure: KRaft, TLS only, roles and SCRAM, encrypted by the site's key, closed to the internet. */
export function clusterArgs(
  scope: Pick<SiteScope, 'pair' | 'site'>,
  { brokers, kafkaVersion, monitoring, subnetIds, keyArn }: Omit<ClusterArgs, 'vpcId' | 'cidrs' | 'logRetentionDays'>,
  { securityGroupId, logGroup, settings }: ClusterParts,
): aws.msk.ClusterArgs {
  const { instanceType, count, storageGib } = brokers;
  const storageInfo = storageGib === undefined ? {} : { storageInfo: { ebsStorageInfo: { volumeSize: storageGib } } };
  return {
    clusterName: clusterName(scope),
    kafkaVersion,
    numberOfBrokerNodes: count,
    brokerNodeGroupInfo: {
      instanceType,
      clientSubnets: pulumi.output(subnetIds).apply((ids) => [...ids]),
      securityGroups: [securityGroupId],
      connectivityInfo: { publicAccess: { type: 'DISABLED' } },
      ...storageInfo,
    },
    clientAuthentication: { sasl: { iam: true, scram: true }, unauthenticated: false },
    encryptionInfo: {
      encryptionAtRestKmsKeyArn: keyArn,
      encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
    },
    configurationInfo: settings,
    enhancedMonitoring: monitoring,
    loggingInfo: { brokerLogs: { cloudwatchLogs: { enabled: true, logGroup } } },
    ...(isExpress(instanceType) ? { rebalancing: { status: 'ACTIVE' } } : {}),
  };
}
