import { copyFile, cp, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheDir, type Environment, kafkaLibs } from './cache-dir.ts';
import { dockerOk } from './docker.ts';
import { findJava } from './java.ts';
import { LocalProblem } from './local-problems.ts';
import { runCommand } from './run-command.ts';

export interface ImageBuild {
  readonly version: string;
  readonly tag: string;
  readonly libsInImage: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/** What a broker, Kafka's tools and a person with jcmd use of Java. */
const javaModules = [
  'java.base',
  'java.compiler',
  'java.desktop',
  'java.instrument',
  'java.logging',
  'java.management',
  'java.naming',
  'java.net.http',
  'java.rmi',
  'java.security.jgss',
  'java.security.sasl',
  'java.sql',
  'java.xml',
  'jdk.crypto.ec',
  'jdk.jcmd',
  'jdk.management',
  'jdk.unsupported',
  'jdk.zipfs',
];

/** Besides what Java links: the codecs' own libraries, which their jars bring along, ask for these. */
const codecLibraries = /^(libc|libm|libpthread|libdl|librt)\.so\.\d+$/;
const stepTimeoutMs = 180_000;

/**
 * Builds an image without any registry: a Java runtime cut to size, the system libraries that it links, Kafka's jars;
 * packed and imported. Takes 10 to 30 s and about 200 MB; needs Linux and a JDK (`jlink`) here.
 * @throws {LocalProblem} IMAGE_FAILED, JAVA_MISSING, KAFKA_JARS_MISSING
 */
export async function buildKafkaImage(build: ImageBuild): Promise<void> {
  if (process.platform !== 'linux') {
    throw new LocalProblem(
      'IMAGE_FAILED',
      `The image ${build.tag} can only be built on Linux (here: ${process.platform}).`,
    );
  }
  const cache = cacheDir(build.env);
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'image-'));
  try {
    const root = join(work, 'root');
    await mkdir(join(root, 'tmp'), { recursive: true });
    const java = await cutJava(build, join(root, 'opt', 'java'));
    await copySystemLibraries(build, java, root);
    await cp(kafkaLibs(build.version, build.env), join(root, build.libsInImage), { recursive: true });
    await importImage(build, { root, archive: join(work, 'image.tar') });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function cutJava(build: ImageBuild, target: string): Promise<string> {
  // The one beside the real file: a `java` on PATH is often a link into a JDK.
  const java = await findJava(build.env, build.signal);
  const found = java === 'java' ? (await step(build, 'sh', ['-c', 'command -v java'])).trim() : java;
  const jlink = join(dirname(await realpath(found)), 'jlink');
  await mkdir(dirname(target), { recursive: true });
  const slim = ['--strip-debug', '--no-header-files', '--no-man-pages'];
  await step(build, jlink, ['--add-modules', javaModules.join(','), ...slim, '--output', target]);
  const cut = join(target, 'bin', 'java');
  // A runtime made by jlink has no class archive: without one every start parses every class again.
  await step(build, cut, ['-Xshare:dump']);
  return cut;
}

/** Copies the loader and every library that Java's programs and libraries link, each to where it is found here. */
async function copySystemLibraries(build: ImageBuild, java: string, root: string): Promise<void> {
  const home = dirname(dirname(java));
  const libraries = (await readdir(join(home, 'lib'), { recursive: true })).filter((name) => name.endsWith('.so'));
  const linked = await step(build, 'ldd', [java, ...libraries.map((name) => join(home, 'lib', name))]);
  const wanted = new Set(parseLinked(linked).filter((file) => !file.startsWith(home)));
  for (const file of [...wanted]) {
    if (!/^libc\.so\.\d+$/.test(file.split('/').at(-1) ?? '')) continue;
    const beside = await readdir(dirname(file));
    for (const name of beside.filter((each) => codecLibraries.test(each))) wanted.add(join(dirname(file), name));
  }
  for (const file of wanted) {
    const target = join(root, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await realpath(file), target);
  }
}

/** Pure: the absolute paths in the output of `ldd`. */
export function parseLinked(output: string): readonly string[] {
  const paths = output.split('\n').flatMap((line) => {
    const path = /^\s+(?:\S+ => )?(\/\S+) \(0x/.exec(line)?.[1];
    return path === undefined ? [] : [path];
  });
  return [...new Set(paths)];
}

async function importImage(build: ImageBuild, at: { readonly root: string; readonly archive: string }): Promise<void> {
  await step(build, 'chmod', ['1777', join(at.root, 'tmp')]);
  await step(build, 'tar', ['--owner=0', '--group=0', '--numeric-owner', '-C', at.root, '-cf', at.archive, '.']);
  const changes = ['ENV PATH=/opt/java/bin', 'ENV LANG=C.UTF-8', `LABEL umbra.arch=${arch()}`];
  const flags = changes.flatMap((change) => ['--change', change]);
  await dockerOk(['import', ...flags, at.archive, build.tag], { ...build, timeoutMs: stepTimeoutMs });
}

async function step(build: ImageBuild, command: string, args: readonly string[]): Promise<string> {
  const bounds = { env: build.env, signal: build.signal, timeoutMs: stepTimeoutMs };
  const failed = (why: string, cause?: unknown): LocalProblem =>
    new LocalProblem('IMAGE_FAILED', `Building ${build.tag} failed at "${command}": ${why}`, { cause });
  try {
    const result = await runCommand(command, args, bounds);
    if (result.exitCode === 0) return result.stdout;
    throw failed(result.output.trim().slice(-600));
  } catch (error) {
    build.signal.throwIfAborted();
    if (error instanceof LocalProblem) throw error;
    throw failed(error instanceof Error ? error.message : String(error), error);
  }
}
