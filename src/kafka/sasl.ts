import {
  type Connection,
  ResponseError,
  saslAuthenticateV2,
  saslHandshakeV1,
  saslOAuthBearer,
  saslPlain,
  saslScramSha,
} from '@platformatic/kafka';
import type { ClusterConfig } from './cluster-config.ts';
import type { BrokerConnection } from './connection.ts';
import { ConnectionError } from './errors.ts';
import { call } from './library-api.ts';

type Sasl = NonNullable<ClusterConfig['sasl']>;

/** Part of the session lifetime after which the session is renewed, so that the broker never has to cut it. */
const renewAfterShare = 0.8;
const timerMsMax = 2 ** 31 - 1;

/**
 * Authenticates a fresh connection (PLAIN, SCRAM-SHA-256/512, OAUTHBEARER) and keeps the session alive where the
 * broker limits it (KIP-368): requests are held back while it is renewed.
 * Throws a {@link ConnectionError} with verdict `denied` when the broker refuses; its text never holds a secret.
 */
export async function authenticate(connection: BrokerConnection, sasl: Sasl): Promise<void> {
  const lifetimeMs = await exchange(connection, sasl);
  if (lifetimeMs <= 0) return;
  const timer = setTimeout(
    () => {
      connection
        .exclusively(() => authenticate(connection, sasl))
        .catch((error: unknown) => connection.close(error instanceof Error ? error : undefined));
    },
    Math.min(lifetimeMs * renewAfterShare, timerMsMax),
  );
  timer.unref();
  connection.onClosed(() => clearTimeout(timer));
}

const unsupportedMechanism = 33;

/**
 * Without credentials a listener with SASL only hangs up at the first request; asked for a mechanism that cannot be it
 * says what it wants, and a listener without SASL says that there is nothing to ask for.
 * Throws a {@link ConnectionError} with verdict `denied` in the first case.
 */
export async function refuseMissingSasl(connection: BrokerConnection): Promise<void> {
  const answer = await call(connection, saslHandshakeV1.api, 'NONE');
  if (answer.errorCode !== unsupportedMechanism) return;
  const offered = answer.mechanisms.join(', ');
  throw new ConnectionError(
    `${connection.host}:${connection.port} asks for SASL and none is configured; it offers ${offered || 'none'}`,
    { verdict: 'denied' },
  );
}

async function exchange(connection: BrokerConnection, sasl: Sasl): Promise<number> {
  const where = `${connection.host}:${connection.port}`;
  const handshake = await call(connection, saslHandshakeV1.api, sasl.mechanism);
  if (handshake.errorCode !== 0) {
    const offered = handshake.mechanisms.join(', ');
    throw new ConnectionError(`${where} does not offer SASL ${sasl.mechanism}; it offers ${offered || 'none'}`, {
      verdict: 'denied',
    });
  }
  try {
    const answer = await exchangeTokens(connection, sasl);
    // A refused token is answered without an error code: the reason stands where nothing should (RFC 7628, 3.2.2).
    if (sasl.mechanism === 'OAUTHBEARER' && answer.authBytes.length > 0) throw refusal(where, sasl);
    return Number(answer.sessionLifetimeMs);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw refusal(where, sasl);
  }
}

function refusal(where: string, sasl: Sasl): ConnectionError {
  const who = sasl.mechanism === 'OAUTHBEARER' ? 'the token' : `user "${sasl.username}"`;
  return new ConnectionError(`${where} refuses ${who} (SASL ${sasl.mechanism}): check the credentials`, {
    verdict: 'denied',
  });
}

function exchangeTokens(
  connection: BrokerConnection,
  sasl: Sasl,
): Promise<{ readonly sessionLifetimeMs: bigint; readonly authBytes: Buffer }> {
  // The library's exchanges use nothing of a connection but `send`; see library-api.ts.
  const library = connection as unknown as Connection;
  const api = saslAuthenticateV2.api;
  switch (sasl.mechanism) {
    case 'PLAIN':
      return saslPlain.authenticate(api, library, sasl.username, sasl.password.reveal());
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512': {
      const algorithm = sasl.mechanism === 'SCRAM-SHA-256' ? 'SHA-256' : 'SHA-512';
      return saslScramSha.authenticate(api, library, algorithm, sasl.username, sasl.password.reveal());
    }
    case 'OAUTHBEARER':
      return saslOAuthBearer.authenticate(api, library, sasl.token.reveal(), {});
  }
}

/** The broker said no (as against: the connection broke). Brokers wrap the refusal in several layers of causes. */
function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ConnectionError) return false;
    if (cause instanceof ResponseError) return true;
  }
  return error instanceof Error && error.name !== 'TypeError';
}
