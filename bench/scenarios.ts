import { type ProduceJob, type RecordsPlan, type SteadyJob } from './load.ts';
import { type MoverName } from './mover.ts';

/** The topics of a scenario at both clusters. */
export interface TopicsPlan {
  readonly topics: number;
  /** Of each topic. */
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** A full run, or one of minutes in which every scenario has the same shape and less of everything. */
export type Size = 'full' | 'quick';

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
  /** Share after which the process is stopped and another one goes on, before the measured time. */
  readonly restartAtShare?: number;
  /** Written to a topic beside the backlog all the while, records per second. */
  readonly live?: { readonly recordsPerSecond: number; readonly records: RecordsOf };
}

/** Records come at a rate while they are copied: latency, CPU share. */
export interface SteadyScenario extends Common {
  readonly kind: 'steady';
  readonly load: Omit<SteadyJob, 'topics' | 'partitions'>;
}

/** Records come as fast as the producer can: whether the copy keeps up. */
export interface LiveScenario extends Common {
  readonly kind: 'live';
  readonly load: Omit<ProduceJob, 'topics' | 'partitions'>;
}

/** Nothing comes: what it costs to be there. */
export interface IdleScenario extends Common {
  readonly kind: 'idle';
  readonly settleSeconds: number;
  readonly seconds: number;
}

export type Scenario = BacklogScenario | SteadyScenario | LiveScenario | IdleScenario;

type RecordsOf = Omit<RecordsPlan, 'topics' | 'partitions'>;

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const gibibyte = 1024 * mebibyte;
const all: readonly MoverName[] = ['umbra', 'mirror-maker', 'floor'];
const rivals: readonly MoverName[] = ['umbra', 'mirror-maker'];
const usual = { movers: all, compression: 'none', batchBytesMax: mebibyte, lingerMs: 50 } as const;
const quickly = { ...usual, movers: rivals, lingerMs: 0 } as const;
const backlog = { kind: 'backlog', ...usual, warmUpShare: 0.25 } as const;
const backlogOfHuge = { ...backlog, batchBytesMax: 16 * mebibyte } as const;

const large: RecordsOf = {
  valueBytes: kibibyte,
  content: 'random',
  producer: { 'batch.size': 64 * kibibyte, 'linger.ms': 100, 'buffer.memory': 64 * mebibyte },
};
/** Sixteen of them, with what a batch adds, are a little less than 16 MiB. */
const huge: RecordsOf = {
  valueBytes: 1_048_000,
  content: 'random',
  producer: {
    ...{ 'batch.size': 16 * mebibyte - 100, 'linger.ms': 10_000, 'max.request.size': 17 * mebibyte },
    ...{ 'buffer.memory': 256 * mebibyte, 'max.in.flight.requests.per.connection': 1 },
  },
};
const topicOfHuge = { topics: 1, partitions: 4, configs: { 'max.message.bytes': String(16 * mebibyte) } };

/**
 * The catalogue, in the order in which it runs. Sizes are such that every mover is measured for at least a second and
 * half a CPU second, also in a quick run on two cores. Ten thousand partitions come last: brokers take minutes to
 * delete them.
 */
export function scenarios(runSize: Size): readonly Scenario[] {
  const of = (full: number, quick: number): number => (runSize === 'full' ? full : quick);
  const bytes = of(4 * gibibyte, 768 * mebibyte);
  const json = of(4 * gibibyte, gibibyte);
  const hugeRecords = of(2_100, 1_040);
  const topicsOfHundred = of(10, 5);
  return [
    {
      ...{ name: 'large', ...backlog },
      what: `${size(bytes)} in batches of 64 KiB, 1 KiB records, uncompressed, 12 partitions`,
      at: { topics: 1, partitions: 12 },
      load: { ...large, records: bytes / kibibyte },
    },
    {
      ...{ name: 'zstd', ...backlog, compression: 'zstd' },
      what: `${size(json)} of JSON in 1 KiB records, batches of 64 KiB compressed with zstd, 12 partitions`,
      at: { topics: 1, partitions: 12 },
      load: {
        ...{ valueBytes: kibibyte, content: 'json', records: json / kibibyte },
        producer: { ...large.producer, 'compression.type': 'zstd' },
      },
    },
    {
      ...{ name: 'tiny', ...backlog, lingerMs: 0 },
      what: `${count(of(200_000, 60_000))} batches of one record of 100 bytes each (linger 0), 4 partitions`,
      at: { topics: 1, partitions: 4 },
      load: {
        ...{ valueBytes: 100, content: 'random', records: of(200_000, 60_000) },
        producer: { 'batch.size': 1, 'linger.ms': 0 },
      },
    },
    {
      ...{ name: 'transactional', ...backlog },
      what: `${count(of(800_000, 250_000))} records of 1 KiB in transactions of 1,000, one of ten aborted, 12 partitions`,
      at: { topics: 1, partitions: 12 },
      load: {
        ...{ ...large, records: of(800_000, 250_000) },
        producer: { ...large.producer, 'linger.ms': 5, 'transactional.id': 'bench' },
        transactions: { records: 1_000, abortEvery: 10 },
      },
    },
    {
      ...{ kind: 'live', name: 'transactional-live', ...quickly },
      what: 'a producer of transactions of 10 records of 1 KiB, one of ten aborted, while they are copied, 12 partitions',
      at: { topics: 1, partitions: 12 },
      load: {
        ...{ ...large, producer: { 'transactional.id': 'bench-live', 'linger.ms': 0 }, records: 100_000_000 },
        ...{ transactions: { records: 10, abortEvery: 10 }, warmUpSeconds: of(10, 4), seconds: of(20, 10) },
      },
    },
    {
      ...{ kind: 'steady', name: 'partitions', ...quickly },
      what: `${count(topicsOfHundred * 100)} partitions, 1,000 records of 200 bytes a second over all of them`,
      at: { topics: topicsOfHundred, partitions: 100 },
      load: {
        ...{ valueBytes: 200, content: 'random', producer: {} },
        ...{ recordsPerSecond: 1_000, warmUpSeconds: of(10, 4), seconds: of(20, 10), drainSeconds: 30 },
      },
    },
    {
      ...{ name: 'catch-up', ...backlog, warmUpShare: 0.05 },
      what: `a backlog of ${size(bytes / 2)} as in "large" while 10 MiB/s go on coming to 12 partitions more`,
      at: { topics: 1, partitions: 12 },
      load: { ...large, records: bytes / 2 / kibibyte },
      live: { recordsPerSecond: 10 * kibibyte, records: { ...large, producer: {} } },
    },
    {
      ...{ kind: 'steady', name: 'latency', ...quickly },
      what: '10 MiB/s in 1 KiB records, default producer, 12 partitions',
      at: { topics: 1, partitions: 12 },
      load: {
        ...{ valueBytes: kibibyte, content: 'random', producer: {} },
        ...{ recordsPerSecond: 10 * kibibyte, warmUpSeconds: of(10, 4), seconds: of(30, 10), drainSeconds: 30 },
      },
    },
    {
      ...{ name: 'huge', ...backlogOfHuge },
      what: `${count(hugeRecords)} records of 1 MiB in batches of 16 MiB, 4 partitions`,
      at: topicOfHuge,
      load: { ...huge, records: hugeRecords },
    },
    {
      ...{ name: 'huge-restart', ...backlogOfHuge, movers: ['umbra'], restartAtShare: 0.4, warmUpShare: 0.5 },
      what: `${count(hugeRecords)} records as in "huge"; the process is stopped in the middle and another goes on`,
      at: topicOfHuge,
      load: { ...huge, records: hugeRecords },
    },
    {
      ...{ name: 'fillers', ...backlog, movers: ['umbra'], warmUpShare: 0.1 },
      what: `${count(of(200_000, 60_000))} records that were all aborted, 50 partitions`,
      at: { topics: 1, partitions: 50 },
      load: {
        ...{ valueBytes: 10, content: 'random', records: of(200_000, 60_000) },
        producer: { 'transactional.id': 'bench-fillers' },
        transactions: { records: 5_000, abortEvery: 1 },
      },
    },
    {
      ...{ name: 'repack', ...backlog },
      what: `${size(bytes / 4)} as in "large" at a source with log append time: every batch is taken apart`,
      at: { topics: 1, partitions: 12, configs: { 'message.timestamp.type': 'LogAppendTime' } },
      load: { ...large, records: bytes / 4 / kibibyte },
    },
    {
      ...{ kind: 'idle', name: 'idle', ...usual, movers: rivals },
      what: `${count(of(10_000, 1_000))} partitions in which nothing happens`,
      at: { topics: of(10, 1), partitions: 1_000, configs: { 'segment.index.bytes': '4096' } },
      ...{ settleSeconds: of(60, 5), seconds: of(60, 20) },
    },
  ];
}

function count(records: number): string {
  return records.toLocaleString('en');
}

function size(bytes: number): string {
  return bytes >= gibibyte ? `${bytes / gibibyte} GiB` : `${Math.round(bytes / mebibyte)} MiB`;
}
