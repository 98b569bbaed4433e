import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const main = join(import.meta.dirname, 'main.ts');

/**
 * Puts the stand-in for the AWS provider where the engine looks for the real one, in exactly the version that the package of
 * its resource classes asks for.
 */
export async function placeFakeAws(pulumiHome: string): Promise<void> {
  const described = await readFile(createRequire(import.meta.url).resolve('@pulumi/aws/package.json'), 'utf8');
  const { version } = JSON.parse(described) as { version: string };
  const folder = join(pulumiHome, 'plugins', `resource-aws-v${version}`);
  await mkdir(folder, { recursive: true });
  const executable = join(folder, 'pulumi-resource-aws');
  await writeFile(executable, `#!/bin/sh\nexec node "${main}" "${version}" "$@"\n`);
  await chmod(executable, 0o755);
}
