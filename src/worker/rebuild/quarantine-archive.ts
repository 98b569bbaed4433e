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
 * Puts a finished quarantine where it outlives this machine's disk, as long as it takes. Nothing is deleted before.
 * Throws {@link Stopped} when the archive will not have it.
 */
export async function keepQuarantine({ archive, record, onTrouble }: ArchiveCall, signal: AbortSignal): Promise<void> {
  if (archive === undefined) return;
  await untilAnswered(() => archive.keep(record.folder, record.name, lastFiles, signal), onTrouble, signal);
}

/**
 * The quarantine of a worker whose disk was gone with it, as it was kept. What is brought back is verified by whoever uses it.
 * Where there is none, or the archive refuses, everything is as it is without one. Never rejects.
 */
export async function bringQuarantineBack(call: ArchiveCall, signal: AbortSignal): Promise<void> {
  const { archive, record, onTrouble } = call;
  if (archive === undefined) return;
  const bringBack = (): Promise<boolean> => archive.bringBack(record.folder, record.name, lastFiles, signal);
  try {
    await untilAnswered(bringBack, onTrouble, signal);
  } catch (error) {
    if (signal.aborted) return;
    onTrouble(error instanceof Error ? error.message : String(error));
  }
}

async function untilAnswered(
  ask: () => Promise<unknown>,
  onTrouble: (reason: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const pause = new Wakeup();
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      await ask();
      onTrouble(undefined);
      return;
    } catch (error) {
      if (!(error instanceof AwsProblem)) throw error;
      if (error.kind === 'refused') throw new Stopped(`the archive of quarantines: ${error.message}`);
      onTrouble(`the archive of quarantines: ${error.message}`);
      await pause.wait(signal, retryDelays.after(attempt));
    }
  }
}
