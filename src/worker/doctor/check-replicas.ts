import type { TopicMetadata } from '../../kafka/cluster.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import type { Finding } from '../finding.ts';
import { kafkaTool, setTopicConfig } from './commands.ts';
import type { CopySight } from './copy-sight.ts';
import { found, inOrder } from './doctor-codes.ts';
import type { PairSight, SiteSight } from './site-sight.ts';

/** Without them no worker, no group and no transaction works. */
const vital: readonly string[] = ['__consumer_offsets', '__transaction_state', stateTopic, schemasTopic];
const namesShownMax = 5;

/** Replicas of what a site copies, holds as copies, or cannot do without. Pure. */
export function checkReplicas(sight: SiteSight, copies: readonly CopySight[], pair: PairSight): readonly Finding[] {
  const { owners } = pair;
  const copied = new Set(copies.map(({ record }) => record.topic));
  const concerned = [...sight.metadata.topics.values()].filter(
    ({ name }) =>
      vital.includes(name) || copied.has(name) || (owners !== undefined && name.startsWith(owners[sight.site])),
  );
  const findings = [
    ...partitionsOf(sight, concerned),
    ...minimums(sight, concerned),
    ...single(sight),
    ...fewer(sight, copies),
    ...unclean(sight, concerned),
  ];
  if (findings.length > 0) return findings;
  return [inOrder(sight.site, 'replicas', 'every partition that matters here has its leader and all its replicas')];
}

function partitionsOf(sight: SiteSight, topics: readonly TopicMetadata[]): readonly Finding[] {
  const { site } = sight;
  const offline = places(topics, ({ leader }) => leader === undefined);
  const behind = places(topics, ({ leader, inSync, replicas }) => leader !== undefined && inSync < replicas);
  return [
    ...(offline.length === 0
      ? []
      : [
          found('PARTITION_OFFLINE', {
            site,
            message: `${shown(offline)}: no broker leads ${offline.length === 1 ? 'it' : 'them'}, so nothing can be read or written there`,
            remedy: `Start the brokers that hold them: ${kafkaTool('kafka-topics', sight, '--describe --unavailable-partitions')}`,
          }),
        ]),
    ...(behind.length === 0
      ? []
      : [
          found('UNDER_REPLICATED', {
            site,
            message: `${shown(behind)}: not all replicas are in sync`,
            remedy: `Start the brokers that are down, or see why they lag: ${kafkaTool('kafka-topics', sight, '--describe --under-replicated-partitions')}`,
          }),
        ]),
  ];
}

/** Of records with acks=all, as umbra's are. Brokers since 4.x take a minimum above the replicas for their number. */
function minimums(sight: SiteSight, topics: readonly TopicMetadata[]): readonly Finding[] {
  const { site } = sight;
  return topics.flatMap((topic): readonly Finding[] => {
    const minimum = Number(sight.configs.get(topic.name)?.get('min.insync.replicas')?.value ?? 1);
    const refused = places(
      [topic],
      ({ leader, inSync, replicas }) => leader !== undefined && inSync < Math.min(minimum, replicas),
    );
    const replicas = topic.partitions.reduce((least, each) => Math.min(least, each.replicas), Infinity);
    return [
      ...(refused.length === 0
        ? []
        : [
            found('ISR_TOO_SMALL', {
              site,
              message: `${shown(refused)}: fewer replicas are in sync than min.insync.replicas=${minimum}, so appends are refused`,
              remedy: `Bring the missing replicas back; or, for as long as they are away: ${setTopicConfig(sight, topic.name, 'min.insync.replicas=1')}`,
            }),
          ]),
      ...(minimum <= replicas
        ? []
        : [
            found('MIN_ISR_ABOVE_REPLICAS', {
              site,
              message: `${topic.name}: min.insync.replicas is ${minimum}, and it has ${replicas} replica(s): ${replicas === 1 ? 'some brokers refuse every append with acks=all' : 'appends stop as soon as one is out of sync'}`,
              remedy: `Add replicas, or ${setTopicConfig(sight, topic.name, `min.insync.replicas=${Math.max(1, replicas - 1)}`)}`,
            }),
          ]),
    ];
  });
}

function single(sight: SiteSight): readonly Finding[] {
  const { site, metadata } = sight;
  if (metadata.brokers < 2) return [];
  const lonely = vital.filter((name) => metadata.topics.get(name)?.partitions.some(({ replicas }) => replicas < 2));
  if (lonely.length === 0) return [];
  return [
    found('ONE_REPLICA', {
      site,
      message: `${lonely.join(', ')}: one replica in a cluster of ${metadata.brokers} brokers; when that broker goes, groups, transactions or umbra's own state go with it`,
      remedy: `Give them more: ${kafkaTool('kafka-reassign-partitions', sight, '--reassignment-json-file more-replicas.json --execute')}`,
    }),
  ];
}

function fewer(sight: SiteSight, copies: readonly CopySight[]): readonly Finding[] {
  return copies.flatMap(({ record, source, copy }) => {
    const [wanted, has] = [replicasOf(source), replicasOf(copy)];
    if (wanted === undefined || has === undefined || has >= wanted) return [];
    // As many as there are brokers is all that can be had.
    const possible = Math.min(wanted, sight.metadata.brokers);
    const enough = has >= possible;
    return [
      found('COPY_FEWER_REPLICAS', {
        site: sight.site,
        message: `the copy ${record.topic} has ${has} replica(s), its source ${wanted}`,
        remedy: enough
          ? `This cluster has ${sight.metadata.brokers} broker(s): add brokers, then reassign the copy.`
          : `Reassign it to ${possible} brokers (kafka-reassign-partitions.sh), and set replicationFactor on the link.`,
      }),
    ];
  });
}

function unclean(sight: SiteSight, topics: readonly TopicMetadata[]): readonly Finding[] {
  const on = topics
    .map(({ name }) => name)
    .filter((name) => sight.configs.get(name)?.get('unclean.leader.election.enable')?.value === 'true');
  const [first] = on;
  if (first === undefined) return [];
  return [
    found('UNCLEAN_ELECTION', {
      site: sight.site,
      message: `${shown(on)}: unclean.leader.election.enable is true, so acknowledged records can vanish; a copy then holds what its source has lost, and stops`,
      remedy: `For each: ${setTopicConfig(sight, first, 'unclean.leader.election.enable=false')}; or set it so for all brokers.`,
    }),
  ];
}

function places(
  topics: readonly TopicMetadata[],
  test: (partition: TopicMetadata['partitions'][number]) => boolean,
): readonly string[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.filter(test).map(({ partition }) => `${name}/${partition}`),
  );
}

function replicasOf(topic: TopicMetadata | undefined): number | undefined {
  const counts = topic?.partitions.map(({ replicas }) => replicas) ?? [];
  return counts.length === 0 ? undefined : Math.min(...counts);
}

function shown(names: readonly string[]): string {
  const first = names.slice(0, namesShownMax).join(', ');
  return names.length > namesShownMax ? `${first} and ${names.length - namesShownMax} more` : first;
}
