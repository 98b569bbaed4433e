import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, Registry } from 'prom-client';
import type { LinkCopying } from './copying/link-copying.ts';
import { TrackedTopic } from './control/tracked-topic.ts';
import type { LinkView, TopicDetailView } from './views.ts';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (link: ScrapedLink) => readonly Sample[];
}

/** This worker's part of a link, and what the link's controller knows where it is this worker. */
export interface MeasuredLink {
  readonly copying: LinkCopying;
  readonly fence: LinkView['fence'] | undefined;
}

/** With views as of this scrape: made once for all metrics, for they take a look at every partition. */
interface ScrapedLink extends MeasuredLink {
  readonly topicViews: readonly TopicDetailView[];
}

const perTopic = ['link', 'topic'] as const;

/**
 * The one list of metrics: name, unit in the name, labels, meaning. Counters are kept by the core as plain numbers and
 * read when asked for, so measuring costs the data path nothing.
 */
export const metricCatalogue: readonly Metric[] = [
  topicMetric(
    'umbra_topic_lag_records',
    'Records of the source that the copy lacks, as of the last sample.',
    (view) => view.lag.records,
  ),
  topicMetric(
    'umbra_topic_lag_seconds',
    'Age of the oldest moment since which the copy is known to be behind.',
    (view) => view.lag.seconds,
  ),
  topicMetric('umbra_topic_partitions_faulted', 'Partitions that stopped for good.', (view) => view.partitionsFaulted),
  {
    name: 'umbra_partition_fault_offset',
    help: 'Offset at which a faulted partition went wrong: of a copy that differs from its source the first that does.',
    labels: [...perTopic, 'partition', 'code'],
    read: ({ copying, topicViews }) => topicViews.flatMap((view) => faultOffsets(copying.id, view)),
  },
  topicMetric(
    'umbra_topic_copied_records_total',
    'Records appended to the copy by this process.',
    (view) => view.copied.records,
  ),
  topicMetric(
    'umbra_topic_copied_bytes_total',
    'Bytes of batches appended to the copy by this process.',
    (view) => view.copied.bytes,
  ),
  topicMetric(
    'umbra_topic_copied_batches_total',
    'Batches appended to the copy by this process.',
    (view) => view.copied.batches,
  ),
  topicMetric(
    'umbra_topic_unverified_offsets',
    'Offsets of the copy that this process has not yet compared with the source.',
    (view) => view.proof.unverified,
  ),
  partitionMetric(
    'umbra_partition_verified_offset',
    'The copy equals the source just below this offset, read from both clusters.',
    ({ proof }) => (proof.verifiedTo === undefined ? undefined : Number(proof.verifiedTo)),
  ),
  partitionMetric(
    'umbra_partition_verified_timestamp_seconds',
    'When the newest offsets of the copy were last compared with the source and equal, in Unix time.',
    ({ proof }) => (proof.verifiedAt === undefined ? undefined : Date.parse(proof.verifiedAt) / 1000),
  ),
  linkMetric('umbra_link_up', '1 when both clusters answer this worker, else 0.', ({ copying }) => {
    const kind = copying.problem?.kind;
    return kind === 'source' || kind === 'target' || kind === 'acquiring' || kind === 'fenced' ? 0 : 1;
  }),
  {
    name: 'umbra_link_fenced',
    help: '1 when the target checks rights, 0 when anybody may write the copies. Of the controller only.',
    labels: ['link'],
    read: ({ copying, fence }) =>
      fence === undefined ? [] : [{ labels: { link: copying.id }, value: fence === 'acl' ? 1 : 0 }],
  },
  linkMetric(
    'umbra_link_sample_age_seconds',
    'Age of the oldest newest answer of the source that a lag rests on.',
    ({ topicViews }) => Math.max(0, ...topicViews.map(({ lag }) => lag.sampleAgeMs ?? 0)) / 1000,
  ),
  linkMetric(
    'umbra_link_fetch_answers_total',
    'Answers to fetches.',
    ({ copying }) => copying.replicator.meters.fetchAnswers,
  ),
  linkMetric(
    'umbra_link_fetched_bytes_total',
    'Bytes received in answers to fetches.',
    ({ copying }) => copying.replicator.meters.fetchedBytes,
  ),
  linkMetric(
    'umbra_link_produce_requests_total',
    'Produce requests answered.',
    ({ copying }) => copying.replicator.meters.produceRequests,
  ),
  linkMetric(
    'umbra_link_resumes_total',
    'Partitions that went (back) to work after reading where the copy ends.',
    ({ copying }) => copying.replicator.meters.resumes,
  ),
  linkMetric(
    'umbra_link_source_failures_total',
    'Failed exchanges with the source.',
    ({ copying }) => copying.replicator.meters.source.failures,
  ),
  linkMetric(
    'umbra_link_target_failures_total',
    'Failed exchanges with the target.',
    ({ copying }) => copying.replicator.meters.target.failures,
  ),
  linkMetric(
    'umbra_link_malformed_answers_total',
    'Answers of the source that held no valid batches.',
    ({ copying }) => copying.replicator.meters.malformedAnswers,
  ),
  linkMetric(
    'umbra_link_corrupt_batches_total',
    'Batches that were damaged on the way, refused by the target and fetched again.',
    ({ copying }) => copying.replicator.meters.corruptBatches,
  ),
  linkMetric(
    'umbra_link_buffer_bytes',
    'Memory held by batches on their way.',
    ({ copying }) => copying.replicator.pool.heldBytes,
  ),
];

/** Of the process, whatever its links do. */
const processMetrics = (): readonly { readonly name: string; readonly help: string; readonly read: () => number }[] => [
  {
    name: 'umbra_process_resident_bytes',
    help: 'Resident memory of the worker process.',
    read: () => process.memoryUsage.rss(),
  },
  {
    name: 'umbra_process_resident_bytes_max',
    help: 'Most resident memory the worker process has had.',
    read: () => process.resourceUsage().maxRSS * 1024,
  },
  {
    name: 'umbra_process_cpu_seconds_total',
    help: 'CPU time of the worker process, all threads.',
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  },
  {
    name: 'umbra_event_loop_delay_seconds_max',
    help: 'Longest time the event loop was held up since the last scrape.',
    read: eventLoopDelay(),
  },
];

const delayEveryMs = 20;

/** How long the event loop was held up at most since the last call. The runtime's timer measures, and holds nothing up. */
function eventLoopDelay(): () => number {
  const intervals = monitorEventLoopDelay({ resolution: delayEveryMs });
  intervals.enable();
  return () => {
    const longestMs = intervals.max / 1e6;
    intervals.reset();
    return Math.max(0, longestMs - delayEveryMs) / 1000;
  };
}

/** A registry whose values are read from the links at every scrape. */
export function createMetrics(pair: string, site: string, links: () => Iterable<MeasuredLink>): Registry {
  const registry = new Registry();
  const current = scraped(links);
  registry.setDefaultLabels({ pair, site });
  for (const { name, help, labels, read } of metricCatalogue) {
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset();
        for (const link of current()) for (const sample of read(link)) this.set(sample.labels, sample.value);
      },
    });
  }
  for (const { name, help, read } of processMetrics()) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
  return registry;
}

function faultOffsets(link: string, { name, partitionViews }: TopicDetailView): readonly Sample[] {
  return partitionViews.flatMap(({ partition, fault }) =>
    fault?.offset === undefined
      ? []
      : [
          {
            labels: { link, topic: name, partition: String(partition), code: fault.code },
            value: Number(fault.offset),
          },
        ],
  );
}

function topicMetric(name: string, help: string, value: (view: TopicDetailView) => number): Metric {
  return {
    name,
    help,
    labels: perTopic,
    read: ({ copying, topicViews }) =>
      topicViews.map((view) => ({ labels: { link: copying.id, topic: view.name }, value: value(view) })),
  };
}

/** Partitions without a value are left out. */
function partitionMetric(
  name: string,
  help: string,
  value: (view: TopicDetailView['partitionViews'][number]) => number | undefined,
): Metric {
  const read = ({ copying, topicViews }: ScrapedLink): readonly Sample[] =>
    topicViews.flatMap(({ name: topic, partitionViews }) =>
      partitionViews.flatMap((view) => {
        const found = value(view);
        const labels = { link: copying.id, topic, partition: String(view.partition) };
        return found === undefined ? [] : [{ labels, value: found }];
      }),
    );
  return { name, help, labels: [...perTopic, 'partition'], read };
}

function linkMetric(name: string, help: string, value: (link: ScrapedLink) => number): Metric {
  return { name, help, labels: ['link'], read: (link) => [{ labels: { link: link.copying.id }, value: value(link) }] };
}

/** Views of all links, made when a scrape first asks for them: metrics of one scrape are collected in one go. */
function scraped(links: () => Iterable<MeasuredLink>): () => readonly ScrapedLink[] {
  let current: readonly ScrapedLink[] | undefined;
  return () => {
    if (current === undefined) {
      current = [...links()].map((link) => ({ ...link, topicViews: viewsOf(link.copying) }));
      setImmediate(() => (current = undefined));
    }
    return current;
  };
}

/** By topic, of the partitions that this worker copies. */
function viewsOf(copying: LinkCopying): readonly TopicDetailView[] {
  const byTopic = Map.groupBy(copying.samples(), ({ topic }) => topic);
  return [...byTopic].map(([name, samples]) =>
    new TrackedTopic({ name, topicId: '', partitions: samples.length }).view(copying.id, samples, undefined),
  );
}
