import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BenchContext } from '../../bench/bench-context.ts';
import { LoadTool } from '../../bench/load.ts';
import { mirrorMakerAliases } from '../../bench/movers/mirror-maker-config.ts';
import { renderScenario } from '../../bench/report.ts';
import { runScenario } from '../../bench/run-scenario.ts';
import {
  type BacklogScenario,
  type LiveScenario,
  type Scenario,
  scenarios,
  type SteadyScenario,
} from '../../bench/scenarios.ts';
import { openCluster, topicNames } from '../../bench/topics.ts';
import { ensureKafka, mirrorMakerSuffix } from '../../tools/kafka-jars.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';

/** The smallest benchmark there is: that it runs and measures, not what it measures. */
const timeoutMs = 300_000;
const kafkaVersion = '4.3.1';
const records = 131_072;
let context: BenchContext;

beforeAll(async () => {
  const signal = AbortSignal.timeout(4 * timeoutMs);
  const { a, b } = sharedSites();
  const folder = testFolder('bench');
  const [source, target] = [a, b].map(({ admin }) => ({ config: admin, admin: openCluster('a site', admin) }));
  const libs = await ensureKafka(`${kafkaVersion}${mirrorMakerSuffix}`, { signal });
  context = {
    ...{ source: source!, target: target!, folder, signal, profileFolder: undefined, say: () => undefined },
    load: await LoadTool.compile(folder, await ensureKafka(kafkaVersion, { signal }), signal),
    mirrorMaker: { libs, kafkaVersion },
  };
}, timeoutMs);

afterAll(async () => {
  await Promise.all([context.source, context.target].map(async ({ admin }) => admin.close()));
});

function scenarioNamed<Kind extends Scenario['kind']>(name: string, kind: Kind): Extract<Scenario, { kind: Kind }> {
  const found = scenarios('quick').find((each) => each.name === name);
  if (found?.kind !== kind) throw new Error(`there is no scenario ${name} of the kind ${kind}`);
  // Its kind is the one that was asked for.
  return found as Extract<Scenario, { kind: Kind }>;
}

test(
  'a backlog is copied by a process that was restarted, and moved by the floor',
  { timeout: timeoutMs },
  async () => {
    const large: BacklogScenario = {
      ...scenarioNamed('large', 'backlog'),
      ...{ restartAtShare: 0.2, warmUpShare: 0.25 },
      load: { ...scenarioNamed('large', 'backlog').load, records },
    };
    const result = await runScenario(large, context, { count: 1, movers: ['umbra', 'floor'] });
    expect(result.failures).toEqual([]);
    expect(result.load).toMatchObject({ offsets: records, visibleRecords: records });
    const [umbra, floor] = [result.runs.umbra[0]!, result.runs.floor[0]!];
    expect(umbra.offsets).toBeGreaterThan(0);
    expect(umbra.offsets).toBeLessThan(records);
    expect(umbra.bytes / result.load!.bytes).toBeCloseTo(umbra.offsets / records, 6);
    for (const { cpuSeconds, startUpCpuSeconds } of [umbra, floor]) {
      expect(cpuSeconds).toBeGreaterThan(0);
      expect(startUpCpuSeconds).toBeGreaterThan(0);
    }
    expect(floor.bytes).toBeGreaterThanOrEqual(result.load!.bytes);
    expect(umbra.residentMaxBytes).toBeGreaterThan(2 ** 24);
    expect(umbra.inside!.loopBusyShare).toBeGreaterThan(0);
    expect(umbra.inside!.loopBlockedEverMs).toBeGreaterThanOrEqual(umbra.inside!.loopBlockedMaxMs);
    expect(renderScenario(result)).toContain('umbra / floor');
  },
);

test('a steady load is measured at both ends, and no record is missing', { timeout: timeoutMs }, async () => {
  const partitions = scenarioNamed('partitions', 'steady');
  const small: SteadyScenario = {
    ...partitions,
    at: { topics: 1, partitions: 4 },
    load: { ...partitions.load, recordsPerSecond: 200, warmUpSeconds: 1, seconds: 2 },
  };
  const result = await runScenario(small, context, { count: 1, movers: ['umbra'] });
  expect(result.failures).toEqual([]);
  const [run] = result.runs.umbra;
  expect(run?.latency).toMatchObject({ records: 400, missing: 0 });
  expect(run!.latency!.target.p50Ms).toBeGreaterThan(run!.latency!.source.p50Ms / 2);
});

test('a copy is measured beside the producer of small transactions', { timeout: timeoutMs }, async () => {
  const live = scenarioNamed('transactional-live', 'live');
  const small: LiveScenario = { ...live, load: { ...live.load, warmUpSeconds: 1, seconds: 3 } };
  const result = await runScenario(small, context, { count: 1, movers: ['umbra'] });
  expect(result.failures).toEqual([]);
  const [run] = result.runs.umbra;
  expect(run!.offsets).toBeGreaterThan(0);
  expect(run!.writtenOffsets).toBeGreaterThan(0);
  expect(run!.inside!.markers).toBeGreaterThan(0);
});

test(
  'MirrorMaker 2 copies with the settings it was given and leaves no positions',
  { timeout: timeoutMs },
  async () => {
    const transactional = scenarioNamed('transactional', 'backlog');
    const few = { ...transactional, load: { ...transactional.load, records: 20_000 } };
    const result = await runScenario(few, context, { count: 1, movers: ['mirror-maker'] });
    expect(result.failures).toEqual([]);
    expect(result.load!.visibleRecords).toBe(18_000);
    expect(result.runs['mirror-maker'][0]!.startUpCpuSeconds).toBeGreaterThan(0);
    expect(await ownTopics('transactional-')).toEqual([]);
  },
);

async function ownTopics(runId: string): Promise<readonly string[]> {
  const names = mirrorMakerAliases(runId);
  const all = await Promise.all([context.source, context.target].map(async ({ admin }) => topicNames(admin)));
  return all.flat().filter((topic) => topic.includes(names.source) || topic.includes(names.target));
}
