import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What may be nowhere else, also when the clusters belong to somebody else; the key of the evidence goes with it. */
const keeps = [
  { name: 'quarantine', with: [], what: 'what rebuilt copies held' },
  { name: 'evidence', with: ['evidence-key.pem'], what: 'evidence of drills' },
] as const;

/** A folder that stays, and what is in it, for a person. */
export interface Kept {
  readonly folder: string;
  readonly what: string;
}

/**
 * Removes the state folder but for the quarantines and the evidence: those are records of customers that no cluster holds any
 * more, and what auditors are shown; only a person may say that nobody wants them. The key stays beside the evidence, so that
 * its chain goes on under the same one. Returns what stays.
 */
export async function clearState(stateFolder: string): Promise<readonly Kept[]> {
  const kept: Kept[] = [];
  const staying: string[] = [];
  for (const each of keeps) {
    const folder = join(stateFolder, each.name);
    if (!(await holdsFiles(folder))) continue;
    kept.push({ folder, what: each.what });
    staying.push(each.name, ...each.with);
  }
  if (kept.length === 0) {
    await rm(stateFolder, { recursive: true, force: true });
    return [];
  }
  for (const name of await readdir(stateFolder)) {
    if (!staying.includes(name)) await rm(join(stateFolder, name), { recursive: true, force: true });
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
