import { type BenchContext } from './bench-context.ts';
import { messageOf, withClosing } from './closing.ts';
import { type MoverName } from './mover.ts';
import { type Run, type ScenarioResult } from './results.ts';
import { prepareBacklog } from './run-backlog.ts';
import { runIdle } from './run-idle.ts';
import { runLive } from './run-live.ts';
import { runSteady } from './run-steady.ts';
import { scaleOf } from './scale.ts';
import { makeSourceTopics, removeTopics } from './scenario-topics.ts';
import { type Scenario } from './scenarios.ts';
import { type CopyingMover } from './start-mover.ts';

export interface Repetitions {
  readonly count: number;
  /** Those of the scenario's movers that are to run. */
  readonly movers: readonly MoverName[];
}

/**
 * All repetitions of a scenario, the movers in turn, so that a slow minute of the machine hits all of them. A run that
 * fails is part of the result and no measurement: the rest goes on.
 */
export async function runScenario(
  scenario: Scenario,
  context: BenchContext,
  { count, movers }: Repetitions,
): Promise<ScenarioResult> {
  const runs: Record<MoverName, Run[]> = { umbra: [], 'mirror-maker': [], floor: [] };
  const failures: ScenarioResult['failures'] = [];
  const load = await withClosing(async (later) => {
    later(() => removeTopics(scenario, context));
    const { load: written, rounds, runOnce } = await prepare(scenario, context, count);
    for (let round = 1; round <= rounds; round++) {
      for (const mover of scenario.movers.filter((each) => movers.includes(each))) {
        context.say(`${scenario.name}: ${mover}, ${round} of ${rounds}`);
        const [done] = await Promise.allSettled([runOnce(mover)]);
        context.signal.throwIfAborted();
        if (done.status === 'fulfilled') runs[mover].push(...done.value);
        else failures.push({ mover, message: messageOf(done.reason) });
      }
    }
    return written;
  });
  const { name, what } = scenario;
  const scale = scaleOf(scenario, load);
  return { scenario: name, what, scale, ...(load === undefined ? {} : { load }), runs, failures };
}

interface Prepared {
  readonly load: ScenarioResult['load'];
  /** How often every mover runs. */
  readonly rounds: number;
  readonly runOnce: (mover: MoverName) => Promise<readonly Run[]>;
}

async function prepare(scenario: Scenario, context: BenchContext, count: number): Promise<Prepared> {
  switch (scenario.kind) {
    case 'backlog': {
      context.say(`${scenario.name}: writing ${scenario.what}`);
      const { load, runOnce } = await prepareBacklog(scenario, context);
      return { load, rounds: count, runOnce: async (mover) => [await runOnce(mover)] };
    }
    case 'steady':
      return follow(scenario, context, { count, run: (mover) => runSteady(mover, scenario, context) });
    case 'live':
      return follow(scenario, context, { count, run: (mover) => runLive(mover, scenario, context) });
    case 'idle':
      context.say(`${scenario.name}: making ${scenario.what}`);
      await makeSourceTopics(scenario, context);
      return { load: undefined, rounds: 1, runOnce: (mover) => runIdle(copying(mover), scenario, { context, count }) };
  }
}

/** The source's topics anew for every run: there is no backlog. */
function follow(
  scenario: Scenario,
  context: BenchContext,
  { count, run }: { readonly count: number; readonly run: (mover: CopyingMover) => Promise<Run> },
): Prepared {
  const runOnce = async (mover: MoverName): Promise<readonly Run[]> => {
    await makeSourceTopics(scenario, context);
    return [await run(copying(mover))];
  };
  return { load: undefined, rounds: count, runOnce };
}

function copying(mover: MoverName): CopyingMover {
  if (mover === 'floor') throw new Error('the floor has no part in this scenario');
  return mover;
}
