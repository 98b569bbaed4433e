import { AwsProblem } from './aws-problem.ts';

/** How long AWS is waited for. The SDK itself waits for ever unless told, and only warns about slow answers. */
export interface RequestBounds {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Until the headers of an answer are there, counted from the first byte of the request. */
  readonly answerMs?: number;
  /** Without a byte either way. */
  readonly idleMs: number;
}

/** Of a request that is small, as is its answer: all of it, with what the SDK tries again, is bounded as well. */
export interface SmallRequestBounds extends RequestBounds {
  readonly answerMs: number;
  readonly wholeMs: number;
}

export const smallRequests: SmallRequestBounds = {
  ...{ connectMs: 3_000, answerMs: 10_000 },
  ...{ idleMs: 10_000, wholeMs: 30_000 },
};

/** Of requests with bodies of any size: they may take long as long as something moves. */
export const largeRequests: RequestBounds = { connectMs: 3_000, idleMs: 60_000 };

/** What the clients of the SDK take as `requestHandler`. */
export function requestHandler({ connectMs, answerMs, idleMs }: RequestBounds): {
  readonly connectionTimeout: number;
  readonly requestTimeout?: number;
  readonly throwOnRequestTimeout: true;
  readonly socketTimeout: number;
} {
  return {
    connectionTimeout: connectMs,
    ...(answerMs === undefined ? {} : { requestTimeout: answerMs }),
    throwOnRequestTimeout: true,
    socketTimeout: idleMs,
  };
}

export interface Bounded {
  readonly where: string;
  readonly wholeMs: number;
}

/**
 * What `request` answers, or an `unreachable` {@link AwsProblem} when the time is over; it is told by the signal that it is
 * given, and not waited for any more. Rejects with the reason of `signal` when that fires.
 */
export async function withinTime<T>(
  { where, wholeMs }: Bounded,
  signal: AbortSignal,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const deadline = AbortSignal.timeout(wholeMs);
  const either = AbortSignal.any([signal, deadline]);
  // Not every step of the SDK listens to a signal: it may ask for credentials first.
  const over = Promise.withResolvers<never>();
  const onAbort = (): void => {
    over.reject(either.reason as Error);
  };
  either.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([request(either), over.promise]);
  } catch (error) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new AwsProblem('unreachable', `${where}: no answer within ${wholeMs / 1000} s`, { cause: error });
  } finally {
    either.removeEventListener('abort', onAbort);
  }
}
