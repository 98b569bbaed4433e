import type { Manifest } from '../../quarantine/manifest.ts';
import type { LogReader } from '../../replication/logs/log-reader.ts';
import { Stopped } from './stopped.ts';

/**
 * What was equal at both sides when it was compared is in no file: the source must still hold it. Its end alone does
 * not say so, for a log that an unclean election cut grows again. Where the epoch ends in which it was read does.
 * Throws {@link Stopped} when something was cut off.
 */
export async function checkSourceKept(
  source: Pick<LogReader, 'epochEnd'>,
  { topic, partitions }: Pick<Manifest, 'topic' | 'partitions'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { partition, sourceEnd, sourceEpoch } of partitions) {
    if (sourceEnd === undefined || sourceEnd === '0') continue;
    const end = sourceEpoch === undefined ? -1n : await source.epochEnd({ topic, partition }, sourceEpoch, signal);
    if (end >= BigInt(sourceEnd)) continue;
    const now = end < 0n ? 'cannot show that it still has what it had' : `lost what it had from offset ${end} on`;
    throw new Stopped(`the source of ${topic}/${partition} ${now}: it ended at ${sourceEnd} when it was compared`);
  }
}
