import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The program that Pulumi starts as its Node language host, where the official one is missing. It lies in the cache,
 * shared by every clone, so it names no clone: UMBRA_CLONE does (set by tools/pulumi.mjs and `npm run up`), else it is
 * the nearest folder at or above the working directory that has a stand-in.
 */
const launcher = `#!/bin/sh
# Placed here by umbra (tools/language-host/launcher.ts): the stand-in for Pulumi's Node language host.
clone="$UMBRA_CLONE"
if [ -z "$clone" ]; then
  clone="$PWD"
  while [ "$clone" != "/" ] && [ ! -f "$clone/tools/language-host/main.ts" ]; do clone=$(dirname "$clone"); done
fi
if [ ! -f "$clone/tools/language-host/main.ts" ]; then
  echo "pulumi-language-nodejs: no clone of umbra in or above $PWD; set UMBRA_CLONE to one." >&2
  exit 1
fi
node="$clone/node_modules/.bin/node"
[ -x "$node" ] || node=node
exec "$node" "$clone/tools/language-host/main.ts" "$@"
`;

/** Writes the launcher into the folder unless it is there as it should be. @returns the folder */
export async function placeLauncher(folder: string): Promise<string> {
  const file = join(folder, 'pulumi-language-nodejs');
  const present = await readFile(file, 'utf8').catch(() => '');
  if (present === launcher) return folder;
  await mkdir(folder, { recursive: true });
  const part = `${file}.part-${process.pid}`;
  await writeFile(part, launcher);
  await chmod(part, 0o755);
  await rename(part, file);
  return folder;
}
