import { z } from 'zod';
import { linkId, type LinkSpec, linkSpecSchema } from '../pair/spec.ts';
import { type DeclaredPolicy, declaredPolicySchema } from '../prefix-policy/declared-policy.ts';
import { schemaPrimarySchema } from '../schema-primary/schema-primary.ts';
import { aclsAnswerSchema } from '../worker/acl-view.ts';
import { bootstrapAnswerSchema } from '../worker/bootstrap/bootstrap-view.ts';
import { workerReportSchema } from '../worker/copying/worker-report.ts';
import { eventsViewSchema } from '../worker/events/event.ts';
import { eventsKeptMax } from '../worker/events/event-journal.ts';
import { faultNoticeSchema } from '../worker/group/fault-notice.ts';
import {
  confirmedMoveSchema,
  movePlanSchema,
  type MoveRequest,
  moveRequestSchema,
  operationsAnswerSchema,
  operationViewSchema,
  partViewSchema,
  rolesAnswerSchema,
} from '../worker/moves/operation-view.ts';
import { operationIdSchema } from '../operations/operation.ts';
import { Problem } from '../worker/problems.ts';
import { planHashSchema, rebuildViewSchema } from '../worker/rebuild/rebuild-view.ts';
import { linkViewSchema, pairViewSchema, topicDetailViewSchema } from '../worker/views.ts';
import {
  configsAnswer,
  groupsAnswer,
  healthAnswer,
  linksAnswer,
  readyAnswer,
  schemasAnswer,
  topicsAnswer,
} from './answers.ts';
import { drillRoutes } from './drill-routes.ts';
import { streamViews } from './live-streams.ts';
import { openApi, openApiSchema } from './openapi.ts';
import { wholeNumber } from './query-numbers.ts';
import { reconcileRoutes } from './reconcile-routes.ts';
import { route, type Route } from './route.ts';

const topicParams = z.strictObject({ name: z.string().min(1).max(249) });
const linkParams = z.strictObject({ id: z.string().min(1).max(64) });
const deletionQuery = z.strictObject({ mode: z.enum(['refuse', 'detach']).default('refuse') });

const viewsPattern = /^(?:none|(?:pair|links|topics)(?:,(?:pair|links|topics)){0,2})$/;
const eventsQuery = z.strictObject({
  after: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional(),
  limit: wholeNumber({ min: 1, max: eventsKeptMax }).optional(),
});

const streamQuery = z.strictObject({
  views: z.string().regex(viewsPattern, 'must be "none", or some of pair, links and topics with commas').optional(),
  after: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional(),
});

const operationParams = z.strictObject({ id: operationIdSchema });

function topicsOf({ topics }: MoveRequest): string {
  if (topics === 'all') return 'all topics';
  return topics.length === 1 ? `topic ${topics[0] ?? ''}` : `${topics.length} topics`;
}

/** The hash of the plan that was read: without it nothing is rebuilt. */
const confirmedPlan = z.strictObject({ plan: planHashSchema });

const topicName = z.string().regex(/^[a-zA-Z0-9._-]{1,249}$/, 'must be 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-"');

/** What a client follows; neither: the prefixes of both owners. */
const bootstrapQuery = z
  .strictObject({ topic: topicName.optional(), prefix: topicName.optional() })
  .refine(({ topic, prefix }) => topic === undefined || prefix === undefined, {
    path: ['prefix'],
    error: 'must not stand beside "topic": ask for one of them',
  });

const exposition = 'text/plain; version=0.0.4; charset=utf-8';
const nothing = { kind: 'empty' } as const;

/** What of a policy gives rights, for the events. */
function grantsOf({ applications: { a, b }, unowned }: DeclaredPolicy): string {
  const applications = a.length + b.length === 0 ? '' : `, applications: ${a.length} at a, ${b.length} at b`;
  return applications + (unowned === 'report' ? '' : `, unowned: ${unowned}`);
}

/** What a link's spec says beside its ends. */
function declaredOf({ gap, topics, acls }: LinkSpec): string {
  return [
    ...(gap === undefined ? [] : [`, gap ${gap}`]),
    ...(topics === undefined ? [] : [`, deletion ${topics.deletion}`]),
    ...(acls === undefined ? [] : [`, leaks ${acls.leaks}`]),
  ].join('');
}

/** The API, whole: what is not in this table does not exist. The OpenAPI document is made of it, docs/api.md held to it. */
export const routes: readonly Route[] = [
  route({
    ...{ method: 'GET', path: '/healthz', access: 'open', own: true },
    summary: 'Whether the process answers',
    answer: { kind: 'json', schema: healthAnswer },
    run: (service) => {
      if (!service.healthy()) throw new Problem('NOT_READY', 'the worker is not healthy');
      return { healthy: true as const };
    },
  }),
  route({
    ...{ method: 'GET', path: '/readyz', access: 'open', own: true },
    summary: 'Whether the worker has taken up its part; the problem says what is missing',
    answer: { kind: 'json', schema: readyAnswer },
    run: (service) => {
      const { ready, reason } = service.readiness();
      if (!ready) throw new Problem('NOT_READY', reason);
      return { ready, reason };
    },
  }),
  route({
    ...{ method: 'GET', path: '/metrics', access: 'viewer', own: true },
    summary: 'Prometheus text exposition',
    answer: { kind: 'text', contentType: exposition },
    run: (service) => service.metrics(),
  }),
  route({
    ...{ method: 'GET', path: '/v1/openapi.json', access: 'open', own: true },
    summary: 'This document: OpenAPI 3.1',
    answer: { kind: 'json', schema: openApiSchema },
    run: () => openApi(routes),
  }),
  route({
    ...{ method: 'GET', path: '/v1/worker', access: 'viewer', own: true },
    summary: 'What this worker sees of the partitions it copies itself; asked by the worker that leads',
    answer: { kind: 'json', schema: workerReportSchema },
    run: (service) => service.workerReport(),
  }),
  route({
    ...{ method: 'POST', path: '/v1/worker/faults', access: 'operator', own: true },
    summary: 'By which a worker tells the one that leads of a partition it has stopped for good',
    body: faultNoticeSchema,
    answer: nothing,
    run: (service, { body }) => service.takeNotice(body),
  }),
  route({
    ...{ method: 'GET', path: '/v1/bootstrap', access: 'viewer', own: true },
    summary: 'Who is primary of a topic or a prefix, and where its clients connect to',
    query: bootstrapQuery,
    answer: { kind: 'json', schema: bootstrapAnswerSchema },
    problems: ['NOT_FOUND'],
    run: (service, { query }) => service.bootstrapView(query),
  }),
  route({
    ...{ method: 'GET', path: '/v1/pair', access: 'viewer' },
    summary: 'The pair as this site sees it: sites, prefixes, schema primary, links, violations',
    answer: { kind: 'json', schema: pairViewSchema },
    run: (service, { signal }) => service.pairView(signal),
  }),
  route({
    ...{ method: 'GET', path: '/v1/links', access: 'viewer' },
    summary: 'The links that end at this site',
    answer: { kind: 'json', schema: linksAnswer },
    run: async (service, { signal }) => ({ links: [...(await service.linkViews(signal))] }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/topics', access: 'viewer' },
    summary: 'The topics that are copied to this site',
    answer: { kind: 'json', schema: topicsAnswer },
    run: async (service, { signal }) => ({ topics: [...(await service.topicViews(signal))] }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/configs', access: 'viewer' },
    summary: 'How the configs of the copies stand, by link',
    answer: { kind: 'json', schema: configsAnswer },
    run: (service) => ({ links: [...service.configViews()] }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/groups', access: 'viewer' },
    summary: 'How the committed positions of consumer groups stand, by link',
    answer: { kind: 'json', schema: groupsAnswer },
    run: (service) => ({ links: [...service.groupViews()] }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/acls', access: 'viewer' },
    summary: 'How ACLs stand, by link, who may write the copies, and what the policy grants to applications',
    answer: { kind: 'json', schema: aclsAnswerSchema },
    run: (service) => service.aclsView(),
  }),
  route({
    ...{ method: 'GET', path: '/v1/schemas', access: 'viewer' },
    summary: "Both sites' schemas compared, by link: ids, gaps, differences",
    answer: { kind: 'json', schema: schemasAnswer },
    run: (service) => ({ links: [...service.schemaViews()] }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/events', access: 'viewer' },
    summary: 'What happened at this site: who changed what, and what umbra did by itself',
    query: eventsQuery,
    answer: { kind: 'json', schema: eventsViewSchema },
    run: (service, { query: { after, limit = 100 } }) => service.events({ after, limit }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/stream', access: 'viewer' },
    summary: 'Server-sent events: what happens, and the views as they change',
    query: streamQuery,
    answer: { kind: 'stream', contentType: 'text/event-stream' },
    problems: ['TOO_MANY_STREAMS'],
    run: (_service, { query: { views, after }, lastEventId }) => ({
      views: streamViews.filter((view) => views === undefined || views.split(',').includes(view)),
      after: lastEventId ?? after,
    }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/topics/:name', access: 'viewer' },
    summary: 'One topic with its partitions',
    params: topicParams,
    answer: { kind: 'json', schema: topicDetailViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params, signal }) => service.topicView(params.name, signal),
  }),
  route({
    ...{ method: 'GET', path: '/v1/topics/:name/rebuild', access: 'viewer' },
    summary: 'The plan or rebuild of this copy',
    params: topicParams,
    answer: { kind: 'json', schema: rebuildViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params, signal }) => service.rebuildView(params.name, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/topics/:name/rebuild/plan', access: 'operator' },
    summary: 'Begins to make a plan for rebuilding a faulted copy, or says what goes on already',
    params: topicParams,
    change: ({ params }) => `plan for rebuilding ${params.name}`,
    answer: { kind: 'json', schema: rebuildViewSchema },
    problems: ['NOT_FOUND', 'REBUILD_REFUSED', 'REBUILD_BUSY', 'MOVE_BUSY'],
    run: (service, { params, signal }) => service.planRebuild(params.name, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/topics/:name/rebuild', access: 'operator' },
    summary: 'Carries out the plan with this hash',
    params: topicParams,
    body: confirmedPlan,
    change: ({ params, body }) => `rebuild of ${params.name} by plan ${body.plan.slice(0, 12)}`,
    answer: { kind: 'json', schema: rebuildViewSchema },
    problems: ['NOT_FOUND', 'REBUILD_REFUSED', 'REBUILD_BUSY', 'PLAN_CHANGED', 'MOVE_BUSY'],
    run: (service, { params, body, signal }) => service.executeRebuild(params.name, body.plan, signal),
  }),
  ...reconcileRoutes,
  ...drillRoutes,
  route({
    ...{ method: 'POST', path: '/v1/topics/:name/pause', access: 'operator' },
    summary: 'Stops copying the topic until it is resumed; when it answers nobody appends to the copy any more',
    params: topicParams,
    change: ({ params }) => `pause of topic ${params.name}`,
    answer: { kind: 'json', schema: topicDetailViewSchema },
    problems: ['NOT_FOUND', 'PAUSE_REFUSED', 'REBUILD_BUSY', 'MOVE_BUSY'],
    run: (service, { params, signal }) => service.pauseTopic(params.name, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/topics/:name/resume', access: 'operator' },
    summary: 'Lets a paused topic go on where it stopped, unless its whole link is paused',
    params: topicParams,
    change: ({ params }) => `resumption of topic ${params.name}`,
    answer: { kind: 'json', schema: topicDetailViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params, signal }) => service.resumeTopic(params.name, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/links/:id/pause', access: 'operator' },
    summary: 'Stops copying every topic of the link until it is resumed',
    params: linkParams,
    change: ({ params }) => `pause of link ${params.id}`,
    answer: { kind: 'json', schema: linkViewSchema },
    problems: ['NOT_FOUND', 'REBUILD_BUSY'],
    run: (service, { params, signal }) => service.pauseLink(params.id, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/links/:id/resume', access: 'operator' },
    summary: 'Lets a paused link go on; topics that were paused by themselves stay paused',
    params: linkParams,
    change: ({ params }) => `resumption of link ${params.id}`,
    answer: { kind: 'json', schema: linkViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params, signal }) => service.resumeLink(params.id, signal),
  }),
  route({
    ...{ method: 'GET', path: '/v1/roles', access: 'viewer' },
    summary: 'Topics that are not primary at home, as this site knows',
    answer: { kind: 'json', schema: rolesAnswerSchema },
    run: (service) => ({ roles: [...service.roles()] }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/operations', access: 'viewer' },
    summary:
      'Operations that this site coordinates or coordinated, and its parts in those of the other one, newest first',
    answer: { kind: 'json', schema: operationsAnswerSchema },
    run: (service) => ({ operations: [...service.operations()], parts: [...service.parts()] }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/operations/:id', access: 'viewer' },
    summary: 'One operation: its step, and what holds it up',
    params: operationParams,
    answer: { kind: 'json', schema: operationViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params }) => service.operation(params.id),
  }),
  route({
    ...{ method: 'POST', path: '/v1/operations/plan', access: 'operator' },
    summary: 'What making this site primary would do, lose and take; changes nothing',
    body: moveRequestSchema,
    change: ({ body }) => `plan for a ${body.kind} of ${topicsOf(body)}`,
    answer: { kind: 'json', schema: movePlanSchema },
    problems: ['NOT_FOUND'],
    run: (service, { body, signal }) => service.planMove(body, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/operations', access: 'operator' },
    summary: 'Begins the operation whose plan has this hash',
    body: confirmedMoveSchema,
    change: ({ body }) => `${body.kind} of ${topicsOf(body)} by plan ${body.plan.slice(0, 12)}`,
    answer: { kind: 'json', schema: operationViewSchema },
    problems: ['NOT_FOUND', 'MOVE_REFUSED', 'PLAN_CHANGED'],
    run: (service, { body: { plan, ...request }, signal }) => service.beginMove(request, plan, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/operations/:id/abort', access: 'operator' },
    summary: 'Has an operation given up that is not yet past its point of no return',
    params: operationParams,
    change: ({ params }) => `abort of ${params.id}`,
    answer: { kind: 'json', schema: operationViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params }) => service.abortOperation(params.id),
  }),
  route({
    ...{ method: 'POST', path: '/v1/operations/:id/release', access: 'operator' },
    summary: 'At the old primary: gives the rights back that it withdrew for an operation of a site that is gone',
    params: operationParams,
    change: ({ params }) => `release of what was fenced for ${params.id}`,
    answer: { kind: 'json', schema: partViewSchema },
    problems: ['NOT_FOUND', 'MOVE_REFUSED'],
    run: (service, { params }) => service.releaseOperation(params.id),
  }),
  route({
    ...{ method: 'GET', path: '/v1/spec/prefix-policy', access: 'viewer' },
    summary: 'The prefix policy as it was declared',
    answer: { kind: 'json', schema: declaredPolicySchema },
    problems: ['NOT_FOUND'],
    run: (service) => service.prefixPolicy(),
  }),
  route({
    ...{ method: 'PUT', path: '/v1/spec/prefix-policy', access: 'operator' },
    summary: 'Declares who owns which names, and what applications may do with them',
    body: declaredPolicySchema,
    change: ({ body }) => `prefix policy: a "${body.owners.a}", b "${body.owners.b}"${grantsOf(body)}`,
    answer: nothing,
    problems: ['POLICY_IN_USE'],
    run: (service, { body, signal }) => service.putPrefixPolicy(body, signal),
  }),
  route({
    ...{ method: 'PUT', path: '/v1/spec/schema-primary', access: 'operator' },
    summary: 'Declares whose schemas flow',
    body: schemaPrimarySchema,
    change: ({ body }) => `schema primary: site ${body.site}`,
    answer: nothing,
    problems: ['SCHEMAS_FOLLOW'],
    run: (service, { body, signal }) => service.putSchemaPrimary(body, signal),
  }),
  route({
    ...{ method: 'PUT', path: '/v1/spec/links/:id', access: 'operator' },
    summary: 'Declares a link, at the worker of its destination',
    params: linkParams,
    body: linkSpecSchema,
    change: ({ body }) => `link ${linkId(body)}${declaredOf(body)}`,
    answer: { kind: 'json', schema: linkViewSchema },
    problems: ['POLICY_MISSING', 'WRONG_SITE', 'LINK_REFUSED'],
    run: (service, { params, body, signal }) => {
      const id = linkId(body);
      if (params.id !== id)
        throw new Problem('INVALID_INPUT', `path.id: the link from ${body.from} to ${body.to} is called ${id}`);
      return service.putLink(body, signal);
    },
  }),
  route({
    ...{ method: 'DELETE', path: '/v1/spec/links/:id', access: 'operator' },
    summary: 'Deletes a link that nothing follows, or detaches it',
    params: linkParams,
    query: deletionQuery,
    change: ({ params, query }) => `deletion of link ${params.id} (${query.mode})`,
    answer: nothing,
    problems: ['NOT_FOUND', 'LINK_FOLLOWS', 'REBUILD_BUSY', 'MOVE_BUSY'],
    run: (service, { params, query, signal }) => service.deleteLink(params.id, query.mode, signal),
  }),
];
