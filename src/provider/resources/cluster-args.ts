import pulumi from '@pulumi/pulumi';
import { type WorkerConfig, type WorkerConfigInput, workerConfigSchema } from '../../worker/worker-config.ts';
import { inClear } from './in-clear.ts';

/** How to reach one Kafka cluster, parsed: passwords are `Secret`s. */
export type ClusterConfig = WorkerConfig['clusters']['a'];

export const clusterConfigSchema = workerConfigSchema.shape.clusters.shape.a;

/** The same as an input of a resource: passwords are plain strings, which every class here marks as secrets. */
export interface ClusterArgs {
  readonly bootstrapServers: pulumi.Input<readonly string[]>;
  readonly tls?: TlsArgs;
  readonly sasl?: SaslArgs;
}

export interface TlsArgs {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly serverName?: string;
}

export type SaslArgs = ScramOrPlainArgs | OauthBearerArgs | TokenFileArgs | MskIamArgs;

export interface ScramOrPlainArgs {
  readonly mechanism: pulumi.Input<string>;
  readonly username: pulumi.Input<string>;
  readonly password: pulumi.Input<string>;
}

export interface OauthBearerArgs {
  readonly mechanism: 'OAUTHBEARER';
  readonly token: pulumi.Input<string>;
}

/** The file is read where the worker runs. */
export interface TokenFileArgs {
  readonly mechanism: 'OAUTHBEARER';
  readonly tokenFile: pulumi.Input<string>;
}

/** Tokens are signed by the worker with the AWS credentials it finds: there is no secret in it. */
export interface MskIamArgs {
  readonly mechanism: 'AWS_MSK_IAM';
  readonly region: pulumi.Input<string>;
}

/** The same in clear, as a 0600 file holds it. */
export function clusterInClear(cluster: ClusterConfig): WorkerConfigInput['clusters']['a'] {
  return inClear(cluster) as WorkerConfigInput['clusters']['a']; // as: parsing has changed nothing but the secrets
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

function saslArgs(sasl: NonNullable<ClusterConfig['sasl']>): SaslArgs {
  // as: of the two ways to give a token the schema lets exactly one through
  return secretSasl(inClear(sasl) as SaslArgs);
}

function secretSasl(sasl: SaslArgs): SaslArgs {
  if ('token' in sasl) return { ...sasl, token: pulumi.secret(sasl.token) };
  return 'password' in sasl ? { ...sasl, password: pulumi.secret(sasl.password) } : sasl;
}

/** Marks the passwords of an input as secrets, whoever wrote it. */
export function withSecrets(cluster: ClusterArgs): ClusterArgs {
  const { sasl } = cluster;
  return sasl === undefined ? cluster : { ...cluster, sasl: secretSasl(sasl) };
}
