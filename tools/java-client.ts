import { join } from 'node:path';
import { type ClusterConfigInput } from '../src/kafka/cluster-config.ts';

/** Kafka's Java clients, for tests and the benchmark: applications that no JavaScript client can stand in for. */
export type JavaTool = 'java' | 'javac';

/** The command for a tool of the JDK: of `$JAVA_HOME` when set, else the one on PATH. */
export function javaTool(tool: JavaTool, env: NodeJS.ProcessEnv): string {
  return env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', tool) : tool;
}

/** Client properties of Java for a connection without TLS. They hold the password: for files only the owner may read. */
export function javaClientProperties(cluster: ClusterConfigInput): Record<string, string> {
  const servers = { 'bootstrap.servers': cluster.bootstrapServers.join(',') };
  const { sasl } = cluster;
  if (cluster.tls !== undefined) throw new Error('no TLS here with the Java clients');
  if (sasl === undefined) return servers;
  if (!('username' in sasl)) throw new Error(`no ${sasl.mechanism} here with the Java clients`);
  const module = sasl.mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
  const login = `username="${sasl.username}" password="${sasl.password}"`;
  return {
    ...servers,
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': sasl.mechanism,
    'sasl.jaas.config': `org.apache.kafka.common.security.${module} required ${login};`,
  };
}
