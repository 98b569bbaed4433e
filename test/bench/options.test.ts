import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';
import { scenarios } from '../../bench/scenarios.ts';

test('scenarios are chosen by name and run in the order of the catalogue', () => {
  expect(parseOptions(['zstd', 'large'])).toMatchObject({ scenarios: ['large', 'zstd'], repetitions: 3, quick: false });
  expect(parseOptions([])).toMatchObject({ scenarios: scenarios('full').map(({ name }) => name) });
});

test('a quick run repeats nothing unless told to', () => {
  expect(parseOptions(['--quick'])).toMatchObject({ quick: true, repetitions: 1 });
  expect(parseOptions(['--quick', '--repetitions', '2'])).toMatchObject({ repetitions: 2 });
});

test('what cannot be is refused with what can', () => {
  expect(() => parseOptions(['larg'])).toThrow(/No scenario larg; there are large, zstd/);
  expect(() => parseOptions(['--repetitions', '0'])).toThrow(/must be a whole number from 1 to 20/);
  expect(() => parseOptions(['--only', 'kafka'])).toThrow(/must be one of umbra, mirror-maker, floor/);
  expect(() => parseOptions(['--slow'])).toThrow(/--slow/);
});

test('a quick run has nothing to do with the baseline', () => {
  expect(() => parseOptions(['--quick', '--compare'])).toThrow(/not with --quick/);
  expect(() => parseOptions(['--quick', '--save-baseline'])).toThrow(/not with --quick/);
});

test('the names of scenarios are different, and a quick run writes less', () => {
  const [full, quick] = [scenarios('full'), scenarios('quick')];
  expect(new Set(full.map(({ name }) => name)).size).toBe(full.length);
  full.forEach((scenario, index) => {
    const smaller = quick[index];
    expect(smaller?.name).toBe(scenario.name);
    if (scenario.kind !== 'backlog' || smaller?.kind !== 'backlog') return;
    expect(smaller.load.records).toBeLessThan(scenario.load.records);
  });
});
