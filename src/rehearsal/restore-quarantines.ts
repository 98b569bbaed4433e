import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Restored } from '../drill/rehearsal-record.ts';
import { quarantineNamePattern } from '../quarantine/manifest.ts';
import { listQuarantines } from '../quarantine/quarantine-reader.ts';
import { verifyQuarantine } from '../quarantine/verify-quarantine.ts';
import { some } from './judge-group.ts';

const quarantinesMax = 10;
const bytesMax = 1024 * 1024 * 1024;

export interface RestoredQuarantines {
  readonly restored: readonly Restored[];
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
}

/**
 * Reads the quarantines that lie here back, the newest ones, from their first byte to their last, and recomputes every sum.
 * Nothing is written. Rejects when aborted, and where the folder cannot be read.
 */
export async function restoreQuarantines(
  folder: string | undefined,
  topics: ReadonlySet<string> | 'all',
  signal: AbortSignal,
): Promise<RestoredQuarantines> {
  const names = folder === undefined ? [] : await listQuarantines(folder);
  const newest = names.filter((name) => quarantineNamePattern.test(name)).toReversed();
  const restored: Restored[] = [];
  const leftOut: { name: string; why: string }[] = [];
  let bytes = 0;
  for (const name of newest) {
    signal.throwIfAborted();
    if (!isInScope(name, topics)) continue;
    if (restored.length >= quarantinesMax) {
      leftOut.push({ name, why: `more than ${quarantinesMax} quarantines lie here; the newest ones are read` });
      continue;
    }
    const path = join(folder ?? '', name);
    const size = await bytesBelow(path);
    if (bytes + size > bytesMax) {
      leftOut.push({ name, why: 'with it more than 1 GiB would be read; verify it by "umbra quarantine verify"' });
      continue;
    }
    bytes += size;
    restored.push(await restore(path, name, signal));
  }
  return { restored, leftOut };
}

async function restore(path: string, name: string, signal: AbortSignal): Promise<Restored> {
  const { manifest, problems } = await verifyQuarantine(path, signal);
  if (problems.length > 0 || manifest === undefined)
    return { kind: 'quarantine', name, result: 'damaged', value: some(problems).join('; ').slice(0, 1_000) };
  const batches = manifest.partitions.reduce((sum, each) => sum + each.batches, 0);
  const records = manifest.partitions.reduce((sum, each) => sum + each.records, 0);
  const value = `${records} records in ${batches} batches of ${manifest.topic} are as they were written`;
  return { kind: 'quarantine', name, result: 'intact', value };
}

/** Its name ends with its topic, as far as it fits. */
function isInScope(name: string, topics: ReadonlySet<string> | 'all'): boolean {
  if (topics === 'all') return true;
  const [, , ...topic] = name.split('.');
  return topics.has(topic.join('.'));
}

async function bytesBelow(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
