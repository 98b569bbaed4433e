import { type BenchResult, type Run, type ScenarioResult } from '../../bench/results.ts';

const mebibyte = 2 ** 20;

/** A run that moved 1 GiB in ten seconds with two seconds of CPU, unless said otherwise. */
export function sampleRun(changes: Partial<Run> = {}): Run {
  const usual = {
    bytes: 2 ** 30,
    offsets: 1000,
    seconds: 10,
    cpuSeconds: 2,
    kernelSeconds: 1,
    residentMaxBytes: 100 * mebibyte,
  };
  return { ...usual, startUpSeconds: 1, startUpCpuSeconds: 0.5, ...changes };
}

export function sampleInside(changes: Partial<NonNullable<Run['inside']>> = {}): NonNullable<Run['inside']> {
  return { loopDelayMaxMs: 3, loopBlockedMaxMs: 1, loopBlockedEverMs: 2, loopBusyShare: 0.1, markers: 0, ...changes };
}

export function sampleScenario(
  scenario: string,
  runs: Partial<ScenarioResult['runs']>,
  changes: Partial<ScenarioResult> = {},
): ScenarioResult {
  const all = { umbra: [], 'mirror-maker': [], floor: [], ...runs };
  return { scenario, what: 'a sample', scale: { partitions: 12 }, runs: all, failures: [], ...changes };
}

export function sampleResult(scenarios: readonly ScenarioResult[]): BenchResult {
  return {
    ...{ date: '2026-11-21', commit: '0123456789ab', quick: false, scenarios: [...scenarios] },
    machine: { cpu: 'a processor', cores: 2, memoryBytes: 2 ** 33, os: 'Linux 6', loadBefore: 0 },
    versions: { kafka: '4.3.1', java: '17', node: '24' },
  };
}
