import { z } from 'zod';
import { linkId, linkSpecSchema, prefixOwnersSchema } from '../pair/spec.ts';
import { schemaPrimarySchema } from '../schema-primary/schema-primary.ts';
import { faultNoticeSchema } from '../worker/group/fault-notice.ts';
import { Problem } from '../worker/problems.ts';
import { planHashSchema } from '../worker/rebuild/rebuild-view.ts';
import type { WorkerService } from '../worker/service.ts';
import { parseInput } from './input.ts';

/** One request, not yet parsed. `signal` fires when the caller has gone or the time for the answer is over. */
export interface ApiRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

/** `json` is sent as it stands with status 200, `text` as Prometheus exposition, `empty` as 204. */
export type ApiAnswer =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'empty' };

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** Answered without a token: the route says nothing about the pair's data. */
  readonly open: boolean;
  /** About this process. All others are about the site, and passed on to the worker that leads it. */
  readonly own?: true;
  readonly run: (service: WorkerService, request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>;
}

const noQuery = z.strictObject({});
const topicParams = z.strictObject({ name: z.string().min(1).max(249) });
const linkParams = z.strictObject({ id: z.string().min(1).max(64) });
const deletionQuery = z.strictObject({ mode: z.enum(['refuse', 'detach']).default('refuse') });

/** The hash of the plan that was read: without it nothing is rebuilt. */
const confirmedPlan = z.strictObject({ plan: planHashSchema });

/** The API, whole: what is not in this table does not exist. docs/api.md is held to it. */
export const routes: readonly Route[] = [
  { method: 'GET', path: '/healthz', open: true, own: true, run: health },
  { method: 'GET', path: '/readyz', open: true, own: true, run: readiness },
  { method: 'GET', path: '/metrics', open: false, own: true, run: metrics },
  { method: 'GET', path: '/v1/worker', open: false, own: true, run: reading((service) => service.workerReport()) },
  { method: 'POST', path: '/v1/worker/faults', open: false, own: true, run: takeNotice },
  { method: 'GET', path: '/v1/pair', open: false, run: reading((service, signal) => service.pairView(signal)) },
  { method: 'GET', path: '/v1/links', open: false, run: links },
  { method: 'GET', path: '/v1/topics', open: false, run: topics },
  { method: 'GET', path: '/v1/configs', open: false, run: reading((service) => ({ links: service.configViews() })) },
  { method: 'GET', path: '/v1/groups', open: false, run: reading((service) => ({ links: service.groupViews() })) },
  { method: 'GET', path: '/v1/schemas', open: false, run: reading((service) => ({ links: service.schemaViews() })) },
  { method: 'GET', path: '/v1/topics/:name', open: false, run: topic },
  { method: 'GET', path: '/v1/topics/:name/rebuild', open: false, run: rebuildView },
  { method: 'POST', path: '/v1/topics/:name/rebuild/plan', open: false, run: planRebuild },
  { method: 'POST', path: '/v1/topics/:name/rebuild', open: false, run: executeRebuild },
  { method: 'PUT', path: '/v1/spec/prefix-policy', open: false, run: putPrefixPolicy },
  { method: 'PUT', path: '/v1/spec/schema-primary', open: false, run: putSchemaPrimary },
  { method: 'PUT', path: '/v1/spec/links/:id', open: false, run: putLink },
  { method: 'DELETE', path: '/v1/spec/links/:id', open: false, run: deleteLink },
];

function health(service: WorkerService): ApiAnswer {
  if (!service.healthy()) throw new Problem('NOT_READY', 'the worker is not healthy');
  return json({ healthy: true });
}

function readiness(service: WorkerService): ApiAnswer {
  const { ready, reason } = service.readiness();
  if (!ready) throw new Problem('NOT_READY', reason);
  return json({ ready, reason });
}

async function metrics(service: WorkerService): Promise<ApiAnswer> {
  return { kind: 'text', text: await service.metrics() };
}

function reading(view: (service: WorkerService, signal: AbortSignal) => unknown): Route['run'] {
  return async (service, request) => {
    parseInput(noQuery, request.query, 'query');
    return json(await view(service, request.signal));
  };
}

async function links(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  return json({ links: await service.linkViews(request.signal) });
}

async function topics(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  return json({ topics: await service.topicViews(request.signal) });
}

async function topic(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  return json(await service.topicView(parseInput(topicParams, request.params, 'path').name, request.signal));
}

async function takeNotice(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  await service.takeNotice(parseInput(faultNoticeSchema, request.body, 'body'));
  return { kind: 'empty' };
}

async function rebuildView(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  return json(await service.rebuildView(parseInput(topicParams, request.params, 'path').name, request.signal));
}

async function planRebuild(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  return json(await service.planRebuild(parseInput(topicParams, request.params, 'path').name, request.signal));
}

async function executeRebuild(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  const { name } = parseInput(topicParams, request.params, 'path');
  const { plan } = parseInput(confirmedPlan, request.body, 'body');
  return json(await service.executeRebuild(name, plan, request.signal));
}

async function putPrefixPolicy(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  await service.putPrefixPolicy(parseInput(prefixOwnersSchema, request.body, 'body'), request.signal);
  return { kind: 'empty' };
}

async function putSchemaPrimary(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  await service.putSchemaPrimary(parseInput(schemaPrimarySchema, request.body, 'body'), request.signal);
  return { kind: 'empty' };
}

async function putLink(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  parseInput(noQuery, request.query, 'query');
  const { id } = parseInput(linkParams, request.params, 'path');
  const link = parseInput(linkSpecSchema, request.body, 'body');
  if (id !== linkId(link)) {
    throw new Problem('INVALID_INPUT', `path.id: the link from ${link.from} to ${link.to} is called ${linkId(link)}`);
  }
  return json(await service.putLink(link, request.signal));
}

async function deleteLink(service: WorkerService, request: ApiRequest): Promise<ApiAnswer> {
  const { id } = parseInput(linkParams, request.params, 'path');
  const { mode } = parseInput(deletionQuery, request.query, 'query');
  await service.deleteLink(id, mode, request.signal);
  return { kind: 'empty' };
}

function json(value: unknown): ApiAnswer {
  return { kind: 'json', value };
}
