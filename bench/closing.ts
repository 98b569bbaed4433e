/** Hands over what is to be closed when the work is over; the last one given is closed first. */
export type Later = (close: () => Promise<void>) => void;

/**
 * Runs the work and closes what it opened, whether it succeeded or not: each, even when another one fails to close.
 * @throws what the work threw, else what closing did; both, as an AggregateError, when there is more than one
 */
export async function withClosing<T>(work: (later: Later) => Promise<T>): Promise<T> {
  const closings: (() => Promise<void>)[] = [];
  const [done] = await Promise.allSettled([work((close) => closings.unshift(close))]);
  const errors: unknown[] = done.status === 'rejected' ? [done.reason] : [];
  for (const close of closings) {
    const [closed] = await Promise.allSettled([close()]);
    if (closed.status === 'rejected') errors.push(closed.reason);
  }
  if (errors.length > 1) throw new AggregateError(errors, errors.map(messageOf).join('\n'));
  if (done.status === 'fulfilled' && errors.length === 0) return done.value;
  throw errors[0];
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
