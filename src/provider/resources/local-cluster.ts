import pulumi from '@pulumi/pulumi';
import type { AclBinding } from '../../prefix-policy/acls.ts';
import type { ClusterArgs } from './cluster-args.ts';
import { umbraOptions } from './umbra-resource.ts';

export interface LocalClusterArgs {
  readonly site: 'a' | 'b';
  /** Default `jvm`. */
  readonly runtime?: 'jvm' | 'docker';
  /** Default: the version that umbra is tested with. A newer one takes over the data, an older one is refused. */
  readonly kafkaVersion?: string;
  /** Port for clients; a free one is chosen, and kept, when absent. */
  readonly clientPort?: number;
  /** Java heap in MiB. */
  readonly heapMb?: number;
  /** The whole of what the principals `umbra` and `app` may do. */
  readonly grants: readonly AclBinding[];
}

/** A Kafka broker (and KRaft controller) on this machine, with SASL/SCRAM and ACLs, in `.umbra/clusters/<site>`. */
export class LocalCluster extends pulumi.CustomResource {
  declare readonly bootstrapServers: pulumi.Output<readonly string[]>;
  declare readonly clusterId: pulumi.Output<string>;
  declare readonly mechanism: pulumi.Output<string>;
  declare readonly running: pulumi.Output<boolean>;
  declare readonly home: pulumi.Output<string>;
  /** Files with credentials (0600) for Kafka's tools (`admin`, `umbra`, `app`) and for kafkajs (`appKafkajs`). */
  declare readonly clientFiles: pulumi.Output<Readonly<Record<string, string>>>;
  declare readonly adminPassword: pulumi.Output<string>;
  declare readonly umbraPassword: pulumi.Output<string>;
  declare readonly appPassword: pulumi.Output<string>;

  constructor(name: string, args: LocalClusterArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      bootstrapServers: undefined,
      clusterId: undefined,
      mechanism: undefined,
      running: undefined,
      home: undefined,
      clientFiles: undefined,
      adminPassword: undefined,
      umbraPassword: undefined,
      appPassword: undefined,
    };
    super('umbra:index:LocalCluster', name, { ...args, ...outputs }, umbraOptions(opts));
  }

  /** How umbra's workers reach it, or an application. */
  connection(username: 'umbra' | 'app' = 'umbra'): ClusterArgs {
    const password = pulumi.secret(username === 'umbra' ? this.umbraPassword : this.appPassword);
    return { bootstrapServers: this.bootstrapServers, sasl: { mechanism: this.mechanism, username, password } };
  }
}
