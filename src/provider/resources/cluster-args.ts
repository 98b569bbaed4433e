import pulumi from '@pulumi/pulumi';
import { type WorkerConfig, workerConfigSchema } from '../../worker/worker-config.ts';

/** How to reach one Kafka cluster, parsed: passwords are `Secret`s. */
export type ClusterConfig = WorkerConfig['clusters']['a'];

export const clusterConfigSchema = workerConfigSchema.shape.clusters.shape.a;

/** The same as an input of a resource: passwords are plain strings, which every class here marks as secrets. */
export interface ClusterArgs {
  readonly bootstrapServers: pulumi.Input<readonly string[]>;
  readonly tls?: TlsArgs;
  readonly sasl?: ScramOrPlainArgs | OauthBearerArgs;
}

export interface TlsArgs {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly serverName?: string;
}

export interface ScramOrPlainArgs {
  readonly mechanism: pulumi.Input<string>;
  readonly username: pulumi.Input<string>;
  readonly password: pulumi.Input<string>;
}

export interface OauthBearerArgs {
  readonly mechanism: 'OAUTHBEARER';
  readonly token: pulumi.Input<string>;
}

/** Parsed configuration → input, the passwords marked as secrets. */
export function clusterArgs({ bootstrapServers, tls, sasl }: ClusterConfig): ClusterArgs {
  return {
    bootstrapServers,
    ...(tls === undefined ? {} : { tls: tlsArgs(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslArgs(sasl) }),
  };
}

function tlsArgs({ caFile, certFile, keyFile, serverName }: NonNullable<ClusterConfig['tls']>): TlsArgs {
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function saslArgs(sasl: NonNullable<ClusterConfig['sasl']>): ScramOrPlainArgs | OauthBearerArgs {
  if (sasl.mechanism === 'OAUTHBEARER') return { mechanism: sasl.mechanism, token: pulumi.secret(sasl.token.reveal()) };
  return { mechanism: sasl.mechanism, username: sasl.username, password: pulumi.secret(sasl.password.reveal()) };
}

/** Marks the passwords of an input as secrets, whoever wrote it. */
export function withSecrets(cluster: ClusterArgs): ClusterArgs {
  const { sasl } = cluster;
  if (sasl === undefined) return cluster;
  if ('token' in sasl) return { ...cluster, sasl: { ...sasl, token: pulumi.secret(sasl.token) } };
  return { ...cluster, sasl: { ...sasl, password: pulumi.secret(sasl.password) } };
}
