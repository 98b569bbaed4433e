import { chance } from '../fixtures/chance.ts';
import { perform, type Tally } from './actors.ts';
import { type Lab, startLab } from './lab.ts';
import { describeStep, type PlanOptions, planOf, scenarios } from './plan.ts';
import { judge, type Verdict } from './verdict.ts';

export interface ChaosResult {
  readonly tally: Tally;
  readonly verdict: Verdict;
  readonly seconds: number;
  /** What the workers wrote, by name; for a failure. */
  readonly logs: ReadonlyMap<string, string>;
}

/**
 * Carries out the plan of a scenario and judges what is left. `say` gets lines for people, the seed and the plan first;
 * `signal` ends the plan early, not the verdict.
 * @throws when a step cannot be carried out, which is a failure of the pair as well: a worker that does not take over
 */
export async function runChaos(
  options: PlanOptions,
  { say, signal }: { readonly say: (line: string) => void; readonly signal: AbortSignal },
): Promise<ChaosResult> {
  const { scenario, seed, rounds } = options;
  const plan = planOf(options);
  const startedAt = performance.now();
  say(`scenario ${scenario}, seed ${seed}, ${rounds} rounds: ${scenarios[scenario].what}`);
  for (const [index, step] of plan.entries()) say(`  ${index + 1}. ${describeStep(step)}`);
  const lab = await startLab({ brokers: scenarios[scenario].brokers, random: chance(seed).branch('loads') });
  let loading = true;
  const stopLoads = async (): Promise<void> => {
    if (!loading) return;
    loading = false;
    await Promise.all(lab.loads.map((load) => load.stop()));
  };
  try {
    const tally = await perform(plan, lab, { say, signal }).catch(async (error: unknown) => {
      throw new Error(`${textOf(error)}\n${await tails(lab)}`, { cause: error });
    });
    await stopLoads();
    const verdict = await judge(lab);
    return { tally, verdict, seconds: (performance.now() - startedAt) / 1000, logs: await lab.crew.logs() };
  } finally {
    // An error of the loads must not keep the brokers running.
    await stopLoads().finally(() => lab.remove());
  }
}

async function tails({ crew }: Lab): Promise<string> {
  const logs = [...(await crew.logs())].slice(-3);
  return logs.map(([name, log]) => `${name}:\n${log.split('\n').slice(-15).join('\n')}`).join('\n');
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${textOf(error.cause)}`;
}
