import { type FigureName, figureOf, figures, producerRate, quotient, shortRuns, type Spread } from './figures.ts';
import { goals, judgeGoal, renderBound, type Goal, type Verdict } from './goals.ts';
import { type MoverName, moverNames } from './mover.ts';
import { type BenchResult, type ScenarioResult } from './results.ts';
import { renderTable } from './table.ts';

/** Figures of a scenario in the order of the report; rows that nobody has are left out. */
const shown: readonly { readonly figure: FigureName; readonly title: string }[] = [
  { figure: 'mibPerSecond', title: 'throughput' },
  { figure: 'offsetsPerSecond', title: 'offsets' },
  { figure: 'ofWritten', title: 'of what was written meanwhile' },
  { figure: 'cpuPerGib', title: 'CPU per GiB' },
  { figure: 'kernelPerGib', title: '  in the kernel' },
  { figure: 'cpuShare', title: 'CPU' },
  { figure: 'residentMaxMib', title: 'resident, max' },
  { figure: 'brokersP50Ms', title: "brokers' own, p50" },
  { figure: 'brokersP99Ms', title: "brokers' own, p99" },
  { figure: 'addedP50Ms', title: 'latency added, p50' },
  { figure: 'addedP99Ms', title: 'latency added, p99' },
  { figure: 'addedMaxMs', title: 'latency added, max' },
  { figure: 'markersPerSecond', title: 'fillers' },
  { figure: 'loopBlockedMaxMs', title: 'event loop blocked, max' },
  { figure: 'loopBlockedEverMs', title: '  start included' },
  { figure: 'loopDelayMaxMs', title: '  with waiting for a core' },
  { figure: 'loopBusyShare', title: 'event loop busy' },
  { figure: 'startUpSeconds', title: 'start-up and warm-up' },
  { figure: 'startUpCpuSeconds', title: 'CPU until then' },
];

/** A table for each scenario, one for the goals. */
export function renderReport(result: BenchResult): string {
  const parts = result.scenarios.map(renderScenario);
  return [...parts, renderGoals(result.scenarios), renderWhere(result)].join('\n\n');
}

export function renderScenario(result: ScenarioResult): string {
  const head = `${result.scenario}: ${result.what}`;
  const movers = moverNames.filter((mover) => result.runs[mover].length > 0);
  const rows = shown.flatMap(({ figure, title }) => {
    const spreads = movers.map((mover) => figureOf(result, mover, figure));
    const told = spreads.some((spread) => spread !== undefined && spread.max !== 0);
    if (!told) return [];
    return [[title, figures[figure].unit, ...spreads.map(renderSpread), ...ratios(result, figure, movers)]];
  });
  const rate = producerRate(result);
  const producer = rate === undefined ? [] : [`  the producer alone: ${plain(rate)} offsets/s`];
  const against = movers.filter((mover) => mover !== 'umbra').map((mover) => `umbra / ${mover}`);
  return [head, renderTable(['', 'unit', ...movers, ...against], rows), ...producer, ...remarks(result)].join('\n');
}

/** Why a figure is missing. */
function remarks(result: ScenarioResult): readonly string[] {
  const { load, failures } = result;
  const log =
    load === undefined ? [] : [`  the log: ${plain(load.bytes / 2 ** 20)} MiB, ${plain(load.offsets)} offsets`];
  const short = moverNames.flatMap((mover) => shortRuns(result, mover).map((why) => `  too short: ${mover}, ${why}`));
  return [...log, ...short, ...failures.map(({ mover, message }) => `  FAILED: ${mover}: ${message}`)];
}

function ratios(result: ScenarioResult, figure: FigureName, movers: readonly MoverName[]): readonly string[] {
  const ours = figureOf(result, 'umbra', figure)?.median;
  return movers
    .filter((mover) => mover !== 'umbra')
    .map((mover) => {
      const ratio = quotient(ours, figureOf(result, mover, figure)?.median);
      return ratio === undefined ? '' : renderRatio(ratio);
    });
}

/** `3.2×`, and `1/25` where ours is the smaller. */
export function renderRatio(ratio: number): string {
  if (ratio === 0) return '0';
  return ratio >= 1 ? `${plain(ratio)}×` : `1/${plain(1 / ratio)}`;
}

/** min – median – max of the repetitions. */
function renderSpread(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  const { min, median, max } = spread;
  return min === max ? plain(median) : `${plain(min)} – ${plain(median)} – ${plain(max)}`;
}

export function renderGoals(results: readonly ScenarioResult[]): string {
  const rows = goals.map((goal) => {
    const verdict = judgeGoal(goal, results);
    return [goal.what, placeOf(goal), renderBound(goal), renderValue(goal, verdict), renderVerdict(goal, verdict)];
  });
  return ['Goals', renderTable(['goal', 'scenario', 'bound', 'measured', ''], rows)].join('\n');
}

function placeOf({ scenarios: names }: Goal): string {
  return names.length === 1 ? names.join() : `${names.length} scenarios`;
}

function renderValue({ measure }: Goal, verdict: Verdict): string {
  if (verdict.kind === 'not measured') return '';
  return measure.kind === 'ratio' ? renderRatio(verdict.value) : plain(verdict.value);
}

export function renderVerdict({ bound }: Goal, verdict: Verdict): string {
  if (verdict.kind === 'not measured') return `not measured (${verdict.why})`;
  if (verdict.kind === 'met') return verdict.kind;
  const factor = bound.kind === 'at-most' ? verdict.ofBound : 1 / verdict.ofBound;
  return `missed by ${plain((factor - 1) * 100)} %`;
}

function renderWhere({ date, commit, quick, machine, versions }: BenchResult): string {
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`;
  const load = `load before ${machine.loadBefore.toFixed(1)}`;
  return [
    `${date}, commit ${commit}${quick ? ', quick: ratios of small runs' : ''}`,
    `${machine.cpu}, ${machine.cores} cores, ${memory}, ${machine.os}, ${load}`,
    `Kafka ${versions.kafka}, Java ${versions.java}, Node ${versions.node}`,
  ].join('\n');
}

/** Three digits that count. */
function plain(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(value >= 10 ? 3 : 2)));
}
