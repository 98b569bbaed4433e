import { expect, test } from 'vitest';
import { figureOf, figures } from '../../bench/figures.ts';
import { goals, judgeGoal, renderBound, type Goal } from '../../bench/goals.ts';
import { renderReport, renderScenario, renderVerdict } from '../../bench/report.ts';
import { type Run } from '../../bench/results.ts';
import { scaleOf } from '../../bench/scale.ts';
import { scenarios } from '../../bench/scenarios.ts';
import { sampleInside, sampleResult, sampleRun, sampleScenario } from './sample.ts';

const cpuOfMirrorMaker: Goal = {
  what: 'CPU per GiB',
  scenarios: ['large'],
  measure: { kind: 'ratio', figure: 'cpuPerGib', over: 'mirror-maker' },
  bound: { kind: 'at-most', value: 1 / 20 },
};

const memory: Goal = {
  ...{ what: 'memory', scenarios: ['large', 'huge'], bound: { kind: 'at-most', value: 256 } },
  measure: { kind: 'worst', figure: 'residentMaxMib' },
};

test('every goal names scenarios of the catalogue and a figure, and one scenario unless it is about the worst', () => {
  const names = scenarios('full').map(({ name }) => name);
  for (const { scenarios: judged, measure, needs = [] } of goals) {
    expect(names).toEqual(expect.arrayContaining([...judged]));
    if (measure.kind !== 'worst') expect(judged).toHaveLength(1);
    if (measure.kind !== 'over-producer') expect(Object.keys(figures)).toContain(measure.figure);
    for (const { scenario } of needs) expect(judged).toContain(scenario);
  }
});

test('a full run has the scale that every goal needs', () => {
  for (const { scenario, scale, atLeast } of goals.flatMap(({ needs }) => needs ?? [])) {
    const planned = scenarios('full').find(({ name }) => name === scenario)!;
    // The log's size is measured; what is written is at least the values.
    const bytes = planned.kind === 'backlog' ? planned.load.records * planned.load.valueBytes : 0;
    const load = { bytes, offsets: 1, visibleRecords: 1, seconds: 1 };
    expect(scaleOf(planned, load)[scale], `${scenario} ${scale}`).toBeGreaterThanOrEqual(atLeast);
  }
});

test('a quick run meets no goal whose scale it does not have', () => {
  const inside = sampleInside({ markers: 1e6 });
  const percentiles = { p50Ms: 1, p99Ms: 1, maxMs: 1 };
  const latency = { records: 1, missing: 0, source: percentiles, target: percentiles, added: percentiles };
  const results = scenarios('quick').map((scenario) => {
    const bytes = scenario.kind === 'backlog' ? scenario.load.records * scenario.load.valueBytes : 0;
    const load = { bytes, offsets: 1, visibleRecords: 1, seconds: 1 };
    const cheap = sampleRun({ inside, latency, writtenOffsets: 1000, cpuSeconds: 0.5, seconds: 100 });
    const dear = sampleRun({ cpuSeconds: 500, seconds: 1000 });
    const runs = { umbra: [cheap], 'mirror-maker': [dear], floor: [cheap] };
    return sampleScenario(scenario.name, runs, { load, scale: scaleOf(scenario, load) });
  });
  const verdicts = goals.map((goal) => [goal.what, judgeGoal(goal, results)] as const);
  const why = (words: string): unknown =>
    verdicts.filter(([what]) => what.includes(words)).map(([, verdict]) => 'why' in verdict && verdict.why);
  expect(why('10,000 idle')).toEqual(Array(2).fill('needs idle with 10,000 partitions'));
  expect(why('any backlog')).toEqual(['needs large with 4 GiB']);
  expect(why('event loop blocked')).toEqual(['needs large with 4 GiB']);
  expect(verdicts.filter(([, { kind }]) => kind === 'missed')).toEqual([]);
});

test('a ratio is judged by the medians of the repetitions', () => {
  const umbra = [2, 1, 9].map((cpuSeconds) => sampleRun({ cpuSeconds }));
  const large = sampleScenario('large', { umbra, 'mirror-maker': [sampleRun({ cpuSeconds: 40 })] });
  expect(judgeGoal(cpuOfMirrorMaker, [large])).toEqual({ kind: 'met', value: 0.05, ofBound: 1 });
});

test('a missed goal says by how much', () => {
  const large = sampleScenario('large', { umbra: [sampleRun()], 'mirror-maker': [sampleRun({ cpuSeconds: 20 })] });
  const verdict = judgeGoal(cpuOfMirrorMaker, [large]);
  expect(verdict.kind).toBe('missed');
  expect(renderVerdict(cpuOfMirrorMaker, verdict)).toBe('missed by 100 %');
  expect(renderBound(cpuOfMirrorMaker)).toBe('≤ 1/20');
});

test('a rate that is too low is missed by what is wanted over what is there', () => {
  const goal: Goal = {
    ...{ what: 'fillers', scenarios: ['fillers'], bound: { kind: 'at-least', value: 2000 } },
    measure: { kind: 'own', figure: 'markersPerSecond' },
  };
  const run = sampleRun({ inside: sampleInside({ markers: 10_000 }) });
  const verdict = judgeGoal(goal, [sampleScenario('fillers', { umbra: [run] })]);
  expect(renderVerdict(goal, verdict)).toBe('missed by 100 %');
});

test('what was not part of the run is not judged', () => {
  expect(judgeGoal(cpuOfMirrorMaker, [])).toEqual({ kind: 'not measured', why: 'needs large' });
  const alone = sampleScenario('large', { umbra: [sampleRun()] });
  expect(judgeGoal(cpuOfMirrorMaker, [alone])).toMatchObject({ kind: 'not measured' });
});

test.each<readonly [string, Partial<Run>]>([
  ['no CPU tick', { cpuSeconds: 0 }],
  ['fewer than fifty ticks', { cpuSeconds: 0.49 }],
  ['a window shorter than a second', { seconds: 0.9 }],
  ['no bytes', { bytes: 0 }],
])('a run with %s meets no goal about CPU', (_, changes) => {
  const rival = [sampleRun({ cpuSeconds: 40 })];
  const large = sampleScenario('large', { umbra: [sampleRun(), sampleRun(changes)], 'mirror-maker': rival });
  expect(judgeGoal(cpuOfMirrorMaker, [large]).kind).toBe('not measured');
});

test('latency of which records are missing is no latency', () => {
  const percentiles = { p50Ms: 0, p99Ms: 0, maxMs: 0 };
  const latency = { records: 9, missing: 9, source: percentiles, target: percentiles, added: percentiles };
  const result = sampleScenario('latency', { umbra: [sampleRun({ latency })] });
  expect(figureOf(result, 'umbra', 'addedP50Ms')).toBeUndefined();
});

test('a run that failed is told, and its goal is not judged by the others', () => {
  const runs = { umbra: [sampleRun()], 'mirror-maker': [sampleRun({ cpuSeconds: 80 })] };
  const failures = [{ mover: 'mirror-maker' as const, message: 'it copied twice' }];
  const large = sampleScenario('large', runs, { failures });
  expect(judgeGoal(cpuOfMirrorMaker, [large])).toMatchObject({ why: 'a run of mirror-maker failed in large' });
  expect(renderScenario(large)).toContain('FAILED: mirror-maker: it copied twice');
});

test('a bound on several scenarios is judged by the worst single run, when all of them were run', () => {
  const runs = (mebibytes: number): Run[] => [sampleRun({ residentMaxBytes: mebibytes * 2 ** 20 }), sampleRun()];
  const large = sampleScenario('large', { umbra: runs(300) });
  const others = ['huge', 'idle'].map((name) => sampleScenario(name, { umbra: runs(name === 'idle' ? 900 : 200) }));
  expect(judgeGoal(memory, [large, ...others])).toMatchObject({ kind: 'missed', value: 300 });
  expect(judgeGoal(memory, [large])).toEqual({ kind: 'not measured', why: 'needs huge' });
});

test('the report has every scenario, every goal and the machine', () => {
  const report = renderReport(sampleResult([sampleScenario('large', { umbra: [sampleRun()], floor: [sampleRun()] })]));
  expect(report).toContain('large: a sample');
  for (const { what } of goals) expect(report).toContain(what);
  expect(report).toContain('a processor, 2 cores');
});
