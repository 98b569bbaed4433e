import { z } from 'zod';
import { type TailDecision, tailDecisionSchema } from '../worker/reconcile/tail-decision.ts';
import { planHashSchema, rebuildViewSchema } from '../worker/rebuild/rebuild-view.ts';
import { route, type Route } from './route.ts';

const topicParams = z.strictObject({ name: z.string().min(1).max(249) });
/** `none`: to see what there is to be decided. */
const decidedBody = z.strictObject({ decision: z.union([z.literal('none'), tailDecisionSchema]) });
const confirmedPlan = z.strictObject({ plan: planHashSchema });

function said(decision: TailDecision | 'none'): string {
  if (decision === 'none') return '';
  return decision.kind === 'discard' ? ` (discard: ${decision.reason})` : ` (${decision.kind})`;
}

/** Part of routes.ts: what is asked of the site of an old primary. */
export const reconcileRoutes: readonly Route[] = [
  route({
    ...{ method: 'GET', path: '/v1/topics/:name/reconciliation', access: 'viewer' },
    summary: 'The plan or reconciliation of a topic that the other site took over',
    params: topicParams,
    answer: { kind: 'json', schema: rebuildViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params }) => service.reconciliationView(params.name),
  }),
  route({
    ...{ method: 'POST', path: '/v1/topics/:name/reconciliation/plan', access: 'operator' },
    summary: 'Begins to compare the log of an old primary with its new one, or says what goes on already',
    params: topicParams,
    body: decidedBody,
    change: ({ params, body }) => `plan for reconciling ${params.name}${said(body.decision)}`,
    answer: { kind: 'json', schema: rebuildViewSchema },
    problems: ['NOT_FOUND', 'REBUILD_REFUSED', 'REBUILD_BUSY'],
    run: (service, { params, body }) =>
      service.planReconciliation(params.name, body.decision === 'none' ? undefined : body.decision),
  }),
  route({
    ...{ method: 'POST', path: '/v1/topics/:name/reconciliation', access: 'operator' },
    summary: 'Carries out the plan with this hash',
    params: topicParams,
    body: confirmedPlan,
    change: ({ params, body }) => `reconciliation of ${params.name} by plan ${body.plan.slice(0, 12)}`,
    answer: { kind: 'json', schema: rebuildViewSchema },
    problems: ['NOT_FOUND', 'REBUILD_REFUSED', 'REBUILD_BUSY', 'PLAN_CHANGED'],
    run: (service, { params, body, signal }) => service.executeReconciliation(params.name, body.plan, signal),
  }),
];
