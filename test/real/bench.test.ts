import { expect, test } from 'vitest';
import { LoadTool } from '../../bench/load.ts';
import { renderScenario } from '../../bench/report.ts';
import { runScenario } from '../../bench/run-scenario.ts';
import { type BacklogScenario, scenarios, type SteadyScenario } from '../../bench/scenarios.ts';
import { openCluster } from '../../bench/topics.ts';
import { type BenchContext } from '../../bench/bench-context.ts';
import { ensureKafka } from '../../tools/kafka-jars.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';

/** The smallest benchmark there is: that it runs and measures, not what it measures. MirrorMaker 2 takes too long to start. */
const scale = 1 / 1024;
/** Half a minute on a machine that has time; others test beside us. */
const timeoutMs = 300_000;

async function withContext<T>(work: (context: BenchContext) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs - 10_000);
  const { a, b } = sharedSites();
  const folder = testFolder('bench');
  const libs = await ensureKafka('4.3.1', { signal });
  const [source, target] = [a, b].map(({ admin }) => ({ config: admin, admin: openCluster('a site', admin) }));
  try {
    return await work({
      ...{ source: source!, target: target!, folder, signal, profileFolder: undefined, say: () => undefined },
      load: await LoadTool.compile(folder, libs, signal),
      mirrorMaker: { libs, kafkaVersion: '4.3.1' },
    });
  } finally {
    await Promise.all([source, target].map(async (site) => site?.admin.close()));
  }
}

test(
  'a backlog is copied and moved by the floor, with CPU, memory and event loop measured',
  { timeout: timeoutMs },
  async () => {
    const large = scenarios(scale).find((each): each is BacklogScenario => each.name === 'large')!;
    const result = await withContext((context) =>
      runScenario(large, context, { count: 1, movers: ['umbra', 'floor'] }),
    );
    expect(result.load).toMatchObject({ offsets: 1024, visibleRecords: 1024 });
    const [umbra, floor] = [result.runs.umbra[0]!, result.runs.floor[0]!];
    // So small a log may be copied between two looks at it: the measured time can be short, never more than the log.
    expect(umbra.bytes).toBeLessThanOrEqual(result.load!.bytes);
    expect(umbra.startUpCpuSeconds).toBeGreaterThan(0);
    expect(floor.bytes).toBeGreaterThanOrEqual(result.load!.bytes);
    expect(umbra.residentMaxBytes).toBeGreaterThan(2 ** 24);
    expect(umbra.inside?.loopBusyShare).toBeGreaterThanOrEqual(0);
    expect(renderScenario(result)).toContain('umbra / floor');
  },
);

test('a steady load is measured at both ends, and no record is missing', { timeout: timeoutMs }, async () => {
  const partitions = scenarios(scale).find((each): each is SteadyScenario => each.name === 'partitions')!;
  const small: SteadyScenario = {
    ...partitions,
    at: { topics: 1, partitions: 4 },
    load: { ...partitions.load, recordsPerSecond: 200, warmUpSeconds: 1, seconds: 2 },
  };
  const result = await withContext((context) => runScenario(small, context, { count: 1, movers: ['umbra'] }));
  const [run] = result.runs.umbra;
  expect(run?.latency).toMatchObject({ records: 400, missing: 0 });
  expect(run!.latency!.target.p50Ms).toBeGreaterThan(run!.latency!.source.p50Ms / 2);
});
