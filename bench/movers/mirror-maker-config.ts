import { type ClusterConfigInput } from '../../src/kafka/cluster-config.ts';
import { renderProperties } from '../../src/local/java-properties.ts';
import { javaClientProperties } from '../../tools/java-client.ts';
import { type MoveJob } from '../mover.ts';

export type Entry = readonly [key: string, value: string | number | boolean];

const mebibyte = 1024 * 1024;
export const mirrorMakerTasks = 4;
/** Heap and collector as Kafka's own start script sets them, with a heap of the size that large installations use. */
export const mirrorMakerJvm = [
  '-Xms2g',
  '-Xmx2g',
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-Djava.awt.headless=true',
];

/** The names under which MirrorMaker 2 knows the clusters: new ones for every run, for its state is kept under them. */
export function mirrorMakerAliases(runId: string): { readonly source: string; readonly target: string } {
  return { source: `src-${runId}`, target: `dst-${runId}` };
}

/**
 * Pure: the properties of MirrorMaker 2 in dedicated mode, at its best for moving records: one direction, identity
 * names, nothing that it could do besides (heartbeats, checkpoints, configs, ACLs, offset syncs), large fetches, large
 * batches. Holds passwords.
 */
export function renderMirrorMaker(job: MoveJob): string {
  const names = mirrorMakerAliases(job.runId);
  const flow = `${names.source}->${names.target}`;
  return renderProperties([
    ['clusters', `${names.source}, ${names.target}`],
    ...connection(names.source, job.source),
    ...connection(names.target, job.target),
    [`${flow}.enabled`, true],
    [`${names.target}->${names.source}.enabled`, false],
    [`${flow}.topics`, job.topics.join(',')],
    ['tasks.max', mirrorMakerTasks],
    ['replication.policy.class', 'org.apache.kafka.connect.mirror.IdentityReplicationPolicy'],
    ...alone,
    ...under(`${flow}.consumer`, consumerSettings(job)),
    ...under(`${names.target}.producer`, producerSettings(job)),
  ]);
}

function connection(name: string, cluster: ClusterConfigInput): readonly Entry[] {
  return Object.entries(javaClientProperties(cluster)).map(([key, value]) => [`${name}.${key}`, value] as const);
}

/** Everything but the records is left out. */
const alone: readonly Entry[] = [
  ['emit.heartbeats.enabled', false],
  ['emit.checkpoints.enabled', false],
  ['emit.offset-syncs.enabled', false],
  ['sync.topic.configs.enabled', false],
  ['sync.topic.acls.enabled', false],
  ['sync.group.offsets.enabled', false],
  ['refresh.groups.enabled', false],
  ['refresh.topics.interval.seconds', 600],
  ['replication.factor', 1],
  ['config.storage.replication.factor', 1],
  ['offset.storage.replication.factor', 1],
  ['status.storage.replication.factor', 1],
];

/** Kafka's own log to stdout with what every client is really configured with: mirror-maker-effect.ts reads it. */
export function renderMirrorMakerLogging(): string {
  return renderProperties([
    ['appender.stdout.type', 'Console'],
    ['appender.stdout.name', 'stdout'],
    ['appender.stdout.layout.type', 'PatternLayout'],
    ['appender.stdout.layout.pattern', '%d %p %m (%c)%n'],
    ['rootLogger.level', 'INFO'],
    ['rootLogger.appenderRef.stdout.ref', 'stdout'],
  ]);
}

/** Few large fetches, and as many records in one poll as they bring; CRCs are checked by the target anyway. */
export function consumerSettings({ batchBytesMax }: MoveJob): readonly Entry[] {
  return [
    ['isolation.level', 'read_committed'],
    ['max.poll.records', 10_000],
    ['fetch.max.bytes', 50 * mebibyte],
    ['max.partition.fetch.bytes', Math.max(4 * mebibyte, batchBytesMax)],
    ['receive.buffer.bytes', mebibyte],
    ['check.crcs', false],
  ];
}

/** Batches as large as they fill up to within the linger time; the compression of the source, not none. */
export function producerSettings(job: MoveJob): readonly Entry[] {
  return [
    ['acks', 'all'],
    // Connect keeps one request in flight for the sake of the order; an idempotent producer keeps it with five.
    ['enable.idempotence', true],
    ['max.in.flight.requests.per.connection', 5],
    ['batch.size', mebibyte],
    ['linger.ms', job.lingerMs],
    ['buffer.memory', 64 * mebibyte],
    ['max.request.size', Math.max(8 * mebibyte, job.batchBytesMax + mebibyte)],
    ['compression.type', job.compression],
    ['send.buffer.bytes', mebibyte],
  ];
}

function under(prefix: string, settings: readonly Entry[]): readonly Entry[] {
  return settings.map(([key, value]) => [`${prefix}.${key}`, value] as const);
}
