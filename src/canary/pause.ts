import { setTimeout as delay } from 'node:timers/promises';
import type { Pause } from './canary-clock.ts';

/** The one of the process. */
export const pause: Pause = (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined);

/** The state now: the compiler takes `signal.aborted` for unchanged across an await. */
export function hasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
