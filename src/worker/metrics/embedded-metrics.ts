import { z } from 'zod';
import type { ControlledLink, Scrape } from './metric.ts';

/** Metrics for CloudWatch, written into the log of the worker. */
export const embeddedMetricsSchema = z.strictObject({
  /** CloudWatch's bound is 255 characters; names of AWS's own namespaces are refused by it. */
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9._/#-]{1,255}$/, 'must be 1 to 255 of A-Z, a-z, 0-9, ".", "_", "/", "#" and "-"')
    .refine((name) => !name.startsWith('AWS/'), 'must not begin with AWS/: that is for AWS itself'),
  /** CloudWatch keeps one value a minute, unless told otherwise. */
  intervalMs: z.int().min(1_000).max(3_600_000).default(60_000),
});

export type EmbeddedMetricsConfig = z.output<typeof embeddedMetricsSchema>;

interface EmbeddedMetric<Of> {
  readonly name: string;
  readonly unit: 'Seconds' | 'Count';
  /** Which metric of the catalogue says the same. */
  readonly as: string;
  readonly meaning: string;
  readonly read: (of: Of) => number;
}

/** With the dimensions Pair and Site, of every worker. */
export const workerMetrics: readonly EmbeddedMetric<Scrape>[] = [
  {
    name: 'Ready',
    unit: 'Count',
    as: 'umbra_worker_ready',
    meaning: '1 when the worker has its part and has taken it up, else 0. The minimum is 1 when all workers are.',
    read: ({ ready }) => (ready ? 1 : 0),
  },
];

/** With the dimensions Pair, Site and Link, of the worker that leads its site. */
export const linkMetrics: readonly EmbeddedMetric<ControlledLink>[] = [
  {
    name: 'ExposureSeconds',
    unit: 'Seconds',
    as: 'umbra_link_exposure_seconds',
    meaning: 'If the source died now: the oldest record that would be lost is at most that old.',
    read: ({ view }) => view.exposure.seconds,
  },
  {
    name: 'ExposureRecords',
    unit: 'Count',
    as: 'umbra_link_exposure_records',
    meaning: 'If the source died now: records that would be lost.',
    read: ({ view }) => view.exposure.records,
  },
  {
    name: 'FaultedPartitions',
    unit: 'Count',
    as: 'sum of umbra_topic_partitions_faulted',
    meaning: 'Partitions that stopped for good, of all workers.',
    read: ({ topics }) => topics.reduce((sum, { partitionsFaulted }) => sum + partitionsFaulted, 0),
  },
  {
    name: 'FollowingTopics',
    unit: 'Count',
    as: 'umbra_link_topics{state="following"}',
    meaning: 'Topics whose copies follow their sources.',
    read: ({ topics }) => topics.filter(({ state }) => state === 'following').length,
  },
];

export interface EmbeddedFrom {
  readonly namespace: string;
  readonly pair: string;
  readonly site: string;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
}

/**
 * Pure: log lines in CloudWatch's embedded metric format, from which CloudWatch Logs makes metrics: one of the worker, and one
 * for each link where this worker leads. Each is one JSON object: `_aws` says which of its members are dimensions and metrics.
 * Source: "Specification: Embedded metric format" of the CloudWatch user guide.
 */
export function embeddedMetricLines(scrape: Scrape, from: EmbeddedFrom): readonly string[] {
  const { pair, site } = from;
  const links = scrape.control?.links ?? [];
  return [
    line(from, { Pair: pair, Site: site }, workerMetrics, scrape),
    ...links.map((link) => line(from, { Pair: pair, Site: site, Link: link.view.id }, linkMetrics, link)),
  ];
}

function line<Of>(
  { namespace, timestampMs }: EmbeddedFrom,
  dimensions: Readonly<Record<string, string>>,
  metrics: readonly EmbeddedMetric<Of>[],
  of: Of,
): string {
  return JSON.stringify({
    _aws: {
      Timestamp: timestampMs,
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [Object.keys(dimensions)],
          Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
        },
      ],
    },
    ...dimensions,
    ...Object.fromEntries(metrics.map(({ name, read }) => [name, read(of)])),
  });
}
