import pulumi from '@pulumi/pulumi';
import { type ClusterArgs, withSecrets } from './cluster-args.ts';
import type { HookArgs } from './hook-args.ts';
import { secretToken, umbraOptions } from './umbra-resource.ts';

export interface LocalWorkerArgs {
  /** Name of the pair; it cannot change while the pair exists. */
  readonly pair: string;
  readonly site: 'a' | 'b';
  /** Among the workers of its site, from 1, which is the default. Each takes a part of the partitions. */
  readonly number?: number;
  readonly clusters: { readonly a: ClusterArgs; readonly b: ClusterArgs };
  /** Default loopback; anything else needs a token. */
  readonly apiHost?: string;
  /** A free one is chosen, and kept, when absent. */
  readonly apiPort?: number;
  readonly apiToken?: pulumi.Input<string>;
  /** Who umbra is to each cluster, where its credentials do not tell; see docs/acls.md. */
  readonly principals?: { readonly a?: readonly string[] | undefined; readonly b?: readonly string[] | undefined };
  /** What brokers do not tell of their authorizer; see docs/acls.md. */
  readonly authorizers?: { readonly a?: AuthorizerArgs | undefined; readonly b?: AuthorizerArgs | undefined };
  /** What is run when its site has become primary, the same at all of its workers; see docs/repoint.md. */
  readonly repoint?: HookArgs;
  /** What drills need; the ledger of the canaries, the evidence and its key are in `.umbra`. The same at all workers. */
  readonly drills?: LocalDrillsArgs;
  /** Ids of the two Kafka clusters: given, another cluster in the place of one of them is noticed, and refused. */
  readonly clusterIds?: { readonly a: pulumi.Input<string>; readonly b: pulumi.Input<string> };
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error';
}

export interface LocalDrillsArgs {
  /** How an ordinary application reaches both sites. Without it nothing that moves roles can be drilled. */
  readonly canary?: {
    readonly clients: { readonly a: ClusterArgs; readonly b: ClusterArgs };
    /** Records per second and partition while no drill runs. Default 1. */
    readonly rate?: number;
  };
  /** Of the pair. `non-production`: it may be lost on purpose. */
  readonly labels?: readonly string[];
}

export interface AuthorizerArgs {
  readonly superUsers?: readonly string[];
  readonly allowEveryoneIfNoAclFound?: boolean;
}

/** A worker of one site as a process of this machine, in `.umbra/workers/<pair>-<site>`; the second one in `…-2`. */
export class LocalWorker extends pulumi.CustomResource {
  declare readonly apiUrl: pulumi.Output<string>;
  declare readonly metricsUrl: pulumi.Output<string>;
  declare readonly pid: pulumi.Output<number>;
  declare readonly running: pulumi.Output<boolean>;

  constructor(name: string, args: LocalWorkerArgs, opts?: pulumi.CustomResourceOptions) {
    const { apiToken, clusters, repoint, drills, ...rest } = args;
    const secured = { a: withSecrets(clusters.a), b: withSecrets(clusters.b) };
    const outputs = { apiUrl: undefined, metricsUrl: undefined, pid: undefined, running: undefined };
    const hooks = repoint === undefined ? {} : { repoint: pulumi.secret(repoint) };
    const drilled = drills === undefined ? {} : { drills: withSecretClients(drills) };
    const props = { ...rest, clusters: secured, ...hooks, ...drilled, ...secretToken(apiToken), ...outputs };
    super('umbra:index:LocalWorker', name, props, umbraOptions(opts));
  }
}

function withSecretClients(drills: LocalDrillsArgs): LocalDrillsArgs {
  const { canary } = drills;
  if (canary === undefined) return drills;
  const { a, b } = canary.clients;
  return { ...drills, canary: { ...canary, clients: { a: withSecrets(a), b: withSecrets(b) } } };
}
