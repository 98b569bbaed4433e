import { type MoverName } from './mover.ts';
import { type Run, type ScenarioResult } from './results.ts';

/**
 * Everything that is computed from runs, in one table: name → unit and formula. Undefined where a run does not have it.
 */
export const figures = {
  cpuPerGib: { unit: 'CPU-s/GiB', of: (run: Run) => run.cpuSeconds / (run.bytes / 2 ** 30) },
  kernelPerGib: {
    unit: 'CPU-s/GiB',
    of: (run: Run) => (run.kernelSeconds === undefined ? undefined : run.kernelSeconds / (run.bytes / 2 ** 30)),
  },
  mibPerSecond: { unit: 'MiB/s', of: (run: Run) => run.bytes / 2 ** 20 / run.seconds },
  offsetsPerSecond: { unit: '/s', of: (run: Run) => run.offsets / run.seconds },
  cpuShare: { unit: 'of a core', of: (run: Run) => run.cpuSeconds / run.seconds },
  residentMaxMib: { unit: 'MiB', of: (run: Run) => run.residentMaxBytes / 2 ** 20 },
  startUpSeconds: { unit: 's', of: (run: Run) => run.startUpSeconds },
  startUpCpuSeconds: { unit: 'CPU-s', of: (run: Run) => run.startUpCpuSeconds },
  loopDelayMaxMs: { unit: 'ms', of: (run: Run) => run.inside?.loopDelayMaxMs },
  loopBusyShare: { unit: 'of the time', of: (run: Run) => run.inside?.loopBusyShare },
  markersPerSecond: {
    unit: '/s',
    of: (run: Run) => (run.inside === undefined ? undefined : run.inside.markers / run.seconds),
  },
  brokersP50Ms: { unit: 'ms', of: (run: Run) => run.latency?.source.p50Ms },
  brokersP99Ms: { unit: 'ms', of: (run: Run) => run.latency?.source.p99Ms },
  addedP50Ms: { unit: 'ms', of: (run: Run) => run.latency?.added.p50Ms },
  addedP99Ms: { unit: 'ms', of: (run: Run) => run.latency?.added.p99Ms },
  addedMaxMs: { unit: 'ms', of: (run: Run) => run.latency?.added.maxMs },
} as const satisfies Record<string, { unit: string; of: (run: Run) => number | undefined }>;

export type FigureName = keyof typeof figures;

/** The noise of the machine stands beside every figure. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const [min] = sorted;
  const max = sorted.at(-1);
  const median = medianOf(sorted);
  return min === undefined || max === undefined || median === undefined ? undefined : { min, median, max };
}

function medianOf(sorted: readonly number[]): number | undefined {
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** Over the repetitions; undefined when the mover did not run or does not have this figure. */
export function figureOf(result: ScenarioResult, mover: MoverName, name: FigureName): Spread | undefined {
  return spreadOf(
    result.runs[mover].flatMap((run) => {
      const value = figures[name].of(run);
      return value === undefined || !Number.isFinite(value) ? [] : [value];
    }),
  );
}

/** Offsets by which the source's log grew per second, markers included, when the producer had the machine for itself. */
export function producerRate(result: ScenarioResult): number | undefined {
  return result.load === undefined ? undefined : result.load.offsets / result.load.seconds;
}
