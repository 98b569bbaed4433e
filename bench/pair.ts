import { join } from 'node:path';
import { deleteLocalCluster, startLocalCluster } from '../src/local/local-cluster.ts';
import { processStart } from '../src/local/process-identity.ts';
import { readJson, writePrivateJson } from '../src/local/private-file.ts';
import { ToolError } from '../tools/steps.mjs';
import { z } from 'zod';
import { type BenchSite } from './bench-context.ts';
import { openCluster } from './topics.ts';

export interface BenchPair {
  readonly source: BenchSite;
  readonly target: BenchSite;
  /** Stops the brokers and removes their data. */
  remove(): Promise<void>;
}

/** Ten thousand partitions, and batches of 16 MiB, do not fit into the heap that a broker of a small pair has. */
const heapMb = 1536;
const removeTimeoutMs = 120_000;
const ownerSchema = z.strictObject({ pid: z.int(), start: z.string() });

/**
 * Two clusters of one broker each, plain connections, below `home`. What an earlier run left there is removed first.
 * @throws {ToolError} when another benchmark runs there
 */
export async function startPair(home: string, kafkaVersion: string, signal: AbortSignal): Promise<BenchPair> {
  await claim(home);
  const specs = (['source', 'target'] as const).map(
    (name) => ({ name, home: join(home, name), kafkaVersion, security: 'none', heapMb }) as const,
  );
  const remove = async (): Promise<void> => {
    // Not the run's own signal: brokers are ended also when the run was interrupted.
    const bound = { signal: AbortSignal.timeout(removeTimeoutMs) };
    await Promise.all(specs.map((spec) => deleteLocalCluster(spec, bound)));
  };
  await remove();
  try {
    const [source, target] = await Promise.all(specs.map((spec) => startLocalCluster(spec, { signal })));
    if (source === undefined || target === undefined) throw new Error('a pair of fewer than two clusters');
    const sites = [source, target].map((cluster) => {
      const config = cluster.connection('admin');
      return { config, admin: openCluster(`the ${cluster.name}`, config) };
    });
    const [from, to] = sites;
    if (from === undefined || to === undefined) throw new Error('a pair of fewer than two clusters');
    return {
      source: from,
      target: to,
      async remove() {
        await Promise.all(sites.map(({ admin }) => admin.close()));
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** One benchmark at a time: two would measure each other. */
async function claim(home: string): Promise<void> {
  const file = join(home, 'owner.json');
  const owner = await readJson(file, ownerSchema);
  if (owner !== undefined && owner.pid !== process.pid && (await processStart(owner.pid)) === owner.start) {
    throw new ToolError(`A benchmark runs already in ${home} (process ${owner.pid}): wait for it, or end it.`);
  }
  await writePrivateJson(file, { pid: process.pid, start: (await processStart(process.pid)) ?? 'gone' });
}
