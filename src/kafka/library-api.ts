import { type Connection, ResponseError } from '@platformatic/kafka';
import type { BrokerConnection } from './connection.ts';
import { ConnectionError, KafkaError, MalformedError, NotSentError } from './errors.ts';

/** A versioned API of @platformatic/kafka as far as we use it. */
export interface LibraryApi<Args extends readonly unknown[], Response> {
  readonly async: (connection: Connection, ...args: Args) => Promise<Response>;
  readonly key: number;
  readonly version: number;
}

const ownErrors = [ConnectionError, KafkaError, MalformedError, NotSentError] as const;

/**
 * Runs one of the library's codecs over our connection. An error code inside the answer does not throw: the library
 * rejects the whole call for one bad partition, but the good ones matter, so the answer is returned and callers read
 * the codes in it. Throws {@link ConnectionError}, {@link MalformedError} or {@link NotSentError}.
 */
export async function call<Args extends readonly unknown[], Response>(
  connection: Pick<BrokerConnection, 'send'>,
  api: LibraryApi<Args, Response>,
  ...args: Args
): Promise<Response> {
  try {
    // The codecs touch nothing of a connection but `send`, whose signature ours has.
    return await api.async(connection as unknown as Connection, ...args);
  } catch (error) {
    if (error instanceof ResponseError) return error['response'] as Response;
    // What this room throws is passed on as it is: whether a request left decides what may be done next.
    if (ownErrors.some((kind) => error instanceof kind)) throw error;
    throw new MalformedError(`API ${api.key} version ${api.version}: ${String(error)}`, { cause: error });
  }
}
