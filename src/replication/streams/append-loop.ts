import type { Copier } from '../copier/copier.ts';
import type { AppendGate } from '../lease/append-lease.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
import { hasAborted, type Wakeup } from '../waiting/wakeup.ts';
import type { LinkMeters } from './link-meters.ts';

export interface AppendLoop<Connected> {
  /** What the loop appends, for reasons: "produce", "markers". */
  readonly what: string;
  /** Copiers with something to append. */
  readonly ready: Set<Copier>;
  /** Woken when one more is. */
  readonly wakeup: Wakeup;
  readonly lease: AppendGate;
  readonly meters: LinkMeters;
  /** The connection, and what was negotiated over it. */
  readonly connect: () => Promise<Connected>;
  /** One request and its answer. Called while the lease is held, with nothing awaited in between; never rejects. */
  readonly round: (connected: Connected) => Promise<void>;
}

/** Runs rounds while something is ready. Where there is no connection the copiers look for their leader again. */
export async function runAppendLoop<Connected>(loop: AppendLoop<Connected>, signal: AbortSignal): Promise<void> {
  const { what, ready, wakeup, lease, meters, connect, round } = loop;
  let failures = 0;
  while (!hasAborted(signal)) {
    if (ready.size === 0) {
      await wakeup.wait(signal);
      continue;
    }
    let connected: Connected;
    try {
      connected = await connect();
      failures = 0;
    } catch (error) {
      // Nothing was sent.
      failures += 1;
      meters.targetFailed(error);
      const waiting = [...ready];
      ready.clear();
      const reason = `${what}: ${error instanceof Error ? error.message : String(error)}`;
      for (const copier of waiting) copier.interrupt(reason, retryDelays.after(failures));
      continue;
    }
    await lease.wait(signal);
    // Asked again right before sending.
    if (lease.held()) await round(connected);
  }
}
