import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolError } from '../tools/steps.mjs';
import { type FigureName, figureOf, figures, quotient } from './figures.ts';
import { goals, valueOfGoal } from './goals.ts';
import { type MoverName } from './mover.ts';
import { renderRatio } from './report.ts';
import { type BenchResult, benchResultSchema, type ScenarioResult } from './results.ts';
import { renderTable } from './table.ts';

export const baselineFile = join(import.meta.dirname, 'baseline.json');

/** What is compared of each scenario beside the goals: ratios of one run, which a slow machine leaves as they are. */
const compared: readonly { readonly figure: FigureName; readonly over: Exclude<MoverName, 'umbra'> }[] = [
  { figure: 'cpuPerGib', over: 'mirror-maker' },
  { figure: 'cpuPerGib', over: 'floor' },
  { figure: 'mibPerSecond', over: 'mirror-maker' },
];

/** A difference that the noise of a small machine does not explain. */
export const muchWorse = 1.3;

export interface Change {
  readonly scenario: string;
  readonly what: string;
  readonly before: number;
  readonly now: number;
  /** By more than {@link muchWorse}, in the direction that is worse for this figure. */
  readonly worse: boolean;
}

/**
 * Every goal's value, and the ratios of every scenario, where both results have them.
 * @throws {ToolError} when the two did not measure the same
 */
export function compareResults(baseline: BenchResult, current: BenchResult): readonly Change[] {
  refuseDifferent(baseline, current);
  const ofGoals = goals.flatMap((goal) => {
    const better = goal.bound.kind === 'at-most' ? 'less' : 'more';
    const [before, now] = [valueOfGoal(goal, baseline.scenarios), valueOfGoal(goal, current.scenarios)];
    return change(
      { scenario: goal.scenarios.length === 1 ? goal.scenarios.join() : 'worst of all', what: goal.what },
      {
        ...{ before, now, better },
      },
    );
  });
  const ofScenarios = current.scenarios.flatMap((now) => {
    const before = baseline.scenarios.find(({ scenario }) => scenario === now.scenario);
    return before === undefined ? [] : compared.flatMap((each) => ratioChange(each, before, now));
  });
  return [...ofGoals, ...ofScenarios];
}

function refuseDifferent(baseline: BenchResult, current: BenchResult): void {
  const kind = ({ quick }: BenchResult): string => (quick ? 'a quick run' : 'a full run');
  if (baseline.quick !== current.quick) {
    throw new ToolError(`The baseline is ${kind(baseline)} and this is ${kind(current)}: nothing to compare.`);
  }
  for (const { scenario, what } of current.scenarios) {
    const before = baseline.scenarios.find((each) => each.scenario === scenario);
    if (before === undefined || before.what === what) continue;
    throw new ToolError(`The baseline of ${scenario} is of something else: "${before.what}", this is "${what}".`);
  }
}

function ratioChange(
  { figure, over }: (typeof compared)[number],
  before: ScenarioResult,
  now: ScenarioResult,
): readonly Change[] {
  const ratio = (result: ScenarioResult): number | undefined =>
    quotient(figureOf(result, 'umbra', figure)?.median, figureOf(result, over, figure)?.median);
  const values = { before: ratio(before), now: ratio(now), better: figures[figure].better };
  return change({ scenario: now.scenario, what: `${figure} of ${over}` }, values);
}

function change(
  about: { readonly scenario: string; readonly what: string },
  { before, now, better }: { before: number | undefined; now: number | undefined; better: 'less' | 'more' },
): readonly Change[] {
  if (before === undefined || now === undefined) return [];
  const worse = better === 'less' ? now > before * muchWorse : now * muchWorse < before;
  return [{ ...about, before, now, worse }];
}

export function renderChanges(baseline: BenchResult, changed: readonly Change[]): string {
  const number = (value: number): string => String(Number(value.toPrecision(3)));
  const rows = changed.map(({ scenario, what, before, now, worse }) => [
    ...[scenario, what, number(before), number(now), before > 0 && now > 0 ? renderRatio(now / before) : ''],
    worse ? 'WORSE' : '',
  ]);
  const head = `Against the baseline of ${baseline.date}, commit ${baseline.commit}${baseline.quick ? ' (quick)' : ''}`;
  return [head, renderTable(['scenario', 'figure', 'baseline', 'now', 'change', ''], rows)].join('\n');
}

/** @throws {ToolError} when there is none */
export async function readBaseline(): Promise<BenchResult> {
  const text = await readFile(baselineFile, 'utf8').catch((error: unknown) => {
    throw new ToolError(`No baseline in ${baselineFile}: npm run bench -- --save-baseline writes one.`, {
      cause: error,
    });
  });
  return benchResultSchema.parse(JSON.parse(text));
}

/** Scenarios that were not part of this run stay as they were, if the machine is the same. */
export async function saveBaseline(result: BenchResult): Promise<void> {
  const old = await readBaseline().catch(() => undefined);
  const same = old?.machine.cpu === result.machine.cpu && old.machine.cores === result.machine.cores;
  const names = new Set(result.scenarios.map(({ scenario }) => scenario));
  const kept = same ? old.scenarios.filter(({ scenario }) => !names.has(scenario)) : [];
  await writeResult(baselineFile, { ...result, scenarios: [...kept, ...result.scenarios] });
}

export async function writeResult(file: string, result: BenchResult): Promise<void> {
  await writeFile(file, `${JSON.stringify(rounded(result), undefined, 1)}\n`);
}

/** Nobody reads a tenth digit; it only makes the file's differences longer. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(6));
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]));
}
