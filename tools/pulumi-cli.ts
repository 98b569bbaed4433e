import { readFile, realpath, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDir } from '../src/local/cache-dir.ts';
import { capture } from './child-process.ts';
import { findExecutables, isExecutable } from './executable-search.ts';
import { buildTools } from './go-build.ts';
import { placeLauncher } from './language-host/launcher.ts';
import { ToolError } from './steps.mjs';
import { withTemporaryFolder } from './temporary-folder.ts';
import { type Version, isAtLeast, parseVersion, renderVersion } from './version.ts';

export interface PulumiCli {
  readonly executable: string;
  readonly version: string;
  readonly source: 'on PATH' | 'cached' | 'built';
  /** Folders to put first on PATH, so that the CLI finds its language host. */
  readonly folders: readonly string[];
}

export interface FindCliOptions {
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

export interface EnsureCliOptions extends FindCliOptions {
  readonly onProgress: (detail: string) => void;
}

/** Providers given as a folder in Pulumi.yaml and everything the program's SDK asks for are there from here on. */
const cliLeast: Version = [3, 200, 0];
const moduleFolder = join(import.meta.dirname, 'pulumi-cli');
const languageHost = 'pulumi-language-nodejs';

/**
 * The Pulumi CLI: the one on PATH, else the cached one, else built from the Go module in tools/pulumi-cli.
 * Where the official Node language host is missing beside it, this project's stand-in takes its place.
 */
export async function ensurePulumi(options: EnsureCliOptions): Promise<PulumiCli> {
  return (await findPulumi(options)) ?? (await buildPulumi(options));
}

/** The CLI when it is on this machine already. */
export async function findPulumi({ env = process.env, signal }: FindCliOptions): Promise<PulumiCli | undefined> {
  return (await installedCli(env, signal)) ?? (await cachedCli(env));
}

async function installedCli(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<PulumiCli | undefined> {
  const path = env['PATH'] ?? '';
  for (const executable of findExecutables('pulumi', path)) {
    const version = await versionOf(executable, signal);
    if (version === undefined || !isAtLeast(version, cliLeast)) continue;
    const beside = isExecutable(join(dirname(await realpath(executable)), languageHost));
    const hosted = beside || findExecutables(languageHost, path).length > 0;
    const folders = [dirname(executable)];
    if (!hosted) folders.push(await placeLauncher(join(cacheDir(env), 'language-host')));
    return { executable, version: renderVersion(version), source: 'on PATH', folders };
  }
  return undefined;
}

async function cachedCli(env: NodeJS.ProcessEnv): Promise<PulumiCli | undefined> {
  const { version, home } = await ownPlace(env);
  const executable = join(home, 'pulumi');
  if (!isExecutable(executable)) return undefined;
  await placeLauncher(home);
  return { executable, version, source: 'cached', folders: [home] };
}

async function ownPlace(env: NodeJS.ProcessEnv): Promise<{ version: string; home: string }> {
  const version = pinnedVersion(await readFile(join(moduleFolder, 'go.mod'), 'utf8'));
  return { version, home: join(cacheDir(env), 'pulumi', version) };
}

/** The one truth about the version is the go.mod that is built. */
export function pinnedVersion(goMod: string): string {
  const found = /github\.com\/pulumi\/pulumi\/pkg\/v3 v(\d+\.\d+\.\d+)/.exec(goMod)?.[1];
  if (found === undefined) throw new ToolError(`${moduleFolder}/go.mod does not say which Pulumi CLI to build.`);
  return found;
}

async function buildPulumi(options: EnsureCliOptions): Promise<PulumiCli> {
  const env = options.env ?? process.env;
  const { version, home } = await ownPlace(env);
  options.onProgress('building from source: 7 to 13 minutes the first time');
  await withTemporaryFolder(dirname(home), async (into) => {
    const stamp = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
    await buildTools({
      module: moduleFolder,
      into,
      flags: ['-trimpath', '-tags', 'osusergo,grpcnotrace', '-ldflags', `-s -w ${stamp}`],
      signal: options.signal,
      onProgress: (detail) => options.onProgress(`building from source (7 to 13 minutes the first time): ${detail}`),
    });
    const built = await versionOf(join(into, 'pulumi'), options.signal);
    if (built === undefined) throw new ToolError('The Pulumi CLI was built but does not run.');
    await rename(into, home).catch((error: unknown) => {
      // Another process was faster: what it put there is as good.
      if (!isExecutable(join(home, 'pulumi'))) throw error;
    });
  });
  const cli = await cachedCli(env);
  if (cli === undefined) throw new ToolError(`The Pulumi CLI was built but is not in ${home}.`);
  return { ...cli, source: 'built' };
}

async function versionOf(executable: string, signal: AbortSignal): Promise<Version | undefined> {
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: 'true' };
  const result = await capture(executable, ['version'], { env, signal });
  return result.code === 0 ? parseVersion(result.stdout) : undefined;
}
