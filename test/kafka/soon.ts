const pollMs = 2;

/** Waits until `condition` gives a value, asking often: for what takes milliseconds. Fails with `what` after 5 s. */
export async function soon<T>(what: string, condition: () => T | undefined, withinMs = 5_000): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const value = condition();
    if (value !== undefined) return value;
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
