import { join } from 'node:path';
import { indexLines, readManifest } from '../../quarantine/quarantine-reader.ts';
import type { RebuildRecord } from '../rebuild/rebuild-record.ts';
import { Stopped } from '../rebuild/stopped.ts';
import { quarantinePath } from '../rebuild/write-quarantine.ts';

/**
 * Records of a quarantined tail that the new primary is to append: those above the cut that a consumer could have read.
 * Throws {@link Stopped} where the logs differ below the cut: what belongs between the others cannot be appended.
 */
export async function replayable(record: Pick<RebuildRecord, 'folder' | 'name' | 'tail'>): Promise<number> {
  const path = quarantinePath(record);
  const { partitions } = await readManifest(path);
  let records = 0n;
  for (const { partition, files, forkOffset } of partitions) {
    const cut = BigInt(record.tail?.cuts[partition] ?? '0');
    if (forkOffset !== undefined && BigInt(forkOffset) < cut) {
      throw new Stopped(
        `the logs of partition ${partition} differ from offset ${forkOffset} on, below the cut at ${cut}: export or discard what only the old one holds`,
      );
    }
    if (files === undefined) continue;
    for await (const { aborted, onlyHere } of indexLines(join(path, files.index.path))) {
      if (aborted) continue;
      for (const [first, last] of onlyHere) {
        const from = BigInt(first) < cut ? cut : BigInt(first);
        if (BigInt(last) >= from) records += BigInt(last) - from + 1n;
      }
    }
  }
  return Number(records);
}
