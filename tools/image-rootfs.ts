import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { runCommand } from '../src/local/run-command.ts';
import { type Architecture, imageManifest, imageUser, leftOutRooms, nodePackage, steadyBom } from './image-content.ts';
import { sha256Of } from './kafka-jars.ts';
import { npmEnvironment } from './npm-packages.mjs';
import { projectRoot } from './project.ts';
import { ToolError } from './steps.mjs';

const stepMs = 300_000;

export interface RootfsRequest {
  /** An empty folder on a disk with 700 MB. */
  readonly work: string;
  readonly architecture: Architecture;
  /** Time of every file, SOURCE_DATE_EPOCH. */
  readonly epochSeconds: number;
  readonly signal: AbortSignal;
  readonly report: (detail: string) => void;
}

export interface Rootfs {
  /** `rootfs.tar`: the same for the same package-lock.json, sources, npm and time. */
  readonly archive: string;
  readonly sha256: string;
  /** CycloneDX, JSON; the same text lies in the archive as `/umbra/sbom.cdx.json`. */
  readonly bom: string;
}

/**
 * Everything that the image puts on its base, as one archive: `/umbra` (sources and the packages of package-lock.json, each
 * checked by npm against its hash there, no install script run), `/usr/local/bin/node` and an empty `/var/lib/umbra`.
 * @throws {ToolError} with the last words of what failed
 */
export async function makeRootfs(request: RootfsRequest): Promise<Rootfs> {
  const root = join(request.work, 'root');
  const home = join(root, 'umbra');
  await mkdir(home, { recursive: true });
  request.report('packages of package-lock.json');
  await installInto(home, request);
  request.report('bill of materials');
  const bom = steadyBom(
    await npm(['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'], home, request),
    request.epochSeconds,
  );
  await writeFile(join(home, 'sbom.cdx.json'), bom);
  await keepNodeAlone(root, request.architecture);
  await copySources(home);
  await mkdir(join(root, 'var', 'lib', 'umbra'), { recursive: true });
  request.report('archive');
  const archive = join(request.work, 'rootfs.tar');
  await pack(root, archive, request);
  return { archive, sha256: await sha256Of(archive), bom };
}

async function installInto(home: string, request: RootfsRequest): Promise<void> {
  const { architecture } = request;
  const manifest: unknown = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8'));
  await writeFile(
    join(home, 'package.json'),
    `${JSON.stringify(imageManifest(manifest, architecture), undefined, 2)}\n`,
  );
  await cp(join(projectRoot, 'package-lock.json'), join(home, 'package-lock.json'));
  // The lock holds all that is left, with hashes: npm takes away what the manifest no longer names, and asks nobody.
  await npm(['install', '--package-lock-only', '--ignore-scripts', '--offline'], home, request);
  const platform = ['--os=linux', `--cpu=${architecture}`, '--libc=glibc'];
  await npm(['ci', '--ignore-scripts', '--no-bin-links', '--prefer-offline', ...platform], home, request);
}

/** Of Node's package the program and its licence: no npm, no headers. */
async function keepNodeAlone(root: string, architecture: Architecture): Promise<void> {
  const home = join(root, 'umbra', 'node_modules', nodePackage(architecture));
  const bin = join(root, 'usr', 'local', 'bin');
  await mkdir(bin, { recursive: true });
  await rename(join(home, 'bin', 'node'), join(bin, 'node'));
  for (const name of await readdir(home)) {
    if (name !== 'package.json' && name !== 'LICENSE') await rm(join(home, name), { recursive: true });
  }
}

async function copySources(home: string): Promise<void> {
  const from = join(projectRoot, 'src');
  const leftOut = new Set(leftOutRooms.map((room) => join(from, room)));
  await cp(from, join(home, 'src'), { recursive: true, filter: (path) => !leftOut.has(path) });
  await cp(join(projectRoot, 'LICENSE'), join(home, 'LICENSE'));
}

/** Sorted, with one time, owner and mode for all: nothing of this machine is in it. */
async function pack(root: string, archive: string, request: RootfsRequest): Promise<void> {
  const data = `.${sep}var${sep}lib${sep}umbra`;
  const common = [`--mtime=@${request.epochSeconds}`, '--sort=name', '--format=gnu', '--numeric-owner', '-C', root];
  const run = (args: readonly string[]): Promise<string> => step('tar', [...common, ...args], request);
  const modes = '--mode=u=rwX,go=rX';
  await run([modes, '--owner=0', '--group=0', `--exclude=${data}`, '-cf', archive, '.']);
  await run(['--mode=u=rwx,go=', `--owner=${imageUser}`, `--group=${imageUser}`, '-rf', archive, data]);
}

function npm(args: readonly string[], cwd: string, request: RootfsRequest): Promise<string> {
  return step('npm', [...args, '--prefix', cwd, '--no-audit', '--no-fund', '--no-progress'], request);
}

async function step(command: string, args: readonly string[], { signal }: RootfsRequest): Promise<string> {
  const env = npmEnvironment(projectRoot);
  try {
    const result = await runCommand(command, args, { env, signal, timeoutMs: stepMs });
    if (result.exitCode === 0) return result.stdout;
    throw new ToolError(
      `${result.output.trim().slice(-2_000)}\n${command} ${args[0]} failed: its last lines are above.`,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ToolError) throw error;
    throw new ToolError(`${basename(command)} ${args[0]} failed: ${String(error)}`, { cause: error });
  }
}
