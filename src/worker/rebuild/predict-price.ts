import type { ReadOf } from './read-meter.ts';
import { nothingGoes, type PlannedPartition, type RebuildPlan } from './rebuild-view.ts';

export interface Measured {
  readonly source: ReadOf;
  readonly copy: ReadOf;
  /** For all of it. */
  readonly tookMs: number;
}

type Priced = Pick<RebuildPlan, 'tail'> & {
  readonly partitions: readonly Pick<PlannedPartition, 'offsetsToCopy' | 'quarantined'>[];
};

/** Less than that says nothing of a rate: what is measured then are round trips. */
const measuredBytesMin = 1 << 20;

/**
 * What carrying out a plan takes, by what making it took: both logs are read once more for the quarantine, a tail is read and
 * appended, and the source is copied, at the rate at which the plan has just read them. Copying is not slower than that, for
 * nothing is compared. What was not measured is left out. Pure.
 */
export function predictPrice({ tail, partitions }: Priced, { source, copy, tookMs }: Measured): RebuildPlan['price'] {
  const sample = source.offsets > 0 ? source : copy;
  const offsets = tail?.method === 'in-place' ? 0 : sum(partitions, ({ offsetsToCopy }) => offsetsToCopy);
  const bytesToCopy =
    offsets === 0 ? 0 : sample.offsets === 0 ? undefined : Math.round((offsets * sample.bytes) / sample.offsets);
  const bytesToReplay = tail?.decision?.kind === 'replay' ? sum(partitions, ({ quarantined }) => quarantined.bytes) : 0;
  const read = source.bytes + copy.bytes;
  const again = tail?.method === 'in-place' && nothingGoes({ partitions }) ? 0 : read;
  if (bytesToCopy === undefined) return { bytesToReplay };
  const toDo = again + bytesToCopy + 2 * bytesToReplay;
  if (toDo === 0) return { bytesToCopy, bytesToReplay, seconds: 0 };
  if (read < measuredBytesMin || tookMs <= 0) return { bytesToCopy, bytesToReplay };
  const bytesPerSecond = Math.round((read / tookMs) * 1_000);
  return { bytesToCopy, bytesToReplay, bytesPerSecond, seconds: Math.round((toDo / bytesPerSecond) * 10) / 10 };
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
