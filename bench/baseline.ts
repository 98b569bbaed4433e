import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolError } from '../tools/steps.mjs';
import { type FigureName, figureOf, figures } from './figures.ts';
import { quotient } from './goals.ts';
import { type MoverName } from './mover.ts';
import { renderRatio } from './report.ts';
import { type BenchResult, benchResultSchema, type ScenarioResult } from './results.ts';
import { renderTable } from './table.ts';

export const baselineFile = join(import.meta.dirname, 'baseline.json');

/** What is compared: ratios of one run, which a slow machine leaves as they are; else our own CPU. */
const compared: readonly { readonly figure: FigureName; readonly over: Exclude<MoverName, 'umbra'> | undefined }[] = [
  { figure: 'cpuPerGib', over: 'mirror-maker' },
  { figure: 'cpuPerGib', over: 'floor' },
  { figure: 'cpuPerGib', over: undefined },
  { figure: 'cpuShare', over: undefined },
  { figure: 'residentMaxMib', over: undefined },
];

/** A difference that the noise of a small machine does not explain. */
export const muchWorse = 1.3;

export interface Change {
  readonly scenario: string;
  readonly what: string;
  readonly before: number;
  readonly now: number;
  /** More than {@link muchWorse} times what it was; less is better in everything that is compared. */
  readonly worse: boolean;
}

/** Scenarios that both have. */
export function compareResults(baseline: BenchResult, current: BenchResult): readonly Change[] {
  return current.scenarios.flatMap((now) => {
    const before = baseline.scenarios.find(({ scenario }) => scenario === now.scenario);
    return before === undefined ? [] : changes(before, now);
  });
}

function changes(before: ScenarioResult, now: ScenarioResult): readonly Change[] {
  return compared.flatMap(({ figure, over }) => {
    const [old, fresh] = [valueOf(before, figure, over), valueOf(now, figure, over)];
    if (old === undefined || fresh === undefined || old === 0) return [];
    const what = over === undefined ? `${figure} (${figures[figure].unit})` : `${figure} of ${over}`;
    return [{ scenario: now.scenario, what, before: old, now: fresh, worse: fresh / old > muchWorse }];
  });
}

function valueOf(
  result: ScenarioResult,
  figure: FigureName,
  over: Exclude<MoverName, 'umbra'> | undefined,
): number | undefined {
  const ours = figureOf(result, 'umbra', figure)?.median;
  return over === undefined ? ours : quotient(ours, figureOf(result, over, figure)?.median);
}

export function renderChanges(baseline: BenchResult, changed: readonly Change[]): string {
  const number = (value: number): string => String(Number(value.toPrecision(3)));
  const rows = changed.map(({ scenario, what, before, now, worse }) => [
    ...[scenario, what, number(before), number(now), renderRatio(now / before)],
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
