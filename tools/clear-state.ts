import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What rebuilt copies held may be nowhere else, also when the clusters belong to somebody else. */
const keptName = 'quarantine';

/**
 * Removes the state folder but for the quarantines: those are records of customers that no cluster holds any more, and
 * only a person may say that nobody wants them. Returns the folder that stays; undefined when there was none to keep.
 */
export async function clearState(stateFolder: string): Promise<string | undefined> {
  const kept = join(stateFolder, keptName);
  if (!(await holdsFiles(kept))) {
    await rm(stateFolder, { recursive: true, force: true });
    return undefined;
  }
  for (const name of await readdir(stateFolder)) {
    if (name !== keptName) await rm(join(stateFolder, name), { recursive: true, force: true });
  }
  return kept;
}

async function holdsFiles(folder: string): Promise<boolean> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.some((entry) => !entry.isDirectory());
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
