import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder under which `.umbra` keeps what runs on this machine: `UMBRA_PROJECT_ROOT`, else the folder of the
 * nearest Pulumi.yaml at or above `start` (the engine starts plugins in the program's folder), else `start`.
 */
export function projectRoot(env: NodeJS.ProcessEnv, start: string): string {
  const given = env['UMBRA_PROJECT_ROOT'];
  if (given !== undefined && given !== '') return given;
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'Pulumi.yaml'))) return folder;
    if (dirname(folder) === folder) return start;
  }
}
