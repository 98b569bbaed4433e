import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../worker/secret.ts';
import { Problem } from '../worker/problems.ts';

const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/**
 * Without a token the API may only be bound where nobody else can reach it.
 * Throws `INVALID_INPUT` for any other host, wildcard addresses included.
 */
export function assertBindable(host: string, token: Secret | undefined): void {
  if (token !== undefined || loopbackHosts.has(host)) return;
  throw new Problem(
    'INVALID_INPUT',
    `api.host: "${host}" is not loopback, so the API needs api.token; without one only 127.0.0.1, ::1 and localhost`,
  );
}

/** What the judgement of a request rests on; `open`: health and readiness, which say nothing about the pair's data. */
export interface AccessFacts {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  readonly open: boolean;
}

/**
 * Throws `UNAUTHENTICATED` or `FORBIDDEN_HOST` when the request may not pass.
 *
 * Without a token, being on this machine is the only credential, and a browser lends it to any page: a page whose
 * name was rebound to 127.0.0.1 shows in `Host`, a page of another origin in `Origin`. With a token neither matters:
 * no foreign page has it.
 */
export function assertAccess(facts: AccessFacts, token: Secret | undefined): void {
  if (token !== undefined) {
    if (!facts.open && !bearerMatches(facts.authorization, token)) {
      throw new Problem('UNAUTHENTICATED', 'the request carries no valid bearer token');
    }
    return;
  }
  if (!isLoopbackAuthority(facts.host)) {
    throw new Problem('FORBIDDEN_HOST', 'the Host header does not name a loopback address');
  }
  if (facts.origin !== undefined && !isSameOrigin(facts.origin, facts.host)) {
    throw new Problem('FORBIDDEN_HOST', 'the request comes from a page of another origin');
  }
}

/** Compared as digests: equal in length, so neither time nor an early end tells how much of a guess was right. */
function bearerMatches(authorization: string | undefined, token: Secret): boolean {
  const offered = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  return timingSafeEqual(digest(offered ?? ''), digest(token.reveal())) && offered !== undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

function isLoopbackAuthority(authority: string | undefined): authority is string {
  if (authority === undefined) return false;
  const name = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(authority);
  return loopbackHosts.has((name?.[1] ?? name?.[2] ?? '').toLowerCase());
}

/** The API itself speaks plain HTTP, so the only page of its own origin is `http://<its authority>`. */
function isSameOrigin(origin: string, authority: string): boolean {
  return origin.toLowerCase() === `http://${authority.toLowerCase()}`;
}
