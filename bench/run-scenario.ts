import { type BenchContext } from './bench-context.ts';
import { type MoverName } from './mover.ts';
import { type Run, type ScenarioResult } from './results.ts';
import { prepareBacklog } from './run-backlog.ts';
import { runIdle } from './run-idle.ts';
import { runSteady } from './run-steady.ts';
import { removeTopics } from './scenario-topics.ts';
import { type Scenario } from './scenarios.ts';
import { type CopyingMover } from './start-mover.ts';

export interface Repetitions {
  readonly count: number;
  /** Those of the scenario's movers that are to run. */
  readonly movers: readonly MoverName[];
}

/** All repetitions of a scenario, the movers in turn, so that a slow minute of the machine hits all of them. */
export async function runScenario(
  scenario: Scenario,
  context: BenchContext,
  { count, movers }: Repetitions,
): Promise<ScenarioResult> {
  const runs: Record<MoverName, Run[]> = { umbra: [], 'mirror-maker': [], floor: [] };
  const { load, runOnce } = await prepare(scenario, context);
  try {
    for (let repetition = 1; repetition <= count; repetition++) {
      for (const mover of scenario.movers.filter((each) => movers.includes(each))) {
        context.say(`${scenario.name}: ${mover}, ${repetition} of ${count}`);
        runs[mover].push(await runOnce(mover));
      }
    }
  } finally {
    await removeTopics(scenario, context);
  }
  const { name, what } = scenario;
  return { scenario: name, what, ...(load === undefined ? {} : { load }), runs };
}

interface Prepared {
  readonly load: ScenarioResult['load'];
  readonly runOnce: (mover: MoverName) => Promise<Run>;
}

async function prepare(scenario: Scenario, context: BenchContext): Promise<Prepared> {
  switch (scenario.kind) {
    case 'backlog':
      context.say(`${scenario.name}: writing ${scenario.what}`);
      return prepareBacklog(scenario, context);
    case 'steady':
      return { load: undefined, runOnce: (mover) => runSteady(copying(mover), scenario, context) };
    case 'idle':
      return { load: undefined, runOnce: (mover) => runIdle(copying(mover), scenario, context) };
  }
}

function copying(mover: MoverName): CopyingMover {
  if (mover === 'floor') throw new Error('the floor has no part in this scenario');
  return mover;
}
