import { type Connection, ResponseError, saslHandshakeV1, saslAuthenticateV2 } from '@platformatic/kafka';
import { saslOAuthBearer, saslPlain, saslScramSha } from '@platformatic/kafka';
import type { BearerToken, TokenSource } from './bearer-token.ts';
import type { ClusterConfig } from './cluster-config.ts';
import type { BrokerConnection } from './connection.ts';
import { ConnectionError } from './errors.ts';
import { call } from './library-api.ts';
import { refusalReason, refusalVerdict } from './sasl-refusal.ts';
import { tokenSourceOf } from './token-source.ts';

type Sasl = NonNullable<ClusterConfig['sasl']>;
type Password = Extract<Sasl, { readonly username: string }>;

/** What one exchange is done with. */
export type Credentials = Password | { readonly mechanism: 'OAUTHBEARER'; readonly token: BearerToken };

/** Part of a session's or a token's life after which the session is renewed, so that the broker never has to cut it. */
const renewAfterShare = 0.8;
/** Brokers take no second authentication within one second of the last (KIP-368), as their clocks have it. */
const renewMsMin = 1_100;
const timerMsMax = 2 ** 31 - 1;

/**
 * When to authenticate again on a connection, in ms from now: well before the earlier of the session's end, as the broker
 * gave it, and the token's. Undefined for a session without an end: the broker enforces none, and would refuse another
 * exchange. Pure.
 */
export function renewalDelayMs(life: {
  readonly sessionMs: number;
  /** Not above 0 by a clock that is ahead of the broker's, which took the token: then the session alone counts. */
  readonly tokenMs: number | undefined;
}): number | undefined {
  if (life.sessionMs <= 0) return undefined;
  const tokenMs = life.tokenMs === undefined || life.tokenMs <= 0 ? Infinity : life.tokenMs;
  return Math.min(Math.max(Math.min(life.sessionMs, tokenMs) * renewAfterShare, renewMsMin), timerMsMax);
}

/**
 * Authenticates the connections to one cluster (PLAIN, SCRAM-SHA-256/512, OAUTHBEARER with a token that is given, read from
 * a file or signed for MSK) and keeps their sessions alive where the broker limits them (KIP-368).
 */
export class SaslAuthentication {
  readonly #sasl: Sasl;
  readonly #tokens: TokenSource | undefined;

  constructor(sasl: Sasl, tokens = tokenSourceOf(sasl)) {
    this.#sasl = sasl;
    this.#tokens = tokens;
  }

  /**
   * For the next exchange. Apart from it, since a token may take its time and a connection would wait for it.
   * Throws a {@link ConnectionError} with verdict `denied` when there is no token to be had.
   */
  async credentials(): Promise<Credentials> {
    const sasl = this.#sasl;
    if ('username' in sasl) return sasl;
    if (this.#tokens === undefined) throw new Error(`invariant: ${sasl.mechanism} has a source of tokens`);
    return { mechanism: 'OAUTHBEARER', token: await this.#tokens.token() };
  }

  /**
   * Requests of others are held back while the session is renewed.
   * Throws a {@link ConnectionError} with verdict `denied` when the broker refuses; its text never holds a secret.
   */
  async authenticate(connection: BrokerConnection, credentials: Credentials): Promise<void> {
    const sessionMs = await this.#exchange(connection, credentials);
    const expiresAtMs = 'token' in credentials ? credentials.token.expiresAtMs : undefined;
    const tokenMs = expiresAtMs === undefined ? undefined : expiresAtMs - Date.now();
    const delayMs = renewalDelayMs({ sessionMs, tokenMs });
    if (delayMs !== undefined) this.#renewLater(connection, delayMs, performance.now() + sessionMs);
  }

  #renewLater(connection: BrokerConnection, delayMs: number, endsAtMs: number): void {
    const timer = setTimeout(() => {
      this.#renew(connection, endsAtMs).catch((error: unknown) =>
        connection.close(error instanceof Error ? error : undefined),
      );
    }, delayMs);
    timer.unref();
    connection.onClosed(() => clearTimeout(timer));
  }

  async #renew(connection: BrokerConnection, endsAtMs: number): Promise<void> {
    let credentials: Credentials;
    try {
      credentials = await this.credentials();
    } catch (error) {
      // The session is still good: asked again while it is, at ever shorter distances.
      const nextMs = (endsAtMs - performance.now()) / 2;
      if (nextMs < renewMsMin) throw error;
      this.#renewLater(connection, nextMs, endsAtMs);
      return;
    }
    if (!connection.closed) await connection.exclusively(() => this.authenticate(connection, credentials));
  }

  /** How long the session lasts, in ms; 0 for one without an end. */
  async #exchange(connection: BrokerConnection, credentials: Credentials): Promise<number> {
    const where = `${connection.host}:${connection.port}`;
    const { mechanism } = credentials;
    const handshake = await call(connection, saslHandshakeV1.api, mechanism);
    if (handshake.errorCode !== 0) {
      const offered = handshake.mechanisms.join(', ');
      throw new ConnectionError(`${where} does not offer SASL ${mechanism}; it offers ${offered || 'none'}`, {
        verdict: 'denied',
      });
    }
    try {
      const answer = await exchangeTokens(connection, credentials);
      // A refused token is answered without an error code: the reason stands where nothing should (RFC 7628, 3.2.2).
      if (mechanism === 'OAUTHBEARER' && answer.authBytes.length > 0) {
        throw this.#refusal(where, credentials, refusalReason(answer.authBytes));
      }
      return Number(answer.sessionLifetimeMs);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      throw this.#refusal(where, credentials, refusalReason(error));
    }
  }

  #refusal(where: string, credentials: Credentials, reason: string | undefined): ConnectionError {
    const { mechanism } = credentials;
    if (!('token' in credentials)) {
      const who = `user "${credentials.username}"`;
      return new ConnectionError(`${where} refuses ${who} (SASL ${mechanism}): check the credentials`, {
        verdict: 'denied',
      });
    }
    const { token } = credentials;
    this.#tokens?.refused(token);
    const remedy = this.#tokens?.remedy(token) ?? 'check the credentials';
    const said = reason === undefined ? '' : `; the broker says "${reason.replaceAll(token.value.reveal(), '****')}"`;
    const text = `${where} refuses the token (SASL ${mechanism}): ${remedy}${said}`;
    return new ConnectionError(text, { verdict: refusalVerdict(reason) });
  }
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

function exchangeTokens(
  connection: BrokerConnection,
  credentials: Credentials,
): Promise<{ readonly sessionLifetimeMs: bigint; readonly authBytes: Buffer }> {
  // The library's exchanges use nothing of a connection but `send`; see library-api.ts.
  const library = connection as unknown as Connection;
  const api = saslAuthenticateV2.api;
  switch (credentials.mechanism) {
    case 'PLAIN':
      return saslPlain.authenticate(api, library, credentials.username, credentials.password.reveal());
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512': {
      const algorithm = credentials.mechanism === 'SCRAM-SHA-256' ? 'SHA-256' : 'SHA-512';
      return saslScramSha.authenticate(api, library, algorithm, credentials.username, credentials.password.reveal());
    }
    case 'OAUTHBEARER':
      return saslOAuthBearer.authenticate(api, library, credentials.token.value.reveal(), {});
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
