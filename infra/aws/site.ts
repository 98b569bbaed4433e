import type * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { otherSite } from '../../src/pair/site.ts';
import { Buckets } from './buckets.ts';
import { KafkaCluster } from './cluster.ts';
import { type AwsConfig, usersOf } from './config.ts';
import { SiteKey } from './key.ts';
import { Network } from './network.ts';
import { type SiteScope, scopeInputs } from './scope.ts';
import { ApiToken, DrillSecrets, ScramUsers } from './secrets.ts';
import { TasksHome } from './tasks-home.ts';
import { drillSecretsText } from './tasks.ts';

export interface AwsSiteArgs {
  readonly aws: AwsConfig;
  readonly apiToken: pulumi.Input<string> | undefined;
}

/** Everything of a site that needs nothing of the other one. */
export class AwsSite extends pulumi.ComponentResource {
  readonly scope: SiteScope;
  readonly provider: aws.Provider;
  readonly network: Network;
  readonly key: SiteKey;
  readonly kafka: KafkaCluster;
  readonly users: ScramUsers;
  readonly buckets: Buckets;
  readonly home: TasksHome;
  readonly token: ApiToken;
  /** Where drills are declared. */
  readonly drillSecrets: DrillSecrets | undefined;

  constructor(
    scope: SiteScope,
    { aws: config, apiToken }: AwsSiteArgs,
    { parent, provider }: { readonly parent: pulumi.Resource; readonly provider: aws.Provider },
  ) {
    // Every resource below, those of IAM and Route 53 too, is made by the side's own provider.
    super('umbra:aws:Site', scope.name, scopeInputs(scope), { parent, provider });
    const child = { parent: this };
    const { site } = scope;
    const { network, brokers, clientCidrs } = config.sites[site];
    const cidrs = [network.cidr, config.sites[otherSite(site)].network.cidr];
    this.scope = scope;
    this.provider = provider;
    this.network = new Network(scope, { network, cidrs }, child);
    const { vpcId, subnetIds, s3PrefixListId } = this.network;
    this.key = new SiteKey(scope, child);
    const { kafkaVersion, monitoring, logRetentionDays } = config;
    const keyArn = this.key.arn;
    this.kafka = new KafkaCluster(
      scope,
      {
        ...{ brokers, kafkaVersion, monitoring, logRetentionDays, vpcId, subnetIds, keyArn },
        // AWS refuses a rule that is there already.
        cidrs: [...new Set([...cidrs, ...clientCidrs])],
      },
      child,
    );
    const { keyId } = this.key;
    this.users = new ScramUsers(scope, { users: usersOf(config, site), clusterArn: this.kafka.arn, keyId }, child);
    this.buckets = new Buckets(scope, { keyArn, ...config }, child);
    this.home = new TasksHome(scope, { vpcId, keyArn, logRetentionDays, cidrs, s3PrefixListId }, child);
    this.token = new ApiToken(scope, { token: apiToken, keyId }, child);
    const { evidenceKey, canary } = config;
    if (evidenceKey !== undefined) {
      const text = pulumi.secret(drillSecretsText({ evidenceKey, password: canary?.password }));
      this.drillSecrets = new DrillSecrets(scope, { text, keyId }, child);
    }
    this.registerOutputs({ clusterArn: this.kafka.arn });
  }
}
