import { isExpress } from './site-config.ts';

/** What both kinds of brokers take. */
const common: Readonly<Record<string, string>> = {
  // From the first day: a topic without an ACL would be anybody's. Roles are not affected, so umbra can write the first ACLs.
  'allow.everyone.if.no.acl.found': 'false',
  // A consumer that asks for a name must not make a topic where a copy belongs.
  'auto.create.topics.enable': 'false',
  'delete.topic.enable': 'true',
};

/** Express brokers have these fixed: three replicas, two in sync, and no unclean election. */
const standardOnly: Readonly<Record<string, string>> = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  // A leader that was behind would make offsets of a copy mean other records.
  'unclean.leader.election.enable': 'false',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
};

/**
 * The broker settings of a site as MSK's `server.properties`. Deterministic: another text is another revision and a rolling
 * restart. Source: the lists of settings for Standard and for Express brokers of the MSK developer guide.
 */
export function serverProperties(instanceType: string): string {
  const settings = { ...common, ...(isExpress(instanceType) ? {} : standardOnly) };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
