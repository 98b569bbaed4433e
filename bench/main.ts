import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { defaultKafkaVersion } from '../src/local/cluster-spec.ts';
import { runCommand } from '../tools/interruption.ts';
import { ensureKafka, mirrorMakerSuffix } from '../tools/kafka-jars.ts';
import { prepareJava, prepareKafka } from '../tools/preparation.ts';
import { stateFolder } from '../tools/project.ts';
import { ToolError } from '../tools/steps.mjs';
import { withTemporaryFolder } from '../tools/temporary-folder.ts';
import { compareResults, readBaseline, renderChanges, saveBaseline, writeResult } from './baseline.ts';
import { LoadTool } from './load.ts';
import { describeCommit, describeMachine, describeVersions, requireOpenFiles } from './machine.ts';
import { type BenchOptions, parseOptions, usage } from './options.ts';
import { startPair } from './pair.ts';
import { summarizeProfiles } from './profile-summary.ts';
import { renderReport, renderScenario } from './report.ts';
import { type BenchResult, type ScenarioResult } from './results.ts';
import { runScenario } from './run-scenario.ts';
import { scenarios } from './scenarios.ts';

// npm run bench [-- SCENARIO … OPTIONS] — ours, MirrorMaker 2 and a floor on the same brokers; see docs/performance.md.
await runCommand(async (signal) => {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (process.platform !== 'linux') throw new ToolError('The benchmark reads CPU and memory from /proc: Linux only.');
  const baseline = options.compare ? await readBaseline() : undefined;
  const result = await measure(options, signal);
  process.stdout.write(`\n${renderReport(result)}\n`);
  if (options.profile !== undefined) process.stdout.write(`\n${await summarizeProfiles(options.profile)}\n`);
  if (options.json !== undefined) await writeResult(options.json, result);
  if (options.saveBaseline) await saveBaseline(result);
  const failed = result.scenarios.some(({ failures }) => failures.length > 0);
  if (baseline === undefined) return failed ? 1 : 0;
  const changes = compareResults(baseline, result);
  process.stdout.write(`\n${renderChanges(baseline, changes)}\n`);
  return failed || changes.some(({ worse }) => worse) ? 1 : 0;
});

async function measure(options: BenchOptions, signal: AbortSignal): Promise<BenchResult> {
  const kafkaVersion = defaultKafkaVersion;
  const chosen = scenarios(options.quick ? 'quick' : 'full').filter(({ name }) => options.scenarios.includes(name));
  await requireOpenFiles(Math.max(...chosen.map(({ at }) => at.topics * at.partitions)));
  await prepareJava(signal);
  await LoadTool.requireCompiler(signal);
  await prepareKafka(kafkaVersion, signal);
  await prepareKafka(`${kafkaVersion}${mirrorMakerSuffix}`, signal);
  const about = { machine: describeMachine(), versions: await describeVersions(kafkaVersion) };
  const profileFolder = options.profile === undefined ? undefined : resolve(options.profile);
  if (profileFolder !== undefined) await mkdir(profileFolder, { recursive: true });
  const home = join(stateFolder, 'bench');
  const found: ScenarioResult[] = [];
  await withTemporaryFolder(home, async (folder) => {
    const load = await LoadTool.compile(folder, await ensureKafka(kafkaVersion, { signal }), signal);
    const libs = await ensureKafka(`${kafkaVersion}${mirrorMakerSuffix}`, { signal });
    const pair = await startPair(home, kafkaVersion, signal);
    try {
      const mirrorMaker = { libs, kafkaVersion };
      const context = { ...pair, load, folder, mirrorMaker, profileFolder, signal, say };
      for (const scenario of chosen) {
        const { repetitions: count, movers } = options;
        const result = await runScenario(scenario, context, { count, movers });
        found.push(result);
        process.stdout.write(`\n${renderScenario(result)}\n\n`);
      }
    } finally {
      await pair.remove();
    }
  });
  const { quick } = options;
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: await describeCommit(),
    quick,
    ...about,
    scenarios: found,
  };
}

function say(line: string): void {
  process.stdout.write(`${new Date().toTimeString().slice(0, 8)} ${line}\n`);
}
