import { setTimeout as delay } from 'node:timers/promises';

export interface WaitBound {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/**
 * Looks until the condition holds or the bound is reached, at least once and once more at the end.
 * @returns whether it held. Rejects with the signal's reason when aborted, or when the condition itself rejects.
 */
export async function waitUntil(condition: () => Promise<boolean>, bound: WaitBound): Promise<boolean> {
  const deadline = performance.now() + bound.timeoutMs;
  for (;;) {
    bound.signal.throwIfAborted();
    const last = performance.now() >= deadline;
    if (await condition()) return true;
    if (last) return false;
    try {
      await delay(bound.intervalMs, undefined, { signal: bound.signal });
    } catch (error) {
      // The caller's reason says more than that there was one.
      bound.signal.throwIfAborted();
      throw error;
    }
  }
}
