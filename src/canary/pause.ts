import { setTimeout as delay } from 'node:timers/promises';
import type { Pause } from './canary-clock.ts';

/** The one of the process; it does not keep the process alive. */
export const pause: Pause = (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => undefined);

/** The state now: the compiler takes `signal.aborted` for unchanged across an await. */
export function hasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
