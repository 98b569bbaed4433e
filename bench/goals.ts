import { type FigureName, figureOf, producerRate } from './figures.ts';
import { type MoverName } from './mover.ts';
import { type ScenarioResult } from './results.ts';

/** How a goal is measured: medians over the repetitions; for `worst` the largest single run of any scenario. */
export type Measure =
  /** Ours divided by another's. */
  | { readonly kind: 'ratio'; readonly figure: FigureName; readonly over: Exclude<MoverName, 'umbra'> }
  | { readonly kind: 'own'; readonly figure: FigureName }
  | { readonly kind: 'worst'; readonly figure: FigureName }
  /** Offsets per second of the copy divided by those of the producer that wrote the source's log. */
  | { readonly kind: 'over-producer' };

export interface Goal {
  readonly what: string;
  /** Scenario by name; all of them for `worst`. */
  readonly scenario: string;
  readonly measure: Measure;
  readonly bound: { readonly kind: 'at-most' | 'at-least'; readonly value: number };
}

const atMost = (value: number): Goal['bound'] => ({ kind: 'at-most', value });
const atLeast = (value: number): Goal['bound'] => ({ kind: 'at-least', value });
const ratio = (figure: FigureName, over: Exclude<MoverName, 'umbra'>): Measure => ({ kind: 'ratio', figure, over });
const own = (figure: FigureName): Measure => ({ kind: 'own', figure });

/** The goals, all of them, as data. */
export const goals: readonly Goal[] = [
  {
    what: 'CPU per GiB, large batches, of MirrorMaker 2',
    scenario: 'large',
    measure: ratio('cpuPerGib', 'mirror-maker'),
    bound: atMost(1 / 20),
  },
  {
    what: 'CPU per GiB, large batches, of the floor',
    scenario: 'large',
    measure: ratio('cpuPerGib', 'floor'),
    bound: atMost(1.6),
  },
  {
    what: 'CPU per GiB, zstd, of MirrorMaker 2',
    scenario: 'zstd',
    measure: ratio('cpuPerGib', 'mirror-maker'),
    bound: atMost(1 / 40),
  },
  {
    what: 'throughput, large batches, of MirrorMaker 2',
    scenario: 'large',
    measure: ratio('mibPerSecond', 'mirror-maker'),
    bound: atLeast(5),
  },
  {
    what: 'the event loop is not the bottleneck: busy share, large batches',
    scenario: 'large',
    measure: own('loopBusyShare'),
    bound: atMost(0.9),
  },
  {
    what: 'latency added at 10 MiB/s, p50, ms',
    scenario: 'latency',
    measure: own('addedP50Ms'),
    bound: atMost(5),
  },
  {
    what: 'latency added at 10 MiB/s, p99, ms',
    scenario: 'latency',
    measure: own('addedP99Ms'),
    bound: atMost(30),
  },
  { what: '10,000 idle partitions, share of a core', scenario: 'idle', measure: own('cpuShare'), bound: atMost(0.02) },
  {
    what: '10,000 idle partitions, MiB resident',
    scenario: 'idle',
    measure: own('residentMaxMib'),
    bound: atMost(250),
  },
  {
    what: 'MiB resident at any backlog and batch size',
    scenario: 'all but idle',
    measure: { kind: 'worst', figure: 'residentMaxMib' },
    bound: atMost(256),
  },
  {
    what: 'event loop blocked, ms',
    scenario: 'all',
    measure: { kind: 'worst', figure: 'loopDelayMaxMs' },
    bound: atMost(50),
  },
  {
    what: 'tiny batches, of the producer that makes them',
    scenario: 'tiny',
    measure: { kind: 'over-producer' },
    bound: atLeast(1),
  },
  {
    what: 'transactions, of the producer that makes them',
    scenario: 'transactional',
    measure: { kind: 'over-producer' },
    bound: atLeast(1),
  },
  {
    what: 'fillers per second, 50 partitions',
    scenario: 'fillers',
    measure: own('markersPerSecond'),
    bound: atLeast(2000),
  },
];

export type Verdict =
  | { readonly kind: 'met' | 'missed'; readonly value: number; /** Value over bound. */ readonly ofBound: number }
  /** The scenario, or whom to compare with, was not part of this run. */
  | { readonly kind: 'not measured' };

export function judgeGoal(goal: Goal, results: readonly ScenarioResult[]): Verdict {
  const value = measured(goal, results);
  if (value === undefined) return { kind: 'not measured' };
  const { kind, value: bound } = goal.bound;
  const met = kind === 'at-most' ? value <= bound : value >= bound;
  return { kind: met ? 'met' : 'missed', value, ofBound: value / bound };
}

function measured({ measure, scenario }: Goal, results: readonly ScenarioResult[]): number | undefined {
  if (measure.kind === 'worst') {
    const counted = results.filter((result) => scenario === 'all' || result.scenario !== 'idle');
    const values = counted.flatMap((result) => figureOf(result, 'umbra', measure.figure)?.max ?? []);
    return values.length === 0 ? undefined : Math.max(...values);
  }
  const result = results.find((each) => each.scenario === scenario);
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

export function quotient(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined || by === 0 ? undefined : value / by;
}

/** `≤ 1/20`, `≥ 5`. */
export function renderBound({ measure, bound }: Goal): string {
  const sign = bound.kind === 'at-most' ? '≤' : '≥';
  const fraction = measure.kind === 'ratio' && bound.value < 1;
  return `${sign} ${fraction ? `1/${Math.round(1 / bound.value)}` : bound.value}`;
}
