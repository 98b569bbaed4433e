import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, delimiter, join, sep } from 'node:path';

/**
 * Where a program lies on PATH, in PATH's order. This project itself offers a command `pulumi` (tools/pulumi.mjs, run
 * by `npx pulumi`), which npm and npx put on PATH: `node_modules/.bin` folders and links to that wrapper do not count.
 */
export function findExecutables(name: string, path: string): readonly string[] {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '' && !isPackageBin(folder))
    .map((folder) => join(folder, name))
    .filter((file) => isExecutable(file) && basename(realpathSync(file)) !== 'pulumi.mjs');
}

function isPackageBin(folder: string): boolean {
  const trimmed = folder.endsWith(sep) ? folder.slice(0, -1) : folder;
  return trimmed.endsWith(join('node_modules', '.bin'));
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Not there or not ours to run: for a search that is the same.
    return false;
  }
}
