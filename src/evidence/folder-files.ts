import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** What a write that a crash ended has left: never whole, never read, replaced by the next one. */
export const partPrefix = '.part-';

/** Everybody's to read who may enter the folder, nobody's to write. */
const fileMode = 0o444;

/**
 * Puts a whole file where none is: it has its name when all of it is on the disk. `exists`: the name is taken, nothing was
 * changed.
 */
export async function placeFile(folder: string, name: string, bytes: Uint8Array): Promise<'placed' | 'exists'> {
  const part = await writePart(folder, name, bytes);
  try {
    await link(part, join(folder, name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return 'exists';
    throw error;
  } finally {
    await rm(part, { force: true });
  }
  await syncFolder(folder);
  return 'placed';
}

/** Puts a whole file in the place of another one: a reader sees the one or the other. */
export async function replaceFile(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const part = await writePart(folder, name, bytes);
  await rename(part, join(folder, name));
  await syncFolder(folder);
}

async function writePart(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  const part = join(folder, `${partPrefix}${name}`);
  await rm(part, { force: true });
  const handle = await open(part, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.chmod(fileMode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return part;
}

/** Makes a folder and those above it that are missing, so that they are there after a crash. */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path);
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === resolve(first)) return;
  }
}

/** A name in a folder is durable when the folder was synced. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
