import { type Connection, ResponseError } from '@platformatic/kafka';
import type { BrokerConnection } from './connection.ts';
import { ConnectionError, KafkaError, MalformedError } from './errors.ts';

/** A versioned API of @platformatic/kafka as far as we use it. */
export interface LibraryApi<Args extends readonly unknown[], Response> {
  readonly async: (connection: Connection, ...args: Args) => Promise<Response>;
  readonly key: number;
  readonly version: number;
}

/**
 * Runs one of the library's codecs over our connection. An error code inside the answer does not throw: the library
 * rejects the whole call for one bad partition, but the good ones matter, so the answer is returned and callers read
 * the codes in it. Throws {@link ConnectionError} or {@link MalformedError}.
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
    if (error instanceof ConnectionError || error instanceof MalformedError || error instanceof KafkaError) throw error;
    throw new MalformedError(`API ${api.key} version ${api.version}: ${String(error)}`, { cause: error });
  }
}
