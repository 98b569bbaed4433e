import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { workerPaths } from './local-worker.ts';
import { isMissing, readJson } from './private-file.ts';

/** What this room reads of workers' files to know which clusters they work with. */
const workerFileSchema = z.looseObject({
  clusters: z.record(z.string(), z.looseObject({ bootstrapServers: z.array(z.string()) })),
});

/** Names of the project's workers, whether they run or not, that work with the cluster of one of these addresses. */
export async function workersOfCluster(root: string, bootstrapServers: readonly string[]): Promise<readonly string[]> {
  const folder = join(root, 'workers');
  const found: string[] = [];
  for (const name of await namesIn(folder)) {
    const file = await readJson(workerPaths(join(folder, name)).config, workerFileSchema);
    const servers = Object.values(file?.clusters ?? {}).flatMap((cluster) => cluster.bootstrapServers);
    if (servers.some((server) => bootstrapServers.includes(server))) found.push(name);
  }
  return found.toSorted();
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
