import type { SiteSight } from './site-sight.ts';

type Where = Pick<SiteSight, 'bootstrapServers' | 'secured'>;

/** Kafka's own tools, ready to be pasted. `admin.properties` is the administrator's, umbra does not have it. */
export function kafkaTool(tool: string, { bootstrapServers, secured }: Where, rest: string): string {
  const config = secured ? ' --command-config admin.properties' : '';
  return `${tool}.sh --bootstrap-server ${bootstrapServers[0] ?? ''}${config} ${rest}`;
}

export function setTopicConfig(where: Where, topic: string, assignment: string): string {
  return kafkaTool('kafka-configs', where, `--alter --topic ${topic} --add-config ${assignment}`);
}

/** For settings that brokers take while they run. */
export function setBrokersConfig(where: Where, assignment: string): string {
  return kafkaTool('kafka-configs', where, `--alter --entity-type brokers --entity-default --add-config ${assignment}`);
}

/** For settings that brokers read when they start. */
export function inServerProperties(assignment: string): string {
  return `Set ${assignment} in server.properties of every broker and restart them one by one.`;
}
