import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  embeddedMetricLines,
  embeddedMetricsSchema,
  linkMetrics,
  workerMetrics,
} from '../../src/worker/metrics/embedded-metrics.ts';
import { EmbeddedMetricsTimer } from '../../src/worker/metrics/embedded-metrics-timer.ts';
import { drillFigures } from '../../src/worker/drill/drill-figures.ts';
import type { ControlledLink, Scrape } from '../../src/worker/metrics/metric.ts';
import { metricCatalogue } from '../../src/worker/metrics/registry.ts';

const timestampMs = Date.UTC(2026, 0, 31);
const from = { namespace: 'Umbra', pair: 'orders', site: 'b', timestampMs };

/** As the metrics read it, and no more of it. */
function link(id: string, topics: readonly { state: string; partitionsFaulted: number }[]): ControlledLink {
  return { view: { id, exposure: { seconds: 1.25, records: 7 } }, topics } as unknown as ControlledLink;
}

const noDrills = {
  ...{ specs: () => [], cursor: () => undefined, past: () => [], runs: () => [] },
  ...{ findings: () => [], lastPass: () => undefined },
};
const following = { state: 'following', partitionsFaulted: 0 };
const leading: Scrape = {
  own: undefined,
  control: {
    links: [link('a-b', [following, following, { state: 'faulted', partitionsFaulted: 3 }])],
    workers: 1,
    violations: 0,
    channel: undefined,
    drills: drillFigures(noDrills, 'b', undefined),
  },
  ready: true,
};
const notLeading: Scrape = { own: undefined, control: undefined, ready: false };

/**
 * The format as the CloudWatch user guide specifies it ("Specification: Embedded metric format", the JSON schema there):
 * bounds of names, units, numbers of dimensions and metrics.
 */
const published = {
  type: 'object',
  required: ['_aws'],
  properties: {
    _aws: {
      type: 'object',
      required: ['Timestamp', 'CloudWatchMetrics'],
      properties: {
        Timestamp: { type: 'integer', minimum: 0 },
        CloudWatchMetrics: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            required: ['Namespace', 'Dimensions', 'Metrics'],
            properties: {
              Namespace: { type: 'string', minLength: 1, maxLength: 1024 },
              Dimensions: {
                type: 'array',
                minItems: 1,
                items: {
                  type: 'array',
                  minItems: 1,
                  maxItems: 30,
                  items: { type: 'string', minLength: 1, maxLength: 250 },
                },
              },
              Metrics: {
                type: 'array',
                maxItems: 100,
                items: {
                  type: 'object',
                  required: ['Name'],
                  properties: {
                    Name: { type: 'string', minLength: 1, maxLength: 1024 },
                    Unit: { enum: ['Seconds', 'Milliseconds', 'Bytes', 'Percent', 'Count', 'Count/Second', 'None'] },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};

interface Embedded extends Record<string, unknown> {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
}

function parsed(scrape: Scrape): readonly Embedded[] {
  return embeddedMetricLines(scrape, from).map((line) => JSON.parse(line) as Embedded);
}

describe('lines of embedded metrics', () => {
  test('are what CloudWatch publishes as their form, one object on one line each', () => {
    const valid = new Ajv().compile(published);
    for (const line of embeddedMetricLines(leading, from)) {
      expect(line).not.toContain('\n');
      expect(valid(JSON.parse(line)), JSON.stringify(valid.errors)).toBe(true);
    }
  });

  test('have each dimension as a text and each metric as a number beside what names them', () => {
    const named = parsed(leading).flatMap((line) =>
      line._aws.CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) => [
        ...Dimensions.flat().map((key) => ({ key, type: 'string', is: typeof line[key] })),
        ...Metrics.map(({ Name: key }) => ({ key, type: 'number', is: typeof line[key] })),
      ]),
    );
    expect(named.length).toBe(10);
    expect(named.filter(({ type, is }) => type !== is)).toEqual([]);
  });

  test('tell of the worker and, where it leads, of each link', () => {
    const [worker, ofLink, ...others] = parsed(leading);
    expect(worker).toMatchObject({ Pair: 'orders', Site: 'b', Ready: 1, _aws: { Timestamp: timestampMs } });
    expect(worker).not.toHaveProperty('Link');
    expect(ofLink).toMatchObject({ Pair: 'orders', Site: 'b', Link: 'a-b', ExposureSeconds: 1.25, ExposureRecords: 7 });
    expect(ofLink).toMatchObject({ FaultedPartitions: 3, FollowingTopics: 2 });
    expect(others).toEqual([]);
    expect(parsed(notLeading)).toMatchObject([{ Pair: 'orders', Site: 'b', Ready: 0 }]);
  });

  test('say what metrics of the catalogue say', () => {
    const names = metricCatalogue().map(({ name }) => name);
    const said = [...workerMetrics, ...linkMetrics].map(({ as }) => /umbra_\w+/.exec(as)?.[0] ?? as);
    expect(said.filter((name) => !names.includes(name))).toEqual([]);
  });

  test('are the table in the docs', () => {
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const table = /<!-- embedded:begin -->([\s\S]*)<!-- embedded:end -->/.exec(page)?.[1] ?? '';
    const rows = table.match(/^\| `[A-Z].*$/gm)?.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    const row = (dimensions: string, { name, unit, as, meaning }: (typeof workerMetrics)[number]): string[] => {
      const same = as.replace(/umbra_\w+(\{.*\})?/, '`$&`');
      return [`\`${name}\``, unit, dimensions, same, meaning];
    };
    expect(rows).toEqual([
      ...workerMetrics.map((each) => row('Pair, Site', each)),
      ...linkMetrics.map((each) => row('Pair, Site, Link', { ...each, read: () => 0 })),
    ]);
  });
});

test.each([
  ['a namespace of AWS', { namespace: 'AWS/Kafka' }],
  ['an empty namespace', { namespace: '' }],
  ['more often than once a second', { namespace: 'Umbra', intervalMs: 10 }],
])('%s is refused', (_what, config) => {
  expect(embeddedMetricsSchema.safeParse(config).success).toBe(false);
});

describe('the timer', () => {
  const printed: string[] = [];
  const warned: unknown[] = [];
  let look: () => Promise<Scrape>;
  let timer: EmbeddedMetricsTimer;

  beforeEach(() => {
    vi.useFakeTimers();
    printed.length = warned.length = 0;
    look = () => Promise.resolve(notLeading);
    timer = new EmbeddedMetricsTimer(
      { namespace: 'Umbra', intervalMs: 60_000, pair: 'orders', site: 'b' },
      {
        look: () => look(),
        print: (line) => printed.push(line),
        nowMs: () => timestampMs,
        logger: { warn: (...what: unknown[]) => void warned.push(what) },
      },
    );
  });

  afterEach(() => {
    timer.stop();
    vi.useRealTimers();
  });

  test('prints at each interval until it is stopped', async () => {
    timer.begin();
    await vi.advanceTimersByTimeAsync(59_999);
    expect(printed).toEqual([]);
    await vi.advanceTimersByTimeAsync(120_001);
    expect(printed).toHaveLength(3);
    timer.stop();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(printed).toHaveLength(3);
  });

  test('does not look again while a look is not over', async () => {
    let looks = 0;
    const { promise, resolve } = Promise.withResolvers<Scrape>();
    look = () => {
      looks += 1;
      return promise;
    };
    timer.begin();
    await vi.advanceTimersByTimeAsync(180_000);
    expect(looks).toBe(1);
    resolve(notLeading);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toBe(2);
  });

  test('says so when a look fails, and goes on', async () => {
    look = () => Promise.reject(new Error('nobody leads'));
    timer.begin();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([printed.length, warned.length]).toEqual([0, 1]);
    look = () => Promise.resolve(notLeading);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(printed).toHaveLength(1);
  });
});
