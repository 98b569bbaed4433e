import { otherSite, type SiteId } from '../../src/pair/site.ts';
import { linkId } from '../../src/pair/spec.ts';
import { isExpress } from './site-config.ts';
import { metricsNamespace } from './tasks.ts';

/** One alarm as data. `name` is part of its name in Pulumi. */
export interface AlarmRule {
  readonly name: string;
  readonly why: string;
  readonly namespace: string;
  readonly metric: string;
  /** A second metric of the same thing, which is added to it. */
  readonly plus?: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Maximum' | 'Minimum' | 'Sum' | 'Average';
  readonly above?: number;
  readonly below?: number;
  readonly periodSeconds: number;
  readonly periods: number;
  /** What no data means: of umbra's own metrics silence is the worst there is. */
  readonly silence: 'breaching' | 'notBreaching' | 'missing';
}

export interface AlarmedSite {
  readonly pair: string;
  readonly site: SiteId;
  /** Of the MSK cluster. */
  readonly clusterName: string;
  readonly instanceType: string;
  readonly brokerCount: number;
  readonly exposureSecondsMax: number;
  /** Whether a link ends here. */
  readonly linked: boolean;
}

/** What is watched at a site. Sources: metrics of MSK's developer guide; docs/metrics.md. */
export function alarmRules(site: AlarmedSite): readonly AlarmRule[] {
  return [...clusterRules(site), ...brokerRules(site), ...umbraRules(site)];
}

function clusterRules({ clusterName, instanceType }: AlarmedSite): readonly AlarmRule[] {
  const cluster = { namespace: 'AWS/Kafka', dimensions: { 'Cluster Name': clusterName }, periodSeconds: 60 } as const;
  const all: readonly AlarmRule[] = [
    {
      ...cluster,
      ...{ name: 'controller', metric: 'ActiveControllerCount', statistic: 'Maximum', below: 1, periods: 3 },
      ...{ why: 'no controller leads the cluster', silence: 'breaching' },
    },
  ];
  if (isExpress(instanceType)) return all;
  return [
    ...all,
    {
      ...cluster,
      ...{ name: 'offline-partitions', metric: 'OfflinePartitionsCount', statistic: 'Maximum', above: 0, periods: 3 },
      ...{ why: 'partitions without a leader: nobody reads or writes them', silence: 'missing' },
    },
  ];
}

/** By broker: MSK has these for each broker and for no cluster as a whole. */
function brokerRules({ clusterName, instanceType, brokerCount }: AlarmedSite): readonly AlarmRule[] {
  return Array.from({ length: brokerCount }, (_, index) => String(index + 1)).flatMap((id): readonly AlarmRule[] => {
    const broker = {
      namespace: 'AWS/Kafka',
      dimensions: { 'Cluster Name': clusterName, 'Broker ID': id },
      periodSeconds: 300,
      periods: 3,
      silence: 'missing',
    } as const;
    const cpu: AlarmRule = {
      ...broker,
      ...{ name: `cpu-${id}`, metric: 'CpuUser', plus: 'CpuSystem', statistic: 'Average', above: 60 },
      why: `broker ${id} has no room for the load of another one`,
    };
    if (isExpress(instanceType)) {
      const throttled = { ...broker, statistic: 'Average', above: 0 } as const;
      return [
        cpu,
        {
          ...throttled,
          name: `throttled-in-${id}`,
          metric: 'ProduceThrottleTime',
          why: `broker ${id} slows writers down`,
        },
        {
          ...throttled,
          name: `throttled-out-${id}`,
          metric: 'FetchThrottleTime',
          why: `broker ${id} slows readers down`,
        },
      ];
    }
    return [
      cpu,
      {
        ...broker,
        ...{ name: `disk-${id}`, metric: 'KafkaDataLogsDiskUsed', statistic: 'Maximum', above: 85 },
        why: `the disk of broker ${id} is almost full`,
      },
      {
        ...broker,
        ...{ name: `min-isr-${id}`, metric: 'UnderMinIsrPartitionCount', statistic: 'Maximum', above: 0 },
        why: `partitions of broker ${id} take no writes with acks=all`,
      },
    ];
  });
}

/** Dimensions of the metrics of the link that ends at a site. */
export function linkDimensions(pair: string, site: SiteId): Readonly<Record<string, string>> {
  return { Pair: pair, Site: site, Link: linkId({ from: otherSite(site), to: site }) };
}

function umbraRules({ pair, site, exposureSecondsMax, linked }: AlarmedSite): readonly AlarmRule[] {
  const ready: AlarmRule = {
    ...{ name: 'ready', namespace: metricsNamespace, metric: 'Ready', dimensions: { Pair: pair, Site: site } },
    ...{ statistic: 'Maximum', below: 1, periodSeconds: 60, periods: 5, silence: 'breaching' },
    why: 'no worker of this site is ready: nothing is copied to it',
  };
  if (!linked) return [ready];
  const ofLink = { namespace: metricsNamespace, dimensions: linkDimensions(pair, site), periodSeconds: 60 } as const;
  return [
    ready,
    {
      ...ofLink,
      ...{ name: 'exposure', metric: 'ExposureSeconds', statistic: 'Maximum', above: exposureSecondsMax, periods: 5 },
      ...{ why: 'more writes than agreed would be lost with the other site', silence: 'breaching' },
    },
    {
      ...ofLink,
      ...{ name: 'faulted', metric: 'FaultedPartitions', statistic: 'Maximum', above: 0, periods: 1 },
      ...{ why: 'partitions that are no longer copied until somebody decides', silence: 'missing' },
    },
  ];
}

/** Dashboard of a region: what would be lost, what is copied, how the brokers are. */
export function dashboardText({ region, ...site }: AlarmedSite & { readonly region: string }): string {
  const widget = (title: string, at: number, metrics: readonly (readonly string[])[]): object => ({
    ...{ type: 'metric', x: (at % 2) * 12, y: Math.floor(at / 2) * 6, width: 12, height: 6 },
    properties: { title, region, metrics, period: 60, stat: 'Maximum', view: 'timeSeries' },
  });
  const flat = (dimensions: Readonly<Record<string, string>>): readonly string[] => Object.entries(dimensions).flat();
  const ours = (metric: string): readonly string[] => [
    metricsNamespace,
    metric,
    ...flat(linkDimensions(site.pair, site.site)),
  ];
  const rules = alarmRules(site).filter(({ namespace }) => namespace === 'AWS/Kafka');
  const metrics = [...new Set(rules.map(({ metric }) => metric))];
  return JSON.stringify({
    widgets: [
      widget('What would be lost with the other site (s)', 0, [ours('ExposureSeconds')]),
      widget('What would be lost with the other site (records)', 1, [ours('ExposureRecords')]),
      widget('Topics that follow, partitions that are faulted', 2, [
        ours('FollowingTopics'),
        ours('FaultedPartitions'),
      ]),
      widget('Workers ready', 3, [[metricsNamespace, 'Ready', 'Pair', site.pair, 'Site', site.site]]),
      ...metrics.map((metric, index) =>
        widget(
          metric,
          4 + index,
          rules.filter((rule) => rule.metric === metric).map((rule) => ['AWS/Kafka', metric, ...flat(rule.dimensions)]),
        ),
      ),
    ],
  });
}
