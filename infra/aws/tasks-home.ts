import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { tcp } from './network.ts';
import { type SiteScope, scopeInputs } from './scope.ts';
import { apiPort, namespaceName, registryPort } from './tasks.ts';

export interface TasksHomeArgs {
  readonly vpcId: pulumi.Output<string>;
  readonly keyArn: pulumi.Output<string>;
  readonly logRetentionDays: number;
  /** Of both sites: who may call the APIs, and where the brokers are. */
  readonly cidrs: readonly string[];
  /** Of S3 through the gateway; undefined where the network has a way out of its own. */
  readonly s3PrefixListId: pulumi.Output<string> | undefined;
}

const everywhere = '0.0.0.0/0';
const https = 443;

/** Where the tasks of a site run: an ECS cluster, its log, their names in DNS, and what they may reach. */
export class TasksHome extends pulumi.ComponentResource {
  readonly cluster: aws.ecs.Cluster;
  readonly logGroup: aws.cloudwatch.LogGroup;
  readonly securityGroupId: pulumi.Output<string>;
  readonly namespaceId: pulumi.Output<string>;

  constructor(scope: SiteScope, args: TasksHomeArgs, opts: pulumi.ComponentResourceOptions) {
    const { name, pair, site } = scope;
    super('umbra:aws:TasksHome', `${name}-tasks-home`, scopeInputs(scope), opts);
    const child = { parent: this };
    const insights = { settings: [{ name: 'containerInsights', value: 'enabled' }] };
    this.cluster = new aws.ecs.Cluster(`${name}-tasks`, insights, child);
    const log = { retentionInDays: args.logRetentionDays, kmsKeyId: args.keyArn };
    this.logGroup = new aws.cloudwatch.LogGroup(`${name}-task-logs`, log, child);
    const namespace = { name: namespaceName(pair, site), vpc: args.vpcId };
    this.namespaceId = new aws.servicediscovery.PrivateDnsNamespace(`${name}-names`, namespace, child).id;
    this.securityGroupId = this.#securityGroup(name, args);
    this.registerOutputs({ clusterArn: this.cluster.arn });
  }

  #securityGroup(name: string, { vpcId, cidrs, s3PrefixListId }: TasksHomeArgs): pulumi.Output<string> {
    const child = { parent: this };
    const group = new aws.ec2.SecurityGroup(`${name}-task-ports`, { vpcId, description: 'Tasks of umbra' }, child);
    const securityGroupId = group.id;
    for (const [index, cidrIpv4] of cidrs.entries()) {
      for (const port of [apiPort, registryPort]) {
        const rule = { securityGroupId, cidrIpv4, ...tcp(port) };
        new aws.vpc.SecurityGroupIngressRule(`${name}-task-ports-in-${port}-${index + 1}`, rule, child);
      }
      const out = { securityGroupId, cidrIpv4, ipProtocol: '-1' };
      new aws.vpc.SecurityGroupEgressRule(`${name}-task-ports-out-${index + 1}`, out, child);
    }
    const beyond = s3PrefixListId === undefined ? { cidrIpv4: everywhere } : { prefixListId: s3PrefixListId };
    const out = { securityGroupId, ...beyond, ...tcp(https) };
    new aws.vpc.SecurityGroupEgressRule(`${name}-task-ports-out-https`, out, child);
    return securityGroupId;
  }
}
