import { expect, test } from 'vitest';
import { figures } from '../../bench/figures.ts';
import { goals, judgeGoal, renderBound, type Goal } from '../../bench/goals.ts';
import { renderReport, renderVerdict } from '../../bench/report.ts';
import { scenarios } from '../../bench/scenarios.ts';
import { sampleResult, sampleRun, sampleScenario } from './sample.ts';

const cpuOfMirrorMaker: Goal = {
  what: 'CPU per GiB',
  scenario: 'large',
  measure: { kind: 'ratio', figure: 'cpuPerGib', over: 'mirror-maker' },
  bound: { kind: 'at-most', value: 1 / 20 },
};

test('every goal names a scenario of the catalogue and a figure', () => {
  const names = scenarios(1).map(({ name }) => name);
  for (const { scenario, measure } of goals) {
    if (measure.kind === 'worst') expect(['all', 'all but idle']).toContain(scenario);
    else expect(names).toContain(scenario);
    if (measure.kind !== 'over-producer') expect(Object.keys(figures)).toContain(measure.figure);
  }
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
    ...{ what: 'fillers', scenario: 'fillers', bound: { kind: 'at-least', value: 2000 } },
    measure: { kind: 'own', figure: 'markersPerSecond' },
  };
  const inside = { loopDelayMaxMs: 1, loopBusyShare: 0.1, markers: 10_000 };
  const verdict = judgeGoal(goal, [sampleScenario('fillers', { umbra: [sampleRun({ inside })] })]);
  expect(renderVerdict(goal, verdict)).toBe('missed by 100 %');
});

test('what was not part of the run is not judged', () => {
  expect(judgeGoal(cpuOfMirrorMaker, [])).toEqual({ kind: 'not measured' });
  const alone = sampleScenario('large', { umbra: [sampleRun()] });
  expect(judgeGoal(cpuOfMirrorMaker, [alone])).toEqual({ kind: 'not measured' });
});

test('a bound on every scenario is judged by the worst single run', () => {
  const goal: Goal = {
    ...{ what: 'memory', scenario: 'all but idle', bound: { kind: 'at-most', value: 256 } },
    measure: { kind: 'worst', figure: 'residentMaxMib' },
  };
  const runs = (mebibytes: number): ReturnType<typeof sampleRun>[] => [
    sampleRun({ residentMaxBytes: mebibytes * 2 ** 20 }),
    sampleRun(),
  ];
  const found = [sampleScenario('large', { umbra: runs(300) }), sampleScenario('idle', { umbra: runs(900) })];
  expect(judgeGoal(goal, found)).toMatchObject({ kind: 'missed', value: 300 });
});

test('the report has every scenario, every goal and the machine', () => {
  const report = renderReport(sampleResult([sampleScenario('large', { umbra: [sampleRun()], floor: [sampleRun()] })]));
  expect(report).toContain('large: a sample');
  for (const { what } of goals) expect(report).toContain(what);
  expect(report).toContain('a processor, 2 cores');
});
