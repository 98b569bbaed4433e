import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from '../worker/problems.ts';
import { Secret } from '../worker/secret.ts';
import { unnamedToken, type WorkerConfig } from '../worker/worker-config.ts';
import type { Role, Route } from './route.ts';

const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** Who may call with which token. `name` says in the events who it was; it is no secret. */
export interface ApiToken {
  readonly name: string;
  readonly role: Role;
  readonly token: Secret;
}

/** Who calls, as far as the request shows it. */
export type Caller =
  /** Without tokens: somebody on this machine, who may do everything. */
  | { readonly kind: 'local' }
  /** Of an open route, with no token or a wrong one. */
  | { readonly kind: 'anybody' }
  | { readonly kind: 'token'; readonly name: string; readonly role: Role };

/** The tokens of a worker's configuration. The one without a name of its own is the operator's. */
export function tokensOf({ token, tokens = [] }: WorkerConfig['api']): readonly ApiToken[] {
  const unnamed: WorkerConfig['api']['tokens'] =
    token === undefined ? [] : [{ name: unnamedToken, role: 'operator', token }];
  return [...unnamed, ...tokens].map((each) => ({ ...each, token: new Secret(each.token) }));
}

/**
 * Without a token the API may only be bound where nobody else can reach it.
 * Throws `INVALID_INPUT` for any other host, wildcard addresses included.
 */
export function assertBindable(host: string, tokens: readonly ApiToken[]): void {
  if (tokens.length > 0 || loopbackHosts.has(host)) return;
  throw new Problem(
    'INVALID_INPUT',
    `api.host: "${host}" is not loopback, so the API needs api.token or api.tokens; without one only 127.0.0.1, ::1 and localhost`,
  );
}

/** What the judgement of a request rests on. */
export interface AccessFacts {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  /** What the route asks for. Of what is no route nothing is told to whom no token is known. */
  readonly access: Route['access'];
}

/**
 * Says who calls. Throws `UNAUTHENTICATED` or `FORBIDDEN_HOST` when it may be nobody; what he may do, {@link assertRole}.
 *
 * Without a token, being on this machine is the only credential, and a browser lends it to any page: a page whose
 * name was rebound to 127.0.0.1 shows in `Host`, a page of another origin in `Origin`. With a token neither matters:
 * no foreign page has it.
 */
export function assertAccess(facts: AccessFacts, tokens: readonly ApiToken[]): Caller {
  if (tokens.length > 0) {
    const known = bearerOf(facts.authorization, tokens);
    if (known === undefined) {
      if (facts.access === 'open') return { kind: 'anybody' };
      throw new Problem('UNAUTHENTICATED', 'the request carries no valid bearer token');
    }
    return { kind: 'token', name: known.name, role: known.role };
  }
  if (!isLoopbackAuthority(facts.host)) {
    throw new Problem('FORBIDDEN_HOST', 'the Host header does not name a loopback address');
  }
  if (facts.origin !== undefined && !isSameOrigin(facts.origin, facts.host)) {
    throw new Problem('FORBIDDEN_HOST', 'the request comes from a page of another origin');
  }
  return { kind: 'local' };
}

/** Throws `FORBIDDEN` when that is an operator's business. */
export function assertRole(caller: Caller, access: Route['access']): void {
  if (access !== 'operator' || caller.kind === 'local') return;
  if (caller.kind === 'token' && caller.role === 'operator') return;
  throw new Problem(
    'FORBIDDEN',
    `the token "${nameOf(caller)}" is a viewer's: it reads everything and changes nothing`,
  );
}

/** As the events and the log name him. */
export function nameOf(caller: Caller): string {
  return caller.kind === 'token' ? caller.name : caller.kind;
}

/**
 * Compared as digests, equal in length, and with every token there is: neither time nor an early end tells how much of
 * a guess was right, or whose token it was nearly.
 */
function bearerOf(authorization: string | undefined, tokens: readonly ApiToken[]): ApiToken | undefined {
  const offered = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  const guess = digest(offered ?? '');
  const same = tokens.filter(({ token }) => timingSafeEqual(guess, digest(token.reveal())));
  return offered === undefined ? undefined : same[0];
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
