import { type FigureName, figureOf, producerRate, quotient } from './figures.ts';
import { type MoverName } from './mover.ts';
import { type Scale, type ScenarioResult } from './results.ts';
import { scenarios } from './scenarios.ts';

/** How a goal is measured: medians over the repetitions; for `worst` the largest single run of its scenarios. */
export type Measure =
  /** Ours divided by another's. */
  | { readonly kind: 'ratio'; readonly figure: FigureName; readonly over: Exclude<MoverName, 'umbra'> }
  | { readonly kind: 'own'; readonly figure: FigureName }
  | { readonly kind: 'worst'; readonly figure: FigureName }
  /** Offsets per second of the copy divided by those of the producer that wrote the source's log. */
  | { readonly kind: 'over-producer' };

/** The size that a scenario must have had for the goal to be judged. */
export interface Need {
  readonly scenario: string;
  readonly scale: keyof Scale;
  readonly atLeast: number;
}

export interface Goal {
  readonly what: string;
  /** All of them must have been measured; one, but for `worst`. */
  readonly scenarios: readonly string[];
  readonly measure: Measure;
  readonly bound: { readonly kind: 'at-most' | 'at-least'; readonly value: number };
  readonly needs?: readonly Need[];
}

const atMost = (value: number): Goal['bound'] => ({ kind: 'at-most', value });
const atLeast = (value: number): Goal['bound'] => ({ kind: 'at-least', value });
const ratio = (figure: FigureName, over: Exclude<MoverName, 'umbra'>): Measure => ({ kind: 'ratio', figure, over });
const own = (figure: FigureName): Measure => ({ kind: 'own', figure });
const worst = (figure: FigureName): Measure => ({ kind: 'worst', figure });

const all = scenarios('full').map(({ name }) => name);
const idlePartitions: Need = { scenario: 'idle', scale: 'partitions', atLeast: 10_000 };
const tenMibPerSecond: Need = { scenario: 'latency', scale: 'mibPerSecond', atLeast: 10 };
/** Longer than any buffer, and the largest batches that a broker of this kind is usually allowed. */
const anyBacklog: readonly Need[] = [
  { scenario: 'large', scale: 'logMib', atLeast: 4096 },
  ...['huge', 'huge-restart'].flatMap((scenario): Need[] => [
    { scenario, scale: 'batchMib', atLeast: 15.9 },
    { scenario, scale: 'logMib', atLeast: 2048 },
  ]),
];

/** The goals, all of them, as data. */
export const goals: readonly Goal[] = [
  {
    what: 'CPU per GiB, large batches, of MirrorMaker 2',
    ...{ scenarios: ['large'], measure: ratio('cpuPerGib', 'mirror-maker'), bound: atMost(1 / 20) },
  },
  {
    what: 'CPU per GiB, large batches, of the floor',
    ...{ scenarios: ['large'], measure: ratio('cpuPerGib', 'floor'), bound: atMost(1.6) },
  },
  {
    what: 'CPU per GiB, zstd, of MirrorMaker 2',
    ...{ scenarios: ['zstd'], measure: ratio('cpuPerGib', 'mirror-maker'), bound: atMost(1 / 40) },
  },
  {
    what: 'throughput, large batches, of MirrorMaker 2',
    ...{ scenarios: ['large'], measure: ratio('mibPerSecond', 'mirror-maker'), bound: atLeast(5) },
  },
  {
    what: 'the event loop is not the bottleneck: busy share, large batches',
    ...{ scenarios: ['large'], measure: own('loopBusyShare'), bound: atMost(0.9) },
  },
  {
    what: 'latency added at 10 MiB/s, p50, ms',
    ...{ scenarios: ['latency'], measure: own('addedP50Ms'), bound: atMost(5), needs: [tenMibPerSecond] },
  },
  {
    what: 'latency added at 10 MiB/s, p99, ms',
    ...{ scenarios: ['latency'], measure: own('addedP99Ms'), bound: atMost(30), needs: [tenMibPerSecond] },
  },
  {
    what: '10,000 idle partitions, share of a core',
    ...{ scenarios: ['idle'], measure: own('cpuShare'), bound: atMost(0.02), needs: [idlePartitions] },
  },
  {
    what: '10,000 idle partitions, MiB resident',
    ...{ scenarios: ['idle'], measure: own('residentMaxMib'), bound: atMost(250), needs: [idlePartitions] },
  },
  {
    what: 'MiB resident at any backlog and batch size, restart included',
    ...{ scenarios: all.filter((name) => name !== 'idle'), measure: worst('residentMaxMib'), bound: atMost(256) },
    needs: anyBacklog,
  },
  {
    what: 'event loop blocked, start and resume included, ms',
    ...{ scenarios: all, measure: worst('loopBlockedEverMs'), bound: atMost(50) },
    needs: [...anyBacklog, idlePartitions],
  },
  {
    what: 'tiny batches, of the producer that makes them',
    ...{ scenarios: ['tiny'], measure: { kind: 'over-producer' }, bound: atLeast(1) },
  },
  {
    what: 'transactions, backlog, of the producer that made them',
    ...{ scenarios: ['transactional'], measure: { kind: 'over-producer' }, bound: atLeast(1) },
  },
  {
    // Both ends of the window cut a copy that is a moment behind: one percent is that moment's swing.
    what: 'small transactions, live, of the producer in the same window',
    ...{ scenarios: ['transactional-live'], measure: own('ofWritten'), bound: atLeast(0.99) },
  },
  {
    what: 'fillers per second, 50 partitions',
    ...{ scenarios: ['fillers'], measure: own('markersPerSecond'), bound: atLeast(2000) },
    needs: [{ scenario: 'fillers', scale: 'partitions', atLeast: 50 }],
  },
];

export type Verdict =
  | { readonly kind: 'met' | 'missed'; readonly value: number; /** Value over bound. */ readonly ofBound: number }
  | { readonly kind: 'not measured'; readonly why: string };

export function judgeGoal(goal: Goal, results: readonly ScenarioResult[]): Verdict {
  const why = lacking(goal, results);
  if (why !== undefined) return { kind: 'not measured', why };
  const value = valueOfGoal(goal, results);
  if (value === undefined) return { kind: 'not measured', why: 'too short, or nobody to compare with' };
  const { kind, value: bound } = goal.bound;
  const met = kind === 'at-most' ? value <= bound : value >= bound;
  return { kind: met ? 'met' : 'missed', value, ofBound: value / bound };
}

/** What must be there and is not, if anything. */
function lacking(
  { scenarios: names, measure, needs = [] }: Goal,
  results: readonly ScenarioResult[],
): string | undefined {
  const missing = names.filter((name) => !results.some(({ scenario }) => scenario === name));
  const [first, ...others] = missing;
  if (first !== undefined) return `needs ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`;
  const judged: readonly MoverName[] = measure.kind === 'ratio' ? ['umbra', measure.over] : ['umbra'];
  for (const { scenario, failures } of results.filter(({ scenario }) => names.includes(scenario))) {
    const failed = failures.find(({ mover }) => judged.includes(mover));
    if (failed !== undefined) return `a run of ${failed.mover} failed in ${scenario}`;
  }
  const small = needs.find((need) => {
    const scale = results.find(({ scenario }) => scenario === need.scenario)?.scale[need.scale];
    return scale === undefined || scale < need.atLeast;
  });
  return small === undefined ? undefined : `needs ${small.scenario} with ${renderNeed[small.scale](small.atLeast)}`;
}

const renderNeed: Readonly<Record<keyof Scale, (atLeast: number) => string>> = {
  partitions: (count) => `${count.toLocaleString('en')} partitions`,
  logMib: (mib) => `${mib / 1024} GiB`,
  batchMib: (mib) => `batches of ${Math.ceil(mib)} MiB`,
  mibPerSecond: (rate) => `${rate} MiB/s`,
};

/** The measured value, whatever the scale; undefined when a figure is missing. */
export function valueOfGoal(
  { measure, scenarios: names }: Goal,
  results: readonly ScenarioResult[],
): number | undefined {
  const found = results.filter(({ scenario }) => names.includes(scenario));
  if (measure.kind === 'worst') {
    const told = found.flatMap((result) => figureOf(result, 'umbra', measure.figure)?.max ?? []);
    return told.length === names.length ? Math.max(...told) : undefined;
  }
  const [result] = found;
  if (result === undefined) return undefined;
  switch (measure.kind) {
    case 'own':
      return figureOf(result, 'umbra', measure.figure)?.median;
    case 'ratio':
      return quotient(
        figureOf(result, 'umbra', measure.figure)?.median,
        figureOf(result, measure.over, measure.figure)?.median,
      );
    case 'over-producer':
      return quotient(figureOf(result, 'umbra', 'offsetsPerSecond')?.median, producerRate(result));
  }
}

/** `≤ 1/20`, `≥ 5`. */
export function renderBound({ measure, bound }: Goal): string {
  const sign = bound.kind === 'at-most' ? '≤' : '≥';
  const fraction = measure.kind === 'ratio' && bound.value < 1;
  return `${sign} ${fraction ? `1/${Math.round(1 / bound.value)}` : bound.value}`;
}
