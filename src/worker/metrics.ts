import { Gauge, Registry } from 'prom-client';
import type { LinkRunner } from './link-runner.ts';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (runner: LinkRunner) => readonly Sample[];
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
    read: (runner) => runner.topicViews().flatMap((view) => faultOffsets(runner.id, view)),
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
  linkMetric('umbra_link_up', '1 when both clusters answer, else 0.', (runner) => {
    const { state } = runner.view();
    return state === 'following' || state === 'degraded' ? 1 : 0;
  }),
  linkMetric('umbra_link_fenced', '1 when the target checks rights, 0 when anybody may write the copies.', (runner) =>
    runner.view().fence === 'acl' ? 1 : 0,
  ),
  linkMetric(
    'umbra_link_sample_age_seconds',
    'Age of the oldest newest answer of the source that a lag rests on.',
    (runner) => (runner.view().lag.sampleAgeMs ?? 0) / 1000,
  ),
  linkMetric(
    'umbra_link_fetch_answers_total',
    'Answers to fetches.',
    ({ replicator }) => replicator.meters.fetchAnswers,
  ),
  linkMetric(
    'umbra_link_fetched_bytes_total',
    'Bytes received in answers to fetches.',
    ({ replicator }) => replicator.meters.fetchedBytes,
  ),
  linkMetric(
    'umbra_link_produce_requests_total',
    'Produce requests answered.',
    ({ replicator }) => replicator.meters.produceRequests,
  ),
  linkMetric(
    'umbra_link_resumes_total',
    'Partitions that went (back) to work after reading where the copy ends.',
    ({ replicator }) => replicator.meters.resumes,
  ),
  linkMetric(
    'umbra_link_source_failures_total',
    'Failed exchanges with the source.',
    ({ replicator }) => replicator.meters.source.failures,
  ),
  linkMetric(
    'umbra_link_target_failures_total',
    'Failed exchanges with the target.',
    ({ replicator }) => replicator.meters.target.failures,
  ),
  linkMetric(
    'umbra_link_malformed_answers_total',
    'Answers of the source that held no valid batches.',
    ({ replicator }) => replicator.meters.malformedAnswers,
  ),
  linkMetric(
    'umbra_link_corrupt_batches_total',
    'Batches that were damaged on the way, refused by the target and fetched again.',
    ({ replicator }) => replicator.meters.corruptBatches,
  ),
  linkMetric(
    'umbra_link_buffer_bytes',
    'Memory held by batches on their way.',
    ({ replicator }) => replicator.pool.heldBytes,
  ),
];

/** A registry whose values are read from the links at every scrape. */
export function createMetrics(pair: string, site: string, links: () => Iterable<LinkRunner>): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ pair, site });
  for (const { name, help, labels, read } of metricCatalogue) {
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset();
        for (const runner of links()) for (const sample of read(runner)) this.set(sample.labels, sample.value);
      },
    });
  }
  new Gauge({
    name: 'umbra_process_resident_bytes',
    help: 'Resident memory of the worker process.',
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  return registry;
}

type TopicView = ReturnType<LinkRunner['topicViews']>[number];

function faultOffsets(link: string, { name, partitionViews }: TopicView): readonly Sample[] {
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

function topicMetric(name: string, help: string, value: (view: TopicView) => number): Metric {
  return {
    name,
    help,
    labels: perTopic,
    read: (runner) =>
      runner.topicViews().map((view) => ({ labels: { link: runner.id, topic: view.name }, value: value(view) })),
  };
}

/** Partitions without a value are left out. */
function partitionMetric(
  name: string,
  help: string,
  value: (view: TopicView['partitionViews'][number]) => number | undefined,
): Metric {
  const read = (runner: LinkRunner): readonly Sample[] =>
    runner.topicViews().flatMap(({ name: topic, partitionViews }) =>
      partitionViews.flatMap((view) => {
        const found = value(view);
        const labels = { link: runner.id, topic, partition: String(view.partition) };
        return found === undefined ? [] : [{ labels, value: found }];
      }),
    );
  return { name, help, labels: [...perTopic, 'partition'], read };
}

function linkMetric(name: string, help: string, value: (runner: LinkRunner) => number): Metric {
  return { name, help, labels: ['link'], read: (runner) => [{ labels: { link: runner.id }, value: value(runner) }] };
}
