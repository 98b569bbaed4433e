/**
 * Lets one loop wait for "something happened". A wake-up between two waits is not lost.
 */
export class Wakeup {
  #pending = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  /** Returns at the next wake-up, after `timeoutMs`, or when `signal` aborts. */
  async wait(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    if (!this.#pending && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const finish = (): void => resolve(undefined);
      this.#resolve = finish;
      const timer = timeoutMs === undefined ? undefined : setTimeout(finish, timeoutMs);
      signal.addEventListener('abort', finish, { once: true });
      await promise;
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      this.#resolve = undefined;
    }
    this.#pending = false;
  }
}

/** The state of a signal now. (The compiler takes `signal.aborted` for unchanged across an await.) */
export function hasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
