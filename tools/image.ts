import { cp, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheDir } from '../src/local/cache-dir.ts';
import { buildImage } from './image-build.ts';
import { parseBase } from './image-content.ts';
import { runCommand } from './interruption.ts';
import { projectRoot } from './project.ts';
import { runStep, ToolError } from './steps.mjs';
import { withTemporaryFolder } from './temporary-folder.ts';

// npm run image — the container image of a worker (docs/deploy/image.md).
const usage = 'Usage: npm run image [-- --base NAME@sha256:… | --base sha256:…] [--tag NAME] [--context FOLDER]';
const sbomFile = join(projectRoot, 'dist', 'umbra-image.cdx.json');

await runCommand(async (signal) => {
  const { base, tag, context } = parse(process.argv.slice(2));
  const built = await withTemporaryFolder(cacheDir(process.env), async (work) => {
    const request = { base, tag, work, env: process.env, signal };
    const made = await runStep('image', async (report) => {
      const value = await buildImage({ ...request, report });
      return { value, summary: `${tag}, ${Math.round(value.bytes / 1e6)} MB` };
    });
    if (context !== undefined) await cp(join(work, 'context'), context, { recursive: true });
    await mkdir(join(projectRoot, 'dist'), { recursive: true });
    await cp(made.sbom, sbomFile);
    return made;
  });
  const lines = [`image ${built.id}`, `base  ${built.base}`, `top layer ${built.layers.at(-1)}`, `SBOM  ${sbomFile}`];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (base === undefined) {
    process.stdout.write('The base is made of libraries of this machine, to try things: give --base to ship it.\n');
  }
  return 0;
});

function parse(args: readonly string[]): { base: string | undefined; tag: string; context: string | undefined } {
  const options = { base: { type: 'string' }, tag: { type: 'string' }, context: { type: 'string' } } as const;
  let values: { base?: string; tag?: string; context?: string };
  try {
    values = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : String(error)}\n${usage}`, { cause: error });
  }
  const { base, tag = 'umbra:local', context } = values;
  return {
    base: base === undefined ? undefined : parseBase(base),
    tag,
    context: context === undefined ? undefined : resolve(context),
  };
}
