import { Wakeup } from '../../replication/waiting/wakeup.ts';

export interface LookTimes {
  readonly forMs: number;
  readonly everyMs: number;
}

/**
 * Looks at once and then again and again, until `look` has something to say or the time is over: undefined then. `last`: there
 * is no look after this one. Throws when aborted, and what `look` throws.
 */
export async function lookUntil<T>(
  look: (last: boolean) => T | undefined | Promise<T | undefined>,
  { forMs, everyMs }: LookTimes,
  signal: AbortSignal,
): Promise<T | undefined> {
  const pause = new Wakeup();
  for (const untilMs = performance.now() + forMs; ;) {
    const last = performance.now() >= untilMs;
    const said = await look(last);
    if (said !== undefined || last) return said;
    await pause.wait(signal, everyMs);
    signal.throwIfAborted();
  }
}
