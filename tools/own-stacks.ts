import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { backendFolder } from './pulumi-environment.ts';

/** Names of the stacks in a project's own file backend; none when it was never used. */
export async function ownStacks(root: string): Promise<readonly string[]> {
  const files = await readdir(join(backendFolder(root), '.pulumi', 'stacks', 'umbra')).catch(() => []);
  // Beside each stack lie its backups (.json.bak) and attributes.
  return files.flatMap((file) => /^(?<name>[^.].*)\.json$/.exec(file)?.groups?.['name'] ?? []);
}
