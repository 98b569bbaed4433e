import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processStart } from '../src/local/process-identity.ts';

/**
 * Runs `work` with a new folder `<parent>/.umbra-part-<pid>-…` and removes the folder afterwards, whatever happened. `work`
 * moves what it made to its final name (a rename within one file system), so that a name that exists is complete.
 * Folders that killed processes left behind are removed on the way.
 */
export async function withTemporaryFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const folder = await mkdtemp(join(parent, `.umbra-part-${process.pid}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = /^\.umbra-part-(\d+)-/.exec(name)?.[1];
    const abandoned = owner !== undefined && (await processStart(Number(owner))) === undefined;
    if (abandoned) await rm(join(parent, name), { recursive: true, force: true });
  }
}
