import type { CopierCounters } from '../../replication/copier/copier-counters.ts';
import { type Metric, ofOwnLink, ofOwnPartition, ofOwnTopic, type Sample, type Scrape } from './metric.ts';

/** Of the partitions that this worker copies; to be added up over the workers of a site. */
export const copyingMetrics: readonly Metric[] = [
  ofOwnPartition(
    {
      name: 'umbra_partition_lag_records',
      type: 'gauge',
      unit: 'records',
      help: "Offsets up to the source's last stable offset that the copy lacks, as of the last answer.",
    },
    ({ lag }) => lag.records,
  ),
  ofOwnTopic(
    {
      name: 'umbra_topic_lag_records',
      type: 'gauge',
      unit: 'records',
      help: 'The same of all partitions of the topic.',
    },
    ({ lag }) => lag.records,
  ),
  ofOwnTopic(
    {
      name: 'umbra_topic_lag_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'Since when the copy is known to be behind; stands still with a silent source, unlike the exposure.',
    },
    ({ lag }) => lag.seconds,
  ),
  ofOwnTopic(
    { name: 'umbra_topic_partitions_faulted', type: 'gauge', unit: '1', help: 'Partitions that stopped for good.' },
    ({ partitionsFaulted }) => partitionsFaulted,
  ),
  {
    name: 'umbra_partition_fault_offset',
    type: 'gauge',
    unit: 'offset',
    labels: ['link', 'topic', 'partition', 'code'],
    from: 'worker',
    help: 'Where a faulted partition went wrong: of a copy that differs from its source the first offset that does.',
    absent: 'nothing is faulted',
    read: faultOffsets,
  },
  total('umbra_topic_fetched_records_total', 'records', 'Records in batches that the source gave.', 'fetchedRecords'),
  total('umbra_topic_copied_records_total', 'records', 'Records appended to the copy.', 'records'),
  total('umbra_topic_copied_bytes_total', 'bytes', 'Bytes of batches appended to the copy.', 'bytes'),
  total('umbra_topic_copied_batches_total', '1', 'Batches appended to the copy.', 'batches'),
  total('umbra_topic_markers_total', '1', 'Markers written where the source has no record for anybody.', 'markers'),
  ofOwnTopic(
    {
      name: 'umbra_topic_unverified_offsets',
      type: 'gauge',
      unit: 'records',
      help: 'Offsets of the copy that this process has not yet compared with the source.',
    },
    ({ proof }) => proof.unverified,
  ),
  ofOwnPartition(
    {
      name: 'umbra_partition_verified_offset',
      type: 'gauge',
      unit: 'offset',
      help: 'The copy equals the source just below this offset, read from both clusters.',
      absent: 'nothing was compared yet',
    },
    ({ proof }) => (proof.verifiedTo === undefined ? undefined : Number(proof.verifiedTo)),
  ),
  ofOwnPartition(
    {
      name: 'umbra_partition_verified_timestamp_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'When the newest offsets of the copy were last compared with the source and equal, in Unix time.',
      absent: 'nothing was compared yet',
    },
    ({ proof }) => (proof.verifiedAt === undefined ? undefined : Date.parse(proof.verifiedAt) / 1000),
  ),
  ofOwnLink(
    { name: 'umbra_link_up', type: 'gauge', unit: '1', help: '1 when both clusters answer this worker, else 0.' },
    ({ problem }) => {
      const kind = problem?.kind;
      return kind === 'source' || kind === 'target' || kind === 'acquiring' || kind === 'fenced' ? 0 : 1;
    },
  ),
  {
    name: 'umbra_link_sample_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['link'],
    from: 'worker',
    help: 'Age of the newest answer of the source, of the partition that was answered for the longest time ago.',
    read: ({ own }) => {
      const ages = own?.topics.map(({ lag }) => lag.sampleAgeMs ?? 0) ?? [];
      return own === undefined
        ? []
        : [{ labels: { link: own.copying.id }, value: ages.reduce((oldest, age) => Math.max(oldest, age), 0) / 1000 }];
    },
  },
];

/** What one worker's streams did. */
export const streamMetrics: readonly Metric[] = [
  counter('umbra_link_fetch_answers_total', '1', 'Answers to fetches.', ({ fetchAnswers }) => fetchAnswers),
  counter(
    'umbra_link_fetched_bytes_total',
    'bytes',
    'Bytes received in answers to fetches.',
    ({ fetchedBytes }) => fetchedBytes,
  ),
  counter(
    'umbra_link_produce_requests_total',
    '1',
    'Produce requests answered.',
    ({ produceRequests }) => produceRequests,
  ),
  counter(
    'umbra_link_produced_bytes_total',
    'bytes',
    'Bytes of batches produced.',
    ({ producedBytes }) => producedBytes,
  ),
  counter(
    'umbra_link_resumes_total',
    '1',
    'Partitions that went (back) to work after reading where the copy ends.',
    ({ resumes }) => resumes,
  ),
  counter(
    'umbra_link_source_failures_total',
    '1',
    'Failed exchanges with the source.',
    ({ source }) => source.failures,
  ),
  counter(
    'umbra_link_target_failures_total',
    '1',
    'Failed exchanges with the target.',
    ({ target }) => target.failures,
  ),
  counter(
    'umbra_link_malformed_answers_total',
    '1',
    'Answers of the source that held no valid batches.',
    ({ malformedAnswers }) => malformedAnswers,
  ),
  counter(
    'umbra_link_corrupt_batches_total',
    '1',
    'Batches that were damaged on the way, refused by the target and fetched again.',
    ({ corruptBatches }) => corruptBatches,
  ),
  ofOwnLink(
    { name: 'umbra_link_buffer_bytes', type: 'gauge', unit: 'bytes', help: 'Memory held by batches on their way.' },
    ({ replicator }) => replicator.pool.heldBytes,
  ),
];

type Meters = Parameters<Parameters<typeof ofOwnLink>[1]>[0]['replicator']['meters'];

function counter(name: string, unit: Metric['unit'], help: string, value: (meters: Meters) => number): Metric {
  return ofOwnLink({ name, type: 'counter', unit, help }, ({ replicator }) => value(replicator.meters));
}

/** By topic, since the process began: also what it copied of partitions that others copy now. */
function total(
  name: string,
  unit: Metric['unit'],
  help: string,
  key: Exclude<keyof CopierCounters, 'highestProducerId'>,
): Metric {
  const read = ({ own }: Scrape): readonly Sample[] =>
    own === undefined
      ? []
      : [...own.copying.replicator.totals()].map(([topic, counts]) => ({
          labels: { link: own.copying.id, topic },
          value: counts[key],
        }));
  return { name, type: 'counter', unit, labels: ['link', 'topic'], from: 'worker', help, read };
}

function faultOffsets({ own }: Scrape): readonly Sample[] {
  return (own?.topics ?? []).flatMap(({ link, name: topic, partitionViews }) =>
    partitionViews.flatMap(({ partition, fault }) =>
      fault?.offset === undefined
        ? []
        : [{ labels: { link, topic, partition: String(partition), code: fault.code }, value: Number(fault.offset) }],
    ),
  );
}
