import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Scenario, scenarios } from './plan.ts';
import { type ChaosResult, runChaos } from './run.ts';

// npm run chaos — the long proof that no fault costs, doubles or moves a record: docs/proofs.md.
const usage = `npm run chaos [-- --scenario NAME] [--rounds N] [--seed N] [--freeze-ms N]
  Without a scenario: all of them, one after the other. SIGUSR2 ends the plan early and judges what was done.
  ${Object.entries(scenarios)
    .map(([name, { what, rounds }]) => `\n  ${name.padEnd(10)} ${what} (${rounds})`)
    .join('')}
`;
const names = Object.keys(scenarios) as [Scenario, ...Scenario[]];
const count = z.coerce.number().int().min(1);
const optionsSchema = z.strictObject({
  scenario: z.enum(names).optional(),
  rounds: count.optional(),
  seed: z.coerce.number().int().min(0).optional(),
  'freeze-ms': count.default(15_000),
  help: z.boolean().optional(),
});

function readOptions(): z.output<typeof optionsSchema> {
  const text = { type: 'string' } as const;
  const options = { scenario: text, rounds: text, seed: text, 'freeze-ms': text, help: { type: 'boolean' } } as const;
  const parsed = optionsSchema.safeParse({ ...parseArgs({ options }).values });
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`);
  process.stderr.write(`${reasons.join('\n')}\n${usage}`);
  process.exit(2);
}

const options = readOptions();
if (options.help === true) {
  process.stdout.write(usage);
  process.exit(0);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
/** Ends the plan after the step at hand; what has been done is judged all the same. */
const enough = new AbortController();
process.once('SIGUSR2', () => enough.abort());
const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
let failed = false;
for (const scenario of options.scenario === undefined ? names : [options.scenario]) {
  const rounds = options.rounds ?? scenarios[scenario].rounds;
  const result = await runChaos(
    { scenario, seed, rounds, freezeMs: options['freeze-ms'] },
    { say, signal: enough.signal },
  );
  report(scenario, result);
  if (await isBad(scenario, result)) failed = true;
}
process.exit(failed ? 1 : 0);

function report(scenario: Scenario, { tally, verdict, seconds }: ChaosResult): void {
  const { problems, ...totals } = verdict;
  say(JSON.stringify({ scenario, seed, seconds: Math.round(seconds), ...tally, ...totals, problems: problems.length }));
}

async function isBad(scenario: Scenario, { tally, verdict, logs }: ChaosResult): Promise<boolean> {
  if (verdict.problems.length === 0 && tally.zombieAppends === 0) return false;
  say(
    `FAILED: scenario ${scenario}, seed ${seed}; the plan stands above. Zombies sent ${tally.zombieAppends} appends.`,
  );
  for (const problem of verdict.problems) say(problem);
  const folder = await mkdtemp(join(tmpdir(), `chaos-${scenario}-${seed}-`));
  await mkdir(folder, { recursive: true });
  for (const [name, log] of logs) await writeFile(join(folder, `${name}.log`), log);
  say(`The workers' logs are in ${folder}.`);
  return true;
}
