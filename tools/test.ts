import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from './child-process.ts';
import { defaultKafkaVersion } from '../src/local/cluster-spec.ts';
import { runCommand } from './interruption.ts';
import {
  olderKafkaVersion,
  prepareClasses,
  prepareJava,
  prepareKafka,
  prepareMoto,
  preparePulumi,
} from './preparation.ts';
import { projectRoot } from './project.ts';
import { withTemporaryFolder } from './temporary-folder.ts';
import { type Tally, addTallies, renderTally, tallyRun } from './test-tally.ts';

// npm test [-- VITEST ARGUMENTS] — the whole suite, from nothing. The last line counts the tests of both projects.
await runCommand(async (signal) => {
  // The longest work first: on a bare machine the CLI is built while the fast tests run.
  const cli = preparePulumi(signal, { background: true });
  // It is awaited below; until then a failure must not end the process unheard.
  cli.catch(() => undefined);
  await prepareJava(signal);
  await prepareKafka(defaultKafkaVersion, signal);
  await prepareKafka(olderKafkaVersion, signal);
  await prepareClasses(defaultKafkaVersion, signal);
  await prepareMoto(signal);
  const fast = await runProject('fast', signal);
  await cli;
  const tally = addTallies(fast, await runProject('real', signal));
  return conclude(tally);
});

async function runProject(project: 'fast' | 'real', signal: AbortSignal): Promise<Tally> {
  signal.throwIfAborted();
  return withTemporaryFolder(tmpdir(), async (folder) => {
    const report = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--project', project, '--passWithNoTests', ...reporters, ...process.argv.slice(2)];
    const code = await attach(process.execPath, args, { cwd: projectRoot });
    signal.throwIfAborted();
    const written = await readFile(report, 'utf8').catch(() => undefined);
    return tallyRun(written, code);
  });
}

/** In CI nothing may be left out: what could not run there fails the run. */
function conclude(tally: Tally): number {
  const incomplete = process.env['CI'] === 'true' && tally.skipped > 0;
  if (incomplete) {
    process.stdout.write(
      `\nSkipped, and CI skips nothing:\n${tally.skippedNames.map((name) => `  ${name}\n`).join('')}`,
    );
  }
  process.stdout.write(`\n${renderTally(tally)}\n`);
  return tally.failed > 0 || incomplete ? 1 : 0;
}
