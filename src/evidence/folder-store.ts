import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Of } from './canonical.ts';
import { EvidenceProblem } from './evidence-problem.ts';
import { makeFolder, partPrefix, placeFile, replaceFile } from './folder-files.ts';
import { headName } from './names.ts';
import type { EvidenceReader, EvidenceStore, SeenHead } from './store.ts';

/** The chain in this folder of a disk. */
export function folderReader(folder: string): EvidenceReader {
  return {
    where: (name) => (name === undefined ? folder : join(folder, name)),
    list: async () => {
      const entries = await readdir(folder, { withFileTypes: true }).catch(unlessMissing);
      return (entries ?? [])
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name)
        .toSorted();
    },
    read: (name) => readFile(join(folder, name)).catch(unlessMissing),
  };
}

/**
 * A chain in a folder, which is made where it is missing. Files are whole or not there, synced, and read-only (0444); an owner
 * of the disk can remove them all the same, which is what the chain is for.
 */
export function folderStore(folder: string): EvidenceStore {
  const reader = folderReader(folder);
  const readHead = async (): Promise<SeenHead | undefined> => {
    const bytes = await reader.read(headName);
    return bytes === undefined ? undefined : { bytes, tag: sha256Of(bytes) };
  };
  return {
    ...reader,
    put: async (name, bytes) => {
      await makeFolder(folder);
      if ((await placeFile(folder, name, bytes)) === 'placed') return;
      const there = await reader.read(name);
      if (there !== undefined && Buffer.compare(there, bytes) === 0) return;
      throw new EvidenceProblem('DIFFERENT', `${join(folder, name)}: other bytes lie there; nothing is written over`);
    },
    readHead,
    replaceHead: async (bytes, seen) => {
      await makeFolder(folder);
      if ((await readHead())?.tag !== seen?.tag) {
        throw new EvidenceProblem('CHAIN_MOVED', `${join(folder, headName)}: was replaced meanwhile; read it again`);
      }
      await replaceFile(folder, headName, bytes);
      await removeParts(folder);
    },
  };
}

/** What writes that a crash ended have left: a file that nobody names is a problem when the chain is verified. */
async function removeParts(folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of names) if (name.startsWith(partPrefix)) await rm(join(folder, name), { force: true });
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
