import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type docker, dockerOk } from '../src/local/docker.ts';
import { runCommand } from '../src/local/run-command.ts';
import { makeLocalBase } from './image-base.ts';
import { nodeArchitecture } from './image-content.ts';
import { makeRootfs, type Rootfs } from './image-rootfs.ts';
import { projectRoot } from './project.ts';

export interface ImageRequest {
  /** As `parseBase` gave it. Without one a base is made out of this machine's libraries. */
  readonly base?: string | undefined;
  readonly tag: string;
  /** Takes nothing from what was built before. */
  readonly fresh?: boolean;
  /** An empty folder: what is built from stays in its `context`. */
  readonly work: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly report: (detail: string) => void;
}

export interface BuiltImage {
  readonly id: string;
  /** Unpacked, with its base. */
  readonly bytes: number;
  /** Digests of the layers, from the base up. */
  readonly layers: readonly string[];
  readonly base: string;
  readonly sbom: string;
}

const buildMs = 600_000;

/** Builds the worker's image and gives it `tag`. @throws {ToolError}, {LocalProblem} */
export async function buildImage(request: ImageRequest): Promise<BuiltImage> {
  const { work, env, signal, report, tag } = request;
  const call = { env, signal, timeoutMs: buildMs };
  const engine = (await dockerOk(['version', '--format', '{{.Server.Arch}}'], call)).trim();
  const epochSeconds = await sourceEpoch(request);
  const rootfs = await makeRootfs({ work, architecture: nodeArchitecture(engine), epochSeconds, signal, report });
  const context = await makeContext(work, rootfs);
  report('base');
  const base = request.base ?? (await makeLocalBase(work, call));
  report('image');
  const { name: title, version } = await projectVersion();
  const labels = {
    'org.opencontainers.image.title': title,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.base.digest': base.replace(/^.*@/, ''),
    'umbra.rootfs.sha256': rootfs.sha256,
    'umbra.sbom': '/umbra/sbom.cdx.json',
  };
  const flags = Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
  const from = ['--build-arg', `BASE=${await nameOf(base, call)}`];
  const cache = request.fresh === true ? ['--no-cache'] : [];
  await dockerOk(['build', '--quiet', ...cache, ...from, ...flags, '--tag', tag, context], call);
  const sbom = join(context, 'sbom.cdx.json');
  return { ...(await inspect(tag, call)), base, sbom };
}

async function makeContext(work: string, rootfs: Rootfs): Promise<string> {
  const context = join(work, 'context');
  await mkdir(context);
  await rename(rootfs.archive, join(context, 'rootfs.tar'));
  for (const name of ['Dockerfile', '.dockerignore']) await cp(join(projectRoot, name), join(context, name));
  await writeFile(join(context, 'sbom.cdx.json'), rootfs.bom);
  return context;
}

/** A local image gets a name made of its id: builders take a bare id for a name in a registry. */
async function nameOf(base: string, call: Parameters<typeof dockerOk>[1]): Promise<string> {
  if (!base.startsWith('sha256:')) return base;
  const name = `umbra/base:${base.slice('sha256:'.length)}`;
  await dockerOk(['tag', base, name], call);
  return name;
}

const inspected = z.tuple([
  z.object({ Id: z.string(), Size: z.number(), RootFS: z.object({ Layers: z.array(z.string()) }) }),
]);

async function inspect(tag: string, call: Parameters<typeof docker>[1]): Promise<Omit<BuiltImage, 'base' | 'sbom'>> {
  const [{ Id: id, Size: bytes, RootFS }] = inspected.parse(
    JSON.parse(await dockerOk(['image', 'inspect', tag], call)),
  );
  return { id, bytes, layers: RootFS.Layers };
}

/** SOURCE_DATE_EPOCH (reproducible-builds.org), else when the last commit was made, else 0. */
async function sourceEpoch({ env, signal }: ImageRequest): Promise<number> {
  const given = env['SOURCE_DATE_EPOCH'];
  if (given !== undefined && /^\d{1,11}$/.test(given)) return Number(given);
  const git = ['-C', projectRoot, 'log', '-1', '--format=%ct'];
  const told = await runCommand('git', git, { env, signal, timeoutMs: 10_000 }).catch(() => undefined);
  return told?.exitCode === 0 ? Number(told.stdout.trim()) : 0;
}

async function projectVersion(): Promise<{ readonly name: string; readonly version: string }> {
  const text = await readFile(join(projectRoot, 'package.json'), 'utf8');
  return z.object({ name: z.string(), version: z.string() }).parse(JSON.parse(text));
}
