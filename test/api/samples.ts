import type { Route } from '../../src/api/route.ts';
import { stubIncarnation } from './stub-service.ts';

/** What a route is asked with so that it answers well; a body where the route takes one. */
export interface Sample {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: object;
}

const topic = { params: { name: 'a_orders' } };
const operation = { params: { id: 'failover-20261122-0433-ab12' } };
const drill = { params: { name: 'canary' } };
const run = { params: { id: 'drill-20261122-101500-canary-ab12' } };
const link = { params: { id: 'a-b' } };

/** For every route that takes anything: a route without its sample is not tested. */
const samples: Readonly<Record<string, Sample>> = {
  'POST /v1/worker/faults': {
    body: { incarnation: stubIncarnation, topic: 'a_orders', partition: 0, code: 'DIVERGED', message: 'as found' },
  },
  'GET /v1/topics/:name': topic,
  'GET /v1/topics/:name/rebuild': topic,
  'POST /v1/topics/:name/rebuild/plan': topic,
  'POST /v1/topics/:name/rebuild': { ...topic, body: { plan: '0'.repeat(64) } },
  'GET /v1/topics/:name/reconciliation': topic,
  'POST /v1/topics/:name/reconciliation/plan': { ...topic, body: { decision: { kind: 'export' } } },
  'POST /v1/topics/:name/reconciliation': { ...topic, body: { plan: '0'.repeat(64) } },
  'POST /v1/topics/:name/pause': topic,
  'POST /v1/topics/:name/resume': topic,
  'POST /v1/links/:id/pause': link,
  'POST /v1/links/:id/resume': link,
  'GET /v1/operations/:id': operation,
  'POST /v1/operations/plan': { body: { kind: 'failover', topics: ['a_orders'] } },
  'POST /v1/operations': { body: { kind: 'failover', topics: 'all', plan: '0'.repeat(64) } },
  'POST /v1/operations/:id/abort': operation,
  'POST /v1/operations/:id/release': operation,
  'GET /v1/drills/:name': drill,
  'POST /v1/drills/:name/plan': drill,
  'POST /v1/drills/:name/runs': { ...drill, body: { by: 'ann' } },
  'POST /v1/drills/:name/skip': { ...drill, body: { reason: 'a freeze' } },
  'POST /v1/drills/:name/approvals': { ...drill, body: { name: 'ann', role: 'sre' } },
  'PUT /v1/drill-freeze': { body: { by: 'ann', reason: 'end of year', until: '2027-01-04T00:00:00Z' } },
  'GET /v1/drill-runs/:id': run,
  'POST /v1/drill-runs/:id/abort': { ...run, body: { reason: 'enough' } },
  'POST /v1/findings/:id/decision': { params: { id: 'canary-skipped' }, body: { status: 'closed', note: 'seen to' } },
  'PUT /v1/spec/drills/:name': { ...drill, body: { name: 'canary', level: 'L2', site: 'b' } },
  'DELETE /v1/spec/drills/:name': drill,
  'PUT /v1/spec/prefix-policy': { body: { owners: { a: 'a_', b: 'b_' }, unowned: 'report' } },
  'PUT /v1/spec/schema-primary': { body: { site: 'a' } },
  'PUT /v1/spec/links/:id': { ...link, body: { from: 'a', to: 'b' } },
  'DELETE /v1/spec/links/:id': link,
};

export function sampleOf({ method, path }: Pick<Route, 'method' | 'path'>): Sample {
  return samples[`${method} ${path}`] ?? {};
}

/** The path with its parameters filled in. */
export function urlOf({ path }: Pick<Route, 'path'>, params: Readonly<Record<string, string>> = {}): string {
  return path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(params[name] ?? `missing-${name}`));
}
