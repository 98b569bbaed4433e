import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { cacheDir } from '../src/local/cache-dir.ts';
import { copyJars, parseJarPath } from './maven.ts';
import { ToolError } from './steps.mjs';
import { withTemporaryFolder } from './temporary-folder.ts';

/** A pinned list named `<version>-mirror-maker` holds MirrorMaker 2 of that version instead of the broker. */
export const mirrorMakerSuffix = '-mirror-maker';

/** Version → every jar a broker and Kafka's own tools need, by its path in a Maven repository. */
const pinnedSchema = z.record(
  z.string(),
  z.array(z.strictObject({ path: z.string().endsWith('.jar'), sha256: z.string().regex(/^[0-9a-f]{64}$/) })).min(1),
);

export type PinnedJars = z.output<typeof pinnedSchema>;
export type PinnedJar = PinnedJars[string][number];

/** The list that tools/pin-kafka-jars.mjs writes. */
export const pinnedJarsFile = join(import.meta.dirname, 'kafka-jars.json');

export interface EnsureOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (detail: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

export interface KafkaJars {
  /** Folder with the jars side by side. */
  readonly libs: string;
  readonly source: 'UMBRA_KAFKA_HOME' | 'cached' | 'fetched';
  readonly jars: number;
}

/** What `src/local` looks for is exactly what this leaves. `complete` names the list that was fetched. */
const completeFile = 'complete';

/**
 * Sees to it that Kafka's jars are on this machine, as `kafkaLibs(version, env)` of src/local expects them, and gives
 * the folder. @throws {ToolError} a jar whose hash is not the pinned one; Maven missing or failing.
 */
export async function ensureKafka(version: string, options: EnsureOptions): Promise<string> {
  return (await locateKafka(version, options)).libs;
}

/** Like {@link ensureKafka}, and says where the jars came from. */
export async function locateKafka(version: string, options: EnsureOptions): Promise<KafkaJars> {
  const env = options.env ?? process.env;
  if (env['UMBRA_KAFKA_HOME']) return fromDistribution(resolve(env['UMBRA_KAFKA_HOME']));
  const list = await readPinned(version);
  const versions = join(cacheDir(env), 'kafka');
  const home = join(versions, version);
  const found: KafkaJars = { libs: join(home, 'libs'), source: 'cached', jars: list.length };
  if (await isComplete(home, list)) return found;
  options.onProgress?.(`fetching ${list.length} jars with Maven`);
  await withTemporaryFolder(versions, async (folder) => {
    await layOut(list, { folder, signal: options.signal });
    // Another process may have been faster: what it put there is as good, and may be in use.
    if (await isComplete(home, list)) return;
    await rm(home, { recursive: true, force: true });
    await rename(join(folder, 'kafka'), home).catch(async (error: unknown) => {
      if (!(await isComplete(home, list))) throw error;
    });
  });
  return { ...found, source: 'fetched' };
}

async function fromDistribution(home: string): Promise<KafkaJars> {
  const libs = join(home, 'libs');
  const files = await readdir(libs).catch(() => []);
  const jars = files.filter((file) => file.endsWith('.jar'));
  if (jars.some((file) => /^kafka_2\.\d+-\d.*\.jar$/.test(file))) {
    return { libs, source: 'UMBRA_KAFKA_HOME', jars: jars.length };
  }
  throw new ToolError(`UMBRA_KAFKA_HOME is ${home}, but ${libs} holds no Kafka: unpack a Kafka distribution there.`);
}

async function readPinned(version: string): Promise<readonly PinnedJar[]> {
  const pinned = pinnedSchema.parse(JSON.parse(await readFile(pinnedJarsFile, 'utf8')));
  const list = pinned[version];
  if (list !== undefined) return list;
  const known = Object.keys(pinned).join(', ');
  throw new ToolError(`No pinned jars of Kafka ${version}; pinned are ${known} (see tools/pin-kafka-jars.mjs).`);
}

async function isComplete(home: string, list: readonly PinnedJar[]): Promise<boolean> {
  const noted = await readFile(join(home, completeFile), 'utf8').catch(() => '');
  return noted === digestOf(list);
}

function digestOf(list: readonly PinnedJar[]): string {
  return createHash('sha256').update(JSON.stringify(list)).digest('hex');
}

/** Fetches, checks every hash, and leaves `<folder>/kafka/{libs/*.jar,complete}`. */
async function layOut(list: readonly PinnedJar[], at: { folder: string; signal: AbortSignal }): Promise<void> {
  const artifacts = list.map(({ path }) => {
    const artifact = parseJarPath(path);
    if (artifact === undefined) throw new ToolError(`${pinnedJarsFile}: ${path} is no path of a jar in a repository.`);
    return artifact;
  });
  const repository = await copyJars({ artifacts, closure: 'exact', ...at });
  const libs = join(at.folder, 'kafka', 'libs');
  await mkdir(libs, { recursive: true });
  for (const jar of list) {
    const file = join(repository, jar.path);
    await checkJar(jar, file);
    await rename(file, join(libs, basename(jar.path)));
  }
  await writeFile(join(at.folder, 'kafka', completeFile), digestOf(list));
}

/** @throws {ToolError} when the file is missing or is not what was pinned. */
export async function checkJar(jar: PinnedJar, file: string): Promise<void> {
  const found = await sha256Of(file).catch((error: unknown) => {
    throw new ToolError(`Maven did not deliver ${jar.path}.`, { cause: error });
  });
  if (found === jar.sha256) return;
  throw new ToolError(
    `${jar.path} is not the file that was pinned: expected sha256 ${jar.sha256}, found ${found}. ` +
      'Nothing was installed. Remove it from the local Maven repository and run the command again; if it stays ' +
      'different, do not trust the place Maven fetches from.',
  );
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
