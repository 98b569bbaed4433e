import { AwsProblem } from '../../aws/aws-problem.ts';
import type { FolderArchive } from '../../aws/s3-folders.ts';
import { checksumsName, manifestName } from '../../quarantine/manifest.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { RebuildRecord } from './rebuild-record.ts';
import { Stopped } from './stopped.ts';

export interface ArchiveCall {
  readonly archive: FolderArchive | undefined;
  readonly record: Pick<RebuildRecord, 'folder' | 'name'>;
  /** Told why it is not done yet. */
  readonly onTrouble: (reason: string | undefined) => void;
}

/** A folder without them was never finished. */
const lastFiles = [checksumsName, manifestName];

/**
 * Puts a finished quarantine where it outlives this machine's disk, as long as it takes; what is there already is only looked
 * at. Nothing is deleted before. Throws {@link Stopped} when the archive will not have it.
 */
export async function keepQuarantine({ archive, record, onTrouble }: ArchiveCall, signal: AbortSignal): Promise<void> {
  if (archive === undefined) return;
  const keep = (): Promise<void> => archive.keep(record.folder, record.name, lastFiles, signal);
  await untilAnswered(keep, { onTrouble, attemptsMax: Infinity, signal });
}

/**
 * The quarantine of a worker whose disk was gone with it, as it was kept; nothing where it is here, or was never kept whole.
 * What is brought back is verified by whoever uses it. Throws {@link Stopped} when the archive refuses, or did not answer
 * `attemptsMax` times, and what the disk says as it is. The caller knows that the record's folder is the worker's.
 */
export async function bringQuarantineBack(
  { archive, record, onTrouble }: ArchiveCall,
  attemptsMax: number,
  signal: AbortSignal,
): Promise<void> {
  if (archive === undefined) return;
  const bringBack = (): Promise<boolean> => archive.bringBack(record.folder, record.name, lastFiles, signal);
  await untilAnswered(bringBack, { onTrouble, attemptsMax, signal });
}

interface Waiting {
  readonly onTrouble: ArchiveCall['onTrouble'];
  readonly attemptsMax: number;
  readonly signal: AbortSignal;
}

async function untilAnswered(ask: () => Promise<unknown>, { onTrouble, attemptsMax, signal }: Waiting): Promise<void> {
  const pause = new Wakeup();
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      await ask();
      onTrouble(undefined);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof AwsProblem)) throw error;
      const said = `the archive of quarantines: ${error.message}`;
      if (error.kind === 'refused' || attempt >= attemptsMax) throw new Stopped(said);
      onTrouble(said);
      await pause.wait(signal, retryDelays.after(attempt));
    }
  }
}
