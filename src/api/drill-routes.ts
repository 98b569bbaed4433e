import { z } from 'zod';
import { drillNameSchema, drillSpecSchema } from '../drill/drill-spec.ts';
import { runIdSchema } from '../drill/run-record.ts';
import {
  drillPlanSchema,
  drillsAnswerSchema,
  drillViewSchema,
  findingsAnswerSchema,
  historyAnswerSchema,
  runAnswerViewSchema,
} from '../worker/drill/drill-view.ts';
import { Problem } from '../worker/problems.ts';
import { drillFindingSchema } from '../worker/state/drill-memory.ts';
import { route, type Route } from './route.ts';

const drillParams = z.strictObject({ name: drillNameSchema });
const runParams = z.strictObject({ id: runIdSchema });
const findingParams = z.strictObject({ id: z.string().min(1).max(120) });
const person = z.string().min(1).max(100);
const reason = z.string().min(1).max(1_000);

export const beginBody = z.strictObject({
  /** Who asks for it, for the evidence. */
  by: person,
});
export const reasonBody = z.strictObject({ reason });
export const approvalBody = z.strictObject({ name: person, role: person });
export const freezeBody = z.strictObject({
  by: person,
  reason,
  until: z.iso.datetime({ error: 'must be a time such as 2026-12-01T00:00:00Z' }),
});
export const decisionBody = z.strictObject({
  status: z.enum(['open', 'accepted', 'closed'], { error: 'must be "open", "accepted" or "closed"' }),
  /** Who, and why. */
  note: reason,
});

/** Part of routes.ts: drills of the site that the worker is of. */
export const drillRoutes: readonly Route[] = [
  route({
    ...{ method: 'GET', path: '/v1/drills', access: 'viewer' },
    summary: 'The drills that are declared at this site, their next times, and the run that goes on',
    answer: { kind: 'json', schema: drillsAnswerSchema },
    run: (service) => {
      const drills = service.drills();
      const frozen = drills.frozen();
      return { drills: [...drills.views()], runs: [...drills.runViews()], ...(frozen && { frozen }) };
    },
  }),
  route({
    ...{ method: 'GET', path: '/v1/drills/:name', access: 'viewer' },
    summary: 'One drill',
    params: drillParams,
    answer: { kind: 'json', schema: drillViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params }) => service.drills().view(params.name),
  }),
  route({
    ...{ method: 'POST', path: '/v1/drills/:name/plan', access: 'operator' },
    summary: 'What a run would do, and what stands against it now; begins nothing',
    params: drillParams,
    change: ({ params }) => `plan of the drill ${params.name}`,
    answer: { kind: 'json', schema: drillPlanSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params, signal }) => service.drills().plan(params.name, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/drills/:name/runs', access: 'operator' },
    summary: 'Begins a run now, whatever the schedule says',
    params: drillParams,
    body: beginBody,
    change: ({ params, body }) => `run of the drill ${params.name}, asked for by ${body.by}`,
    answer: { kind: 'json', schema: runAnswerViewSchema },
    problems: ['NOT_FOUND', 'DRILL_BUSY', 'DRILL_REFUSED'],
    run: (service, { params, body, signal }) => service.drills().begin(params.name, body.by, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/drills/:name/skip', access: 'operator' },
    summary: 'Leaves out the next time of its schedule',
    params: drillParams,
    body: reasonBody,
    change: ({ params, body }) => `skip of the drill ${params.name}: ${body.reason}`,
    answer: { kind: 'json', schema: drillViewSchema },
    problems: ['NOT_FOUND', 'DRILL_REFUSED'],
    run: (service, { params, body, signal }) => service.drills().skip(params.name, body.reason, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/drills/:name/approvals', access: 'operator' },
    summary: 'Approves the drill for as long as its declaration says',
    params: drillParams,
    body: approvalBody,
    change: ({ params, body }) => `approval of the drill ${params.name} by ${body.name} (${body.role})`,
    answer: { kind: 'json', schema: drillViewSchema },
    problems: ['NOT_FOUND', 'DRILL_REFUSED'],
    run: (service, { params, body, signal }) => service.drills().approve(params.name, body, signal),
  }),
  route({
    ...{ method: 'GET', path: '/v1/drill-runs', access: 'viewer' },
    summary: 'Runs that are over, newest first',
    answer: { kind: 'json', schema: historyAnswerSchema },
    run: (service) => ({ runs: [...service.drills().history()] }),
  }),
  route({
    ...{ method: 'GET', path: '/v1/drill-runs/:id', access: 'viewer' },
    summary: 'One run: where it is, or how it ended',
    params: runParams,
    answer: { kind: 'json', schema: runAnswerViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params }) => service.drills().run(params.id),
  }),
  route({
    ...{ method: 'POST', path: '/v1/drill-runs/:id/abort', access: 'operator' },
    summary: 'Ends a run in the nearest safe way',
    params: runParams,
    body: reasonBody,
    change: ({ params, body }) => `abort of ${params.id}: ${body.reason}`,
    answer: { kind: 'json', schema: runAnswerViewSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params, body, signal }) => service.drills().abort(params.id, body.reason, signal),
  }),
  route({
    ...{ method: 'PUT', path: '/v1/drill-freeze', access: 'operator' },
    summary: 'No drill of the pair begins until then but those that only look',
    body: freezeBody,
    change: ({ body }) => `freeze of drills until ${body.until} by ${body.by}: ${body.reason}`,
    answer: { kind: 'empty' },
    run: (service, { body, signal }) => service.drills().freeze(body, signal),
  }),
  route({
    ...{ method: 'DELETE', path: '/v1/drill-freeze', access: 'operator' },
    summary: 'Takes the freeze of this site back',
    change: () => 'end of the freeze of drills',
    answer: { kind: 'empty' },
    run: (service, { signal }) => service.drills().thaw(signal),
  }),
  route({
    ...{ method: 'GET', path: '/v1/findings', access: 'viewer' },
    summary: 'What drills have shown that somebody has to see to',
    answer: { kind: 'json', schema: findingsAnswerSchema },
    run: (service) => ({ findings: [...service.drills().findings()] }),
  }),
  route({
    ...{ method: 'POST', path: '/v1/findings/:id/decision', access: 'operator' },
    summary: 'Accepts a finding, closes it, or opens it again',
    params: findingParams,
    body: decisionBody,
    change: ({ params, body }) => `finding ${params.id}: ${body.status}: ${body.note}`,
    answer: { kind: 'json', schema: drillFindingSchema },
    problems: ['NOT_FOUND'],
    run: (service, { params, body, signal }) => service.drills().decide(params.id, body, signal),
  }),
  route({
    ...{ method: 'PUT', path: '/v1/spec/drills/:name', access: 'operator' },
    summary: 'Declares a drill, at a worker of the site that it runs at',
    params: drillParams,
    body: drillSpecSchema,
    change: ({ body }) => `drill ${body.name} (${body.level})`,
    answer: { kind: 'empty' },
    problems: ['WRONG_SITE'],
    run: (service, { params, body, signal }) => {
      if (params.name !== body.name)
        throw new Problem('INVALID_INPUT', `path.name: the drill of the body is called ${body.name}`);
      return service.drills().put(body, signal);
    },
  }),
  route({
    ...{ method: 'DELETE', path: '/v1/spec/drills/:name', access: 'operator' },
    summary: 'Takes a drill back; what has run stays in the history',
    params: drillParams,
    change: ({ params }) => `deletion of the drill ${params.name}`,
    answer: { kind: 'empty' },
    problems: ['NOT_FOUND', 'DRILL_BUSY'],
    run: (service, { params, signal }) => service.drills().remove(params.name, signal),
  }),
];
