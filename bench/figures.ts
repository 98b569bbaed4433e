import { type MoverName } from './mover.ts';
import { type Run, type ScenarioResult } from './results.ts';

/** Less is within the noise of starting and stopping the measured time. */
const secondsMin = 1;
/** Of /proc, a hundredth of a second each: with fewer, one tick more or less would decide. */
const cpuSecondsMin = 0.5;

const always = (): boolean => true;
const longEnough = ({ seconds }: Run): boolean => seconds >= secondsMin;
const enoughCpu = (run: Run): boolean => longEnough(run) && run.cpuSeconds >= cpuSecondsMin;
const copied = (run: Run): boolean => longEnough(run) && run.offsets > 0;
const allArrived = ({ latency }: Run): boolean => latency !== undefined && latency.records > 0 && latency.missing === 0;

interface Figure {
  readonly unit: string;
  readonly better: 'less' | 'more';
  /** Whether the run is long enough, or complete enough, to tell. */
  readonly counts: (run: Run) => boolean;
  /** Undefined where a run does not have it. */
  readonly of: (run: Run) => number | undefined;
}

const figure =
  (better: Figure['better'], counts: Figure['counts']) =>
  (unit: string, of: Figure['of']): Figure => ({ unit, better, counts, of });

const cost = figure('less', enoughCpu);
const rate = figure('more', copied);
const delay = figure('less', allArrived);
const whileMeasured = figure('less', longEnough);
const everTrue = figure('less', always);
const gib = ({ bytes }: Run): number => bytes / 2 ** 30;

/** Everything that is computed from runs, in one table: name → unit, what is better, when it is told, formula. */
export const figures = {
  cpuPerGib: cost('CPU-s/GiB', (run) => run.cpuSeconds / gib(run)),
  kernelPerGib: cost('CPU-s/GiB', (run) => run.kernelSeconds / gib(run)),
  cpuShare: cost('of a core', (run) => run.cpuSeconds / run.seconds),
  mibPerSecond: figure('more', longEnough)('MiB/s', (run) =>
    run.bytes === 0 ? undefined : run.bytes / 2 ** 20 / run.seconds,
  ),
  offsetsPerSecond: rate('/s', (run) => run.offsets / run.seconds),
  ofWritten: rate('', (run) => (run.writtenOffsets === undefined ? undefined : run.offsets / run.writtenOffsets)),
  markersPerSecond: rate('/s', (run) => (run.inside === undefined ? undefined : run.inside.markers / run.seconds)),
  residentMaxMib: everTrue('MiB', (run) => run.residentMaxBytes / 2 ** 20),
  startUpSeconds: everTrue('s', (run) => run.startUpSeconds),
  startUpCpuSeconds: everTrue('CPU-s', (run) => run.startUpCpuSeconds),
  loopBlockedEverMs: everTrue('ms', (run) => run.inside?.loopBlockedEverMs),
  loopDelayMaxMs: whileMeasured('ms', (run) => run.inside?.loopDelayMaxMs),
  loopBlockedMaxMs: whileMeasured('ms', (run) => run.inside?.loopBlockedMaxMs),
  loopBusyShare: whileMeasured('of the time', (run) => run.inside?.loopBusyShare),
  brokersP50Ms: delay('ms', (run) => run.latency?.source.p50Ms),
  brokersP99Ms: delay('ms', (run) => run.latency?.source.p99Ms),
  addedP50Ms: delay('ms', (run) => run.latency?.added.p50Ms),
  addedP99Ms: delay('ms', (run) => run.latency?.added.p99Ms),
  addedMaxMs: delay('ms', (run) => run.latency?.added.maxMs),
} as const satisfies Record<string, Figure>;

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

/** Over the repetitions. Undefined when the mover did not run, or one of its runs does not have this figure or is too short. */
export function figureOf(result: ScenarioResult, mover: MoverName, name: FigureName): Spread | undefined {
  const { counts, of } = figures[name];
  const runs = result.runs[mover];
  const told = runs.flatMap((run) => {
    const value = counts(run) ? of(run) : undefined;
    return value === undefined || !Number.isFinite(value) ? [] : [value];
  });
  return told.length === runs.length ? spreadOf(told) : undefined;
}

/** Runs in which rates or CPU cannot be told, and why. */
export function shortRuns(result: ScenarioResult, mover: MoverName): readonly string[] {
  return result.runs[mover].flatMap(({ seconds, cpuSeconds }) =>
    seconds >= secondsMin && cpuSeconds >= cpuSecondsMin
      ? []
      : [`${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(2)} CPU-s (needs ${secondsMin} s and ${cpuSecondsMin} CPU-s)`],
  );
}

/** Offsets by which the source's log grew per second, markers included, when the producer had the machine for itself. */
export function producerRate(result: ScenarioResult): number | undefined {
  return result.load === undefined ? undefined : result.load.offsets / result.load.seconds;
}

export function quotient(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined || by === 0 ? undefined : value / by;
}
