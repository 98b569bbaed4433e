import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { baselineFile, compareResults, readBaseline } from '../../bench/baseline.ts';
import { figureOf, spreadOf } from '../../bench/figures.ts';
import { parseCpuSeconds, parseResidentMaxBytes } from '../../bench/process-usage.ts';
import { selfTimes } from '../../bench/profile-summary.ts';
import { type BenchResult } from '../../bench/results.ts';
import { scenarios } from '../../bench/scenarios.ts';
import { sampleInside, sampleResult, sampleRun, sampleScenario } from './sample.ts';

test('CPU time is user and system time, whatever the process is called', () => {
  const stat = '4711 (a (odd) name) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 11 0 100';
  expect(parseCpuSeconds(stat)).toEqual({ cpuSeconds: 2, kernelSeconds: 0.5 });
});

test('resident memory is the largest so far', () => {
  expect(parseResidentMaxBytes('Name:\tnode\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n')).toBe(2 ** 21);
  expect(() => parseResidentMaxBytes('Name:\tnode\nState:\tZ (zombie)\n')).toThrow('it has ended');
});

test('a spread is least, middle and most', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
  expect(spreadOf([4, 2])).toEqual({ min: 2, median: 3, max: 4 });
  expect(spreadOf([])).toBeUndefined();
});

test('a figure that a mover does not have is absent, not zero', () => {
  const idle = sampleScenario('idle', { umbra: [sampleRun({ bytes: 0 })] });
  expect(figureOf(idle, 'umbra', 'cpuPerGib')).toBeUndefined();
  expect(figureOf(idle, 'umbra', 'loopDelayMaxMs')).toBeUndefined();
  expect(figureOf(idle, 'umbra', 'cpuShare')?.median).toBe(0.2);
});

const large = (cpuSeconds: number, changes: Parameters<typeof sampleScenario>[2] = {}): BenchResult => {
  const runs = { umbra: [sampleRun({ cpuSeconds })], floor: [sampleRun({ cpuSeconds: 1 })] };
  return sampleResult([sampleScenario('large', runs, changes)]);
};

test('only what is much worse than the baseline counts as worse', () => {
  const worse = (cpuSeconds: number): readonly string[] =>
    compareResults(large(2), large(cpuSeconds)).flatMap((change) => (change.worse ? [change.what] : []));
  expect(worse(2.4)).toEqual([]);
  expect(worse(3)).toEqual(['CPU per GiB, large batches, of the floor', 'cpuPerGib of floor']);
});

test('for a rate, less is worse', () => {
  const fillers = (markers: number): BenchResult =>
    sampleResult([sampleScenario('fillers', { umbra: [sampleRun({ inside: sampleInside({ markers }) })] })]);
  expect(compareResults(fillers(9000), fillers(5000))).toMatchObject([{ before: 900, now: 500, worse: true }]);
  expect(compareResults(fillers(5000), fillers(9000))).toMatchObject([{ worse: false }]);
});

test('results that did not measure the same are not compared', () => {
  expect(() => compareResults(large(2), { ...large(2), quick: true })).toThrow(/a full run and this is a quick run/);
  expect(() => compareResults(large(2), large(2, { what: 'more' }))).toThrow(/baseline of large is of something else/);
});

test('scenarios that only one of two results has are not compared', () => {
  const [one, other] = ['large', 'zstd'].map((name) => sampleScenario(name, { umbra: [sampleRun()] }));
  expect(compareResults(sampleResult([one!]), sampleResult([other!]))).toEqual([]);
});

// There is none until a full run was made on a quiet machine.
test.runIf(existsSync(baselineFile))('the stored baseline is a full run of scenarios that there are', async () => {
  const names = scenarios('full').map(({ name }) => name);
  const baseline = await readBaseline();
  expect(baseline.quick).toBe(false);
  for (const { scenario } of baseline.scenarios) expect(names).toContain(scenario);
});

test('a profile counts own time, and waiting not at all', () => {
  const frame = (functionName: string): { functionName: string; url: string; lineNumber: number } => ({
    functionName,
    url: '',
    lineNumber: 0,
  });
  const nodes = ['(idle)', 'copy', 'plan'].map((name, id) => ({ id, callFrame: frame(name) }));
  const times = selfTimes({ nodes, samples: [0, 1, 2, 1], timeDeltas: [9e6, 2e6, 1e6, 1e6] });
  expect(times).toEqual([
    { where: 'copy', seconds: 3, share: 0.75 },
    { where: 'plan', seconds: 1, share: 0.25 },
  ]);
});
