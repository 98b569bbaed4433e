import { readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { runCommand } from './interruption.ts';
import { mirrorMakerSuffix, type PinnedJars, pinnedJarsFile, sha256Of } from './kafka-jars.ts';
import { type Artifact, copyJars } from './maven.ts';
import { ToolError } from './steps.mjs';
import { withTemporaryFolder } from './temporary-folder.ts';

// node tools/pin-kafka-jars.mjs VERSION[-mirror-maker] — writes that list of jars into tools/kafka-jars.json anew.
await runCommand(async (signal) => {
  const version = process.argv[2];
  if (version === undefined || !/^\d+\.\d+\.\d+(-mirror-maker)?$/.test(version)) {
    throw new ToolError('Usage: node tools/pin-kafka-jars.mjs VERSION, for example 4.3.1 or 4.3.1-mirror-maker');
  }
  const list = await withTemporaryFolder(tmpdir(), async (folder) => {
    const repository = await copyJars({ artifacts: wanted(version), closure: 'transitive', folder, signal });
    const names = await readdir(repository, { recursive: true });
    const jars = names.filter((name) => name.endsWith('.jar')).sort();
    return Promise.all(
      jars.map(async (name) => ({
        path: name.split(sep).join('/'),
        sha256: await sha256Of(join(repository, name)),
      })),
    );
  });
  const pinned = JSON.parse(await readFile(pinnedJarsFile, 'utf8').catch(() => '{}')) as PinnedJars;
  await writeFile(pinnedJarsFile, `${JSON.stringify({ ...pinned, [version]: list }, undefined, 2)}\n`);
  process.stdout.write(`${list.length} jars of Kafka ${version} pinned in ${pinnedJarsFile}\n`);
  return 0;
});

/**
 * The broker and Kafka's own tools, or MirrorMaker 2 (which the benchmark runs beside us); and what binds slf4j to a logger: Kafka's modules leave that to the distribution.
 * Kafka 4 brings log4j2 and slf4j 1.7; 3.9 brings its binding along.
 */
function wanted(list: string): readonly Artifact[] {
  const version = list.replace(mirrorMakerSuffix, '');
  const modules = list === version ? ['kafka_2.13', 'kafka-tools'] : ['connect-mirror', 'connect-runtime'];
  const kafka = modules.map((name) => ({ group: 'org.apache.kafka', name, version }));
  if (!version.startsWith('4.')) return kafka;
  return [...kafka, { group: 'org.apache.logging.log4j', name: 'log4j-slf4j-impl', version: '2.25.4' }];
}
