import { z } from 'zod';
import type { Secret } from './secret.ts';

/** What a connection authenticates with by SASL/OAUTHBEARER (RFC 7628). */
export interface BearerToken {
  readonly value: Secret;
  /** By this machine's clock, in ms since 1970. Undefined where the token does not say it in a form that is known here. */
  readonly expiresAtMs: number | undefined;
}

/** Where tokens come from: one for all connections to a cluster. */
export interface TokenSource {
  /**
   * A token to authenticate with now.
   * Throws a ConnectionError with verdict `denied` when there is none; its text says what to do and holds no secret.
   */
  token(): Promise<BearerToken>;
  /** A broker has refused this one: it is not handed out again from memory. */
  refused(token: BearerToken): void;
  /** For the sentence of a refusal: what is wrong with this token as far as it can be known here, and what to do. */
  remedy(token: BearerToken): string;
}

const claimsSchema = z.object({ exp: z.number().positive() });

/**
 * When a JSON Web Token (RFC 7519) expires by its own claim, in ms since 1970. Nothing is verified: that is the broker's
 * part. Undefined for a token that is none, or has no such claim.
 */
export function jwtExpiryMs(token: string): number | undefined {
  const [, claims] = token.split('.');
  if (claims === undefined) return undefined;
  try {
    const parsed = claimsSchema.safeParse(JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')));
    return parsed.success ? parsed.data.exp * 1_000 : undefined;
  } catch {
    return undefined; // opaque to clients, which tokens may be
  }
}

/** `it expired at 2026-01-31T12:00:00.000Z`, where that is known and true by this machine's clock. */
export function expiryText({ expiresAtMs }: BearerToken, nowMs: number): string | undefined {
  if (expiresAtMs === undefined || expiresAtMs > nowMs) return undefined;
  return `it expired at ${new Date(expiresAtMs).toISOString()}`;
}
