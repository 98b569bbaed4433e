import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Secret } from '../worker/secret.ts';
import { linkId, type LinkSpec, type PrefixOwners } from '../pair/spec.ts';
import { type DeclaredPolicy, declaredPolicySchema, type PrefixPolicyInput } from '../prefix-policy/declared-policy.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import { aclsAnswerSchema, type AclsView } from '../worker/acl-view.ts';
import { type BootstrapAnswer, bootstrapAnswerSchema } from '../worker/bootstrap/bootstrap-view.ts';
import {
  eventSchema,
  type EventsQuery,
  type EventsView,
  eventsViewSchema,
  type UmbraEvent,
} from '../worker/events/event.ts';
import {
  type MovedRoleView,
  type MovePlan,
  movePlanSchema,
  type MoveRequestInput,
  type OperationsAnswer,
  operationsAnswerSchema,
  type OperationView,
  operationViewSchema,
  type PartView,
  partViewSchema,
  rolesAnswerSchema,
} from '../worker/moves/operation-view.ts';
import { Problem } from '../worker/problems.ts';
import type { TailDecision } from '../worker/reconcile/tail-decision.ts';
import { rebuildViewSchema, type RebuildView } from '../worker/rebuild/rebuild-view.ts';
import type { LinkDeletion } from '../worker/service.ts';
import {
  linkViewSchema,
  pairViewSchema,
  topicDetailViewSchema,
  type LinkView,
  type PairView,
  type TopicDetailView,
  type TopicView,
} from '../worker/views.ts';
import type { LinkConfigsView, LinkGroupsView, LinkSchemasView } from '../worker/sync-views.ts';
import { configsAnswer, groupsAnswer, linksAnswer, readyAnswer, schemasAnswer, topicsAnswer } from './answers.ts';
import { type DrillsClient, drillsClient } from './drill-client.ts';
import { readMessages } from './event-stream.ts';
import { issueLines } from './input.ts';
import { isProblemCode, problemBodySchema, problemContentType } from './problem-json.ts';

/** Longer than the server's own bound, so that its answer wins. */
const defaultTimeoutMs = 40_000;
/** A stream shows every 15 s that it lives. */
const silenceMs = 45_000;
/** 10,000 topics are about 4 MiB. */
const answerBytesMax = 64 * 1024 * 1024;

const nothing = z.undefined();

export interface ApiClientOptions {
  /** `http://host:port` of a worker. */
  readonly url: string;
  readonly token?: Secret | undefined;
  /** Time for one call, from connecting to the last byte. */
  readonly timeoutMs?: number | undefined;
}

/**
 * The worker's API, typed. Every method rejects with a `Problem`: the worker's own, `UNREACHABLE` (no answer in time;
 * whether a change took effect is unknown) or `BAD_ANSWER` (something else answered). Only the caller's own abort is
 * passed on as it is.
 */
export interface ApiClient {
  readonly url: string;
  pair(signal?: AbortSignal): Promise<PairView>;
  links(signal?: AbortSignal): Promise<readonly LinkView[]>;
  topics(signal?: AbortSignal): Promise<readonly TopicView[]>;
  topic(name: string, signal?: AbortSignal): Promise<TopicDetailView>;
  events(query: Partial<EventsQuery>, signal?: AbortSignal): Promise<EventsView>;
  /**
   * What happens, as it happens: events behind `after`, or those from now on. Goes on until the caller's signal fires, or
   * the worker ends it: then it rejects like every method, and whoever wants more begins anew behind the last one.
   */
  follow(query: Pick<EventsQuery, 'after'>, signal: AbortSignal): AsyncIterable<Followed>;
  /** Who is primary, as this worker knows: of a topic, or without one of the prefix of site a and of that of site b. */
  bootstrap(topic?: string, signal?: AbortSignal): Promise<BootstrapAnswer>;
  /** A worker that is up but not ready is an answer, not an error. */
  ready(signal?: AbortSignal): Promise<{ readonly ready: boolean; readonly reason: string }>;
  /** As the site's controller sees ACLs. */
  acls(signal?: AbortSignal): Promise<AclsView>;
  /** As it is declared; rejects with NOT_FOUND where none is. */
  prefixPolicy(signal?: AbortSignal): Promise<DeclaredPolicy>;
  putPrefixPolicy(policy: PrefixPolicyInput | PrefixOwners, signal?: AbortSignal): Promise<void>;
  putSchemaPrimary(primary: SchemaPrimary, signal?: AbortSignal): Promise<void>;
  putLink(link: LinkSpec, signal?: AbortSignal): Promise<LinkView>;
  deleteLink(id: string, mode: LinkDeletion, signal?: AbortSignal): Promise<void>;
  /** How what goes with the records stands, by link. */
  groups(signal?: AbortSignal): Promise<readonly LinkGroupsView[]>;
  configs(signal?: AbortSignal): Promise<readonly LinkConfigsView[]>;
  schemas(signal?: AbortSignal): Promise<readonly LinkSchemasView[]>;
  /** When it resolves nobody appends to the copy any more. */
  pauseTopic(name: string, signal?: AbortSignal): Promise<TopicDetailView>;
  resumeTopic(name: string, signal?: AbortSignal): Promise<TopicDetailView>;
  pauseLink(id: string, signal?: AbortSignal): Promise<LinkView>;
  resumeLink(id: string, signal?: AbortSignal): Promise<LinkView>;
  /** Topics that are primary at the worker's site and not at home. */
  roles(signal?: AbortSignal): Promise<readonly MovedRoleView[]>;
  /** That the worker's site coordinates, newest first. */
  operations(signal?: AbortSignal): Promise<readonly OperationView[]>;
  operation(id: string, signal?: AbortSignal): Promise<OperationView>;
  /** What it would do, asked of the site that is to be primary. */
  planMove(request: MoveRequestInput, signal?: AbortSignal): Promise<MovePlan>;
  /** Begins what was planned; resolves before it is done. */
  beginMove(request: MoveRequestInput, plan: string, signal?: AbortSignal): Promise<OperationView>;
  abortOperation(id: string, signal?: AbortSignal): Promise<OperationView>;
  /** With what the site has done for operations of the other one. */
  operationsAndParts(signal?: AbortSignal): Promise<OperationsAnswer>;
  releaseOperation(id: string, signal?: AbortSignal): Promise<PartView>;
  /** Of a topic that the other site took over; asked of the site that lost it. */
  reconciliation(topic: string, signal?: AbortSignal): Promise<RebuildView>;
  /** Begins to make a plan; ask {@link reconciliation} for it. */
  planReconciliation(topic: string, decision?: TailDecision, signal?: AbortSignal): Promise<RebuildView>;
  executeReconciliation(topic: string, hash: string, signal?: AbortSignal): Promise<RebuildView>;
  rebuild(topic: string, signal?: AbortSignal): Promise<RebuildView>;
  /** Begins to make a plan; ask {@link rebuild} for it. */
  planRebuild(topic: string, signal?: AbortSignal): Promise<RebuildView>;
  /** Carries out the plan with this hash. */
  executeRebuild(topic: string, hash: string, signal?: AbortSignal): Promise<RebuildView>;
  readonly drills: DrillsClient;
}

/** `missed`: events between the one before and the one behind are gone. */
export type Followed = { readonly kind: 'event'; readonly event: UmbraEvent } | { readonly kind: 'missed' };

/** Throws `INVALID_INPUT` when the URL cannot be a worker's. Opens nothing until it is called. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const base = parseBase(options.url);
  const target: Target = { base, token: options.token, timeoutMs: options.timeoutMs ?? defaultTimeoutMs };
  const get = <S extends z.ZodType>(path: string, schema: S, signal?: AbortSignal): Promise<z.output<S>> =>
    call(target, { method: 'GET', path }, { schema, signal });
  const put = <S extends z.ZodType>(path: string, body: unknown, expect: Expectation<S>): Promise<z.output<S>> =>
    call(target, { method: 'PUT', path: `/v1/spec/${path}`, body }, expect);
  const order = <S extends z.ZodType>(path: string, schema: S, signal?: AbortSignal): Promise<z.output<S>> =>
    call(target, { method: 'POST', path }, { schema, signal });
  return {
    url: base,
    drills: drillsClient((asked, expect) => call(target, asked, expect)),
    pair: (signal) => get('/v1/pair', pairViewSchema, signal),
    links: async (signal) => (await get('/v1/links', linksAnswer, signal)).links,
    topics: async (signal) => (await get('/v1/topics', topicsAnswer, signal)).topics,
    topic: (name, signal) => get(topicPath(name), topicDetailViewSchema, signal),
    events: (query, signal) => get(`/v1/events${queryOf(query)}`, eventsViewSchema, signal),
    follow: (query, signal) => follow(target, `/v1/stream${queryOf({ views: 'none', ...query })}`, signal),
    bootstrap: (topic, signal) => get(`/v1/bootstrap${queryOf({ topic })}`, bootstrapAnswerSchema, signal),
    ready: async (signal) => {
      try {
        return await get('/readyz', readyAnswer, signal);
      } catch (error) {
        if (error instanceof Problem && error.code === 'NOT_READY') return { ready: false, reason: error.message };
        throw error;
      }
    },
    acls: (signal) => get('/v1/acls', aclsAnswerSchema, signal),
    prefixPolicy: (signal) => get('/v1/spec/prefix-policy', declaredPolicySchema, signal),
    putPrefixPolicy: (policy, signal) => put('prefix-policy', policy, { schema: nothing, signal }),
    putSchemaPrimary: (primary, signal) => put('schema-primary', primary, { schema: nothing, signal }),
    putLink: (link, signal) => put(`links/${linkId(link)}`, link, { schema: linkViewSchema, signal }),
    deleteLink: (id, mode, signal) => {
      const path = `/v1/spec/links/${encodeURIComponent(id)}?mode=${mode}`;
      return call(target, { method: 'DELETE', path }, { schema: nothing, signal });
    },
    groups: async (signal) => (await get('/v1/groups', groupsAnswer, signal)).links,
    configs: async (signal) => (await get('/v1/configs', configsAnswer, signal)).links,
    schemas: async (signal) => (await get('/v1/schemas', schemasAnswer, signal)).links,
    pauseTopic: (name, signal) => order(`${topicPath(name)}/pause`, topicDetailViewSchema, signal),
    resumeTopic: (name, signal) => order(`${topicPath(name)}/resume`, topicDetailViewSchema, signal),
    pauseLink: (id, signal) => order(`/v1/links/${encodeURIComponent(id)}/pause`, linkViewSchema, signal),
    resumeLink: (id, signal) => order(`/v1/links/${encodeURIComponent(id)}/resume`, linkViewSchema, signal),
    roles: async (signal) => (await get('/v1/roles', rolesAnswerSchema, signal)).roles,
    operations: async (signal) => (await get('/v1/operations', operationsAnswerSchema, signal)).operations,
    operation: (id, signal) => get(operationPath(id), operationViewSchema, signal),
    planMove: (request, signal) => {
      const asked: Call = { method: 'POST', path: '/v1/operations/plan', body: request };
      return call(target, asked, { schema: movePlanSchema, signal });
    },
    beginMove: (request, plan, signal) => {
      const confirmed: Call = { method: 'POST', path: '/v1/operations', body: { ...request, plan } };
      return call(target, confirmed, { schema: operationViewSchema, signal });
    },
    operationsAndParts: (signal) => get('/v1/operations', operationsAnswerSchema, signal),
    releaseOperation: (id, signal) => order(`${operationPath(id)}/release`, partViewSchema, signal),
    abortOperation: (id, signal) => order(`${operationPath(id)}/abort`, operationViewSchema, signal),
    reconciliation: (topic, signal) => get(reconciliationPath(topic), rebuildViewSchema, signal),
    planReconciliation: (topic, decision, signal) => {
      const body = { decision: decision ?? 'none' };
      const asked: Call = { method: 'POST', path: `${reconciliationPath(topic)}/plan`, body };
      return call(target, asked, { schema: rebuildViewSchema, signal });
    },
    executeReconciliation: (topic, plan, signal) => {
      const confirmed: Call = { method: 'POST', path: reconciliationPath(topic), body: { plan } };
      return call(target, confirmed, { schema: rebuildViewSchema, signal });
    },
    rebuild: (topic, signal) => get(rebuildPath(topic), rebuildViewSchema, signal),
    planRebuild: (topic, signal) =>
      call(target, { method: 'POST', path: `${rebuildPath(topic)}/plan` }, { schema: rebuildViewSchema, signal }),
    executeRebuild: (topic, plan, signal) => {
      const confirmed: Call = { method: 'POST', path: rebuildPath(topic), body: { plan } };
      return call(target, confirmed, { schema: rebuildViewSchema, signal });
    },
  };
}

function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] satisfies [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

function topicPath(name: string): string {
  return `/v1/topics/${encodeURIComponent(name)}`;
}

function operationPath(id: string): string {
  return `/v1/operations/${encodeURIComponent(id)}`;
}

function reconciliationPath(topic: string): string {
  return `${topicPath(topic)}/reconciliation`;
}

function rebuildPath(topic: string): string {
  return `${topicPath(topic)}/rebuild`;
}

interface Target {
  readonly base: string;
  readonly token: Secret | undefined;
  readonly timeoutMs: number;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

interface Expectation<S extends z.ZodType> {
  readonly schema: S;
  readonly signal: AbortSignal | undefined;
}

function parseBase(url: string): string {
  const parsed = URL.parse(url);
  const bare = parsed !== null && parsed.username === '' && parsed.password === '' && parsed.search === '';
  if (!bare || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    throw new Problem('INVALID_INPUT', 'the URL of a worker must look like http://host:port, without credentials');
  }
  return parsed.href.replace(/\/+$/, '');
}

async function call<S extends z.ZodType>(target: Target, call: Call, expect: Expectation<S>): Promise<z.output<S>> {
  const { response, text } = await exchange(target, call, expect.signal);
  const answer = parseJson(text);
  if (!response.ok) throw refusal(target, response, answer);
  return parsed(target, call.path, expect.schema, answer);
}

function parsed<S extends z.ZodType>({ base }: Target, path: string, schema: S, answer: unknown): z.output<S> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const fields = issueLines(result.error, 'answer').slice(0, 3).join('; ');
  throw new Problem('BAD_ANSWER', `${base}${path} answered in another form than expected: ${fields}`);
}

async function* follow(target: Target, path: string, signal: AbortSignal): AsyncGenerator<Followed> {
  const silence = new AbortController();
  const heard = (): NodeJS.Timeout => setTimeout(() => silence.abort(), silenceMs).unref();
  let timer = heard();
  try {
    const response = await send(target, { method: 'GET', path }, AbortSignal.any([signal, silence.signal]));
    if (!response.ok) throw refusal(target, response, parseJson(await readBounded(target, response)));
    const body: AsyncIterable<Uint8Array> = response.body ?? Readable.from([]);
    const listened = tap(body, () => {
      clearTimeout(timer);
      timer = heard();
    });
    for await (const { type, data } of readMessages(listened)) {
      const value = parseJson(data);
      if (type === 'missed') yield { kind: 'missed' };
      else if (type === 'event') yield { kind: 'event', event: parsed(target, path, eventSchema, value) };
      else if (type === 'closed') throw problemIn(value) ?? new Problem('NOT_READY', `${target.base} ended the stream`);
    }
    throw new Problem('NOT_READY', `the worker at ${target.base} ended the stream`);
  } catch (error) {
    if (error instanceof Problem || signal.aborted) throw error;
    const what = silence.signal.aborted ? `was silent for ${silenceMs / 1000} s` : `broke off: ${cause(error)}`;
    throw new Problem('UNREACHABLE', `the stream of the worker at ${target.base} ${what}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function* tap(body: AsyncIterable<Uint8Array>, heard: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    heard();
    yield chunk;
  }
}

async function exchange(
  target: Target,
  call: Call,
  signal: AbortSignal | undefined,
): Promise<{ response: Response; text: string }> {
  const late = AbortSignal.timeout(target.timeoutMs);
  try {
    const response = await send(target, call, signal === undefined ? late : AbortSignal.any([late, signal]));
    return { response, text: await readBounded(target, response) };
  } catch (error) {
    if (error instanceof Problem || signal?.aborted === true) throw error;
    const what = late.aborted
      ? `did not answer within ${target.timeoutMs / 1000} s`
      : `is unreachable: ${cause(error)}`;
    throw new Problem('UNREACHABLE', `the worker at ${target.base} ${what}`, { cause: error });
  }
}

function send(target: Target, call: Call, signal: AbortSignal): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  if (target.token !== undefined) headers.set('authorization', `Bearer ${target.token.reveal()}`);
  if (call.body !== undefined) headers.set('content-type', 'application/json');
  return fetch(`${target.base}${call.path}`, {
    method: call.method,
    headers,
    body: call.body === undefined ? null : JSON.stringify(call.body),
    // The token belongs to this URL and to no other.
    redirect: 'error',
    signal,
  });
}

async function readBounded(target: Target, response: Response): Promise<string> {
  if (response.body === null) return '';
  const body: AsyncIterable<Uint8Array> = response.body;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) {
      throw new Problem('BAD_ANSWER', `${target.base} answered with more than ${answerBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Absent for an empty body and for what is not JSON: no schema and no problem takes that for its own. */
function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return { notJson: true };
  }
}

function refusal(target: Target, response: Response, answer: unknown): Problem {
  const isProblem = response.headers.get('content-type')?.startsWith(problemContentType) === true;
  const problem = isProblem ? problemIn(answer) : undefined;
  return (
    problem ?? new Problem('BAD_ANSWER', `${target.base} answered ${response.status}, not as an umbra worker does`)
  );
}

function problemIn(answer: unknown): Problem | undefined {
  const body = problemBodySchema.safeParse(answer);
  return body.success && isProblemCode(body.data.code) ? new Problem(body.data.code, body.data.detail) : undefined;
}

/** undici hides the reason one level down, and behind several when it tried several addresses. */
function cause(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (inner instanceof AggregateError && inner.errors[0] instanceof Error) return inner.errors[0].message;
  return inner instanceof Error ? inner.message : String(inner);
}
