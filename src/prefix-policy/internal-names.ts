import { schemasTopic } from '../schema-primary/schema-primary.ts';

/** The topic in which each cluster keeps umbra's own state. Never copied: each site's is its own. */
export const stateTopic = '_umbra';

/** Topics that belong to no site's names, whatever the prefixes are. */
export const internalTopics: readonly string[] = [
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  '__cluster_metadata',
  stateTopic,
  schemasTopic,
];

/** How the names of umbra's own consumer groups and transactional ids begin, at every site. */
export const reservedPrefix = 'umbra-';

/** Kafka's own topics (`__…`), umbra's state and the registry's log: no prefix ever owns them. */
export function isInternal(name: string): boolean {
  return name.startsWith('__') || internalTopics.includes(name);
}
