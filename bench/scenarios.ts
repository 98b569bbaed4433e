import { type ProduceJob, type RecordsPlan, type SteadyJob } from './load.ts';
import { type MoverName } from './mover.ts';

/** The topics of a scenario at both clusters. */
export interface TopicsPlan {
  readonly topics: number;
  /** Of each topic. */
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

interface Common {
  readonly name: string;
  readonly what: string;
  readonly at: TopicsPlan;
  readonly movers: readonly MoverName[];
  readonly compression: 'none' | 'zstd';
  readonly batchBytesMax: number;
  /** Of a mover that makes batches of its own. */
  readonly lingerMs: number;
}

/** A log is written first, then copied: CPU per byte, throughput, memory. */
export interface BacklogScenario extends Common {
  readonly kind: 'backlog';
  readonly load: Omit<ProduceJob, 'topics' | 'partitions'>;
  /** Share of the log after which the measured time begins. */
  readonly warmUpShare: number;
  /** Written to a topic beside the backlog all the while, records per second. */
  readonly live?: { readonly recordsPerSecond: number; readonly records: Omit<RecordsPlan, 'topics' | 'partitions'> };
}

/** Records come at a rate while they are copied: latency, CPU share. */
export interface SteadyScenario extends Common {
  readonly kind: 'steady';
  readonly load: Omit<SteadyJob, 'topics' | 'partitions'>;
}

/** Nothing comes: what it costs to be there. */
export interface IdleScenario extends Common {
  readonly kind: 'idle';
  readonly settleSeconds: number;
  readonly seconds: number;
}

export type Scenario = BacklogScenario | SteadyScenario | IdleScenario;

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const gibibyte = 1024 * mebibyte;
const all: readonly MoverName[] = ['umbra', 'mirror-maker', 'floor'];
const rivals: readonly MoverName[] = ['umbra', 'mirror-maker'];

const large: RecordsOf = {
  valueBytes: kibibyte,
  content: 'random',
  producer: { 'batch.size': 64 * kibibyte, 'linger.ms': 100, 'buffer.memory': 64 * mebibyte },
};
type RecordsOf = Omit<RecordsPlan, 'topics' | 'partitions'>;

/** `scale` 1 is the full run, less is a quicker one: fewer bytes, the same shapes. */
export function scenarios(scale: number): readonly Scenario[] {
  const records = (count: number): number => Math.max(1, Math.round(count * scale));
  const seconds = (count: number): number => Math.max(2, Math.round(count * Math.sqrt(scale)));
  const bytes = gibibyte * scale;
  const usual = { compression: 'none', batchBytesMax: mebibyte, lingerMs: 50 } as const;
  const quickly = { ...usual, lingerMs: 0 };
  return [
    {
      ...{ kind: 'backlog', name: 'large', movers: all, ...usual, warmUpShare: 0.25 },
      what: `${size(bytes)} in batches of 64 KiB, 1 KiB records, uncompressed, 12 partitions`,
      at: { topics: 1, partitions: 12 },
      load: { ...large, records: bytes / kibibyte },
    },
    {
      ...{ kind: 'backlog', name: 'zstd', movers: rivals, ...usual, compression: 'zstd', warmUpShare: 0.25 },
      what: `${size(bytes)} of JSON in 1 KiB records, batches of 64 KiB compressed with zstd, 12 partitions`,
      at: { topics: 1, partitions: 12 },
      load: {
        ...{ valueBytes: kibibyte, content: 'json', records: bytes / kibibyte },
        producer: { ...large.producer, 'compression.type': 'zstd' },
      },
    },
    {
      ...{ kind: 'backlog', name: 'tiny', movers: rivals, ...quickly, warmUpShare: 0.25 },
      what: `${records(200_000)} batches of one record of 100 bytes each (linger 0), 4 partitions`,
      at: { topics: 1, partitions: 4 },
      load: {
        ...{ valueBytes: 100, content: 'random', records: records(200_000) },
        producer: { 'batch.size': 1, 'linger.ms': 0 },
      },
    },
    {
      ...{ kind: 'backlog', name: 'transactional', movers: rivals, ...usual, warmUpShare: 0.25 },
      what: `${records(400_000)} records of 1 KiB in transactions of 1,000, one of ten aborted, 12 partitions`,
      at: { topics: 1, partitions: 12 },
      load: {
        ...{ valueBytes: kibibyte, content: 'random', records: records(400_000) },
        producer: { ...large.producer, 'linger.ms': 5, 'transactional.id': 'bench' },
        transactions: { records: 1_000, abortEvery: 10 },
      },
    },
    {
      ...{ kind: 'steady', name: 'partitions', movers: rivals, ...quickly },
      what: '1,000 partitions, 1,000 records of 200 bytes a second over all of them',
      at: { topics: 10, partitions: 100 },
      load: {
        ...{ valueBytes: 200, content: 'random', producer: {} },
        ...{ recordsPerSecond: 1_000, warmUpSeconds: seconds(10), seconds: seconds(30), drainSeconds: 30 },
      },
    },
    {
      ...{ kind: 'idle', name: 'idle', movers: rivals, ...usual },
      what: `${(records(10) * 1_000).toLocaleString('en')} partitions in which nothing happens`,
      at: { topics: records(10), partitions: 1_000, configs: { 'segment.index.bytes': '4096' } },
      settleSeconds: 10,
      seconds: seconds(30),
    },
    {
      ...{ kind: 'backlog', name: 'catch-up', movers: rivals, ...usual, warmUpShare: 0.05 },
      what: `a backlog of ${size(bytes)} as in "large" while 10 MiB/s go on coming to 12 partitions more`,
      at: { topics: 1, partitions: 12 },
      load: { ...large, records: bytes / kibibyte },
      live: { recordsPerSecond: 10 * kibibyte, records: { ...large, producer: {} } },
    },
    {
      ...{ kind: 'steady', name: 'latency', movers: rivals, ...quickly },
      what: '10 MiB/s in 1 KiB records, default producer, 12 partitions',
      at: { topics: 1, partitions: 12 },
      load: {
        ...{ valueBytes: kibibyte, content: 'random', producer: {} },
        ...{ recordsPerSecond: 10 * kibibyte, warmUpSeconds: seconds(10), seconds: seconds(30), drainSeconds: 30 },
      },
    },
    {
      ...{ kind: 'backlog', name: 'huge', movers: rivals, ...usual, batchBytesMax: 16 * mebibyte, warmUpShare: 0.25 },
      what: `${size(bytes)} in batches of 15 MiB, 1 MiB records, 4 partitions`,
      at: { topics: 1, partitions: 4, configs: { 'max.message.bytes': String(16 * mebibyte) } },
      load: {
        ...{ valueBytes: mebibyte, content: 'random', records: records(1_024) },
        producer: {
          ...{ 'batch.size': 15 * mebibyte, 'linger.ms': 2_000, 'max.request.size': 16 * mebibyte },
          ...{ 'buffer.memory': 256 * mebibyte, 'max.in.flight.requests.per.connection': 1 },
        },
      },
    },
    {
      ...{ kind: 'backlog', name: 'fillers', movers: ['umbra'], ...usual, warmUpShare: 0.1 },
      what: `${records(50_000)} records that were all aborted, 50 partitions`,
      at: { topics: 1, partitions: 50 },
      load: {
        ...{ valueBytes: 10, content: 'random', records: records(50_000) },
        producer: { 'transactional.id': 'bench-fillers' },
        transactions: { records: 5_000, abortEvery: 1 },
      },
    },
    {
      ...{ kind: 'backlog', name: 'repack', movers: rivals, ...usual, warmUpShare: 0.25 },
      what: `${size(bytes / 4)} as in "large" at a source with log append time: every batch is taken apart`,
      at: { topics: 1, partitions: 12, configs: { 'message.timestamp.type': 'LogAppendTime' } },
      load: { ...large, records: bytes / 4 / kibibyte },
    },
  ];
}

function size(bytes: number): string {
  return bytes >= gibibyte ? `${bytes / gibibyte} GiB` : `${Math.round(bytes / mebibyte)} MiB`;
}
