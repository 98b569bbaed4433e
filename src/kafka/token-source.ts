import { readFile } from 'node:fs/promises';
import { type BearerToken, expiryText, jwtExpiryMs, type TokenSource } from './bearer-token.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { ConnectionError } from './errors.ts';
import { mskIamMint, mskIamRemedy } from './msk-iam-tokens.ts';
import { Secret } from './secret.ts';

export type NowMs = () => number;

/** Part of a token's life after which another one is asked for: a fifth of it is left for trouble in getting one. */
const renewAfterShare = 0.8;
/** Far above any token of a real issuer; a request with more would be refused by brokers anyway. */
const tokenBytesMax = 256 * 1024;
/** RFC 6750, 2.1. */
const tokenForm = /^[A-Za-z0-9\-._~+/]+=*$/;

/** The source of tokens of a configuration; undefined where it authenticates without. */
export function tokenSourceOf(
  sasl: NonNullable<ClusterConfig['sasl']>,
  nowMs: NowMs = Date.now,
): TokenSource | undefined {
  switch (sasl.mechanism) {
    case 'AWS_MSK_IAM':
      return cachedTokens({ mint: mskIamMint(sasl.region), remedy: mskIamRemedy(sasl.region), nowMs });
    case 'OAUTHBEARER': {
      const { token, tokenFile } = sasl;
      if (tokenFile !== undefined) return fileTokens(tokenFile, nowMs);
      if (token !== undefined) return fixedToken(token, nowMs);
      throw new Error('invariant: OAUTHBEARER has a token or a file');
    }
    default:
      return undefined;
  }
}

export interface Minting {
  /** A fresh token, or an error of its own that says why there is none. */
  readonly mint: () => Promise<BearerToken>;
  readonly remedy: string;
  readonly nowMs: NowMs;
}

/**
 * Holds a token until a fifth of its life is left, then asks for another; whoever asks meanwhile shares that one request. When
 * it fails, the old one serves until it expires. A token whose expiry is not known is never held.
 */
export function cachedTokens({ mint, remedy, nowMs }: Minting): TokenSource {
  let held: { readonly token: BearerToken; readonly renewAtMs: number; readonly expiresAtMs: number } | undefined;
  let coming: Promise<BearerToken> | undefined;
  const renew = async (): Promise<BearerToken> => {
    const askedAtMs = nowMs();
    const token = await mint();
    const { expiresAtMs } = token;
    if (expiresAtMs !== undefined) {
      held = { token, expiresAtMs, renewAtMs: askedAtMs + (expiresAtMs - askedAtMs) * renewAfterShare };
    }
    return token;
  };
  return {
    async token() {
      const before = held;
      if (before !== undefined && nowMs() < before.renewAtMs) return before.token;
      coming ??= renew().finally(() => (coming = undefined));
      try {
        return await coming;
      } catch (error) {
        if (before !== undefined && held === before && nowMs() < before.expiresAtMs) return before.token;
        throw error;
      }
    },
    refused(token) {
      if (held?.token === token) held = undefined;
    },
    remedy: (token) => withExpiry(token, remedy, nowMs()),
  };
}

function fixedToken(value: Secret, nowMs: NowMs): TokenSource {
  const token = { value, expiresAtMs: jwtExpiryMs(value.reveal()) };
  return {
    token: () => Promise.resolve(token),
    refused: () => undefined,
    remedy: () => withExpiry(token, 'check the credentials: configure a token that is good, or a tokenFile', nowMs()),
  };
}

/** Read at each authentication, so that whoever renews the file need tell nobody. */
function fileTokens(file: string, nowMs: NowMs): TokenSource {
  return {
    async token() {
      const value = await readToken(file);
      return { value: new Secret(value), expiresAtMs: jwtExpiryMs(value) };
    },
    refused: () => undefined,
    remedy: (token) => withExpiry(token, `check the credentials: write a token that is good to ${file}`, nowMs()),
  };
}

async function readToken(file: string): Promise<string> {
  const unusable = (why: string): ConnectionError =>
    new ConnectionError(`the token file ${file} ${why}: write a token to it that this process may read`, {
      verdict: 'denied',
    });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw unusable(`cannot be read (${code})`);
  }
  const token = text.trim();
  if (token === '') throw unusable('is empty');
  if (token.length > tokenBytesMax || !tokenForm.test(token)) throw unusable('holds something else than one token');
  return token;
}

function withExpiry(token: BearerToken, remedy: string, nowMs: number): string {
  const expired = expiryText(token, nowMs);
  return expired === undefined ? remedy : `${expired}; ${remedy}`;
}
