import { z } from 'zod';
import type { DrillSpecInput } from '../drill/drill-spec.ts';
import {
  type DrillPlan,
  drillPlanSchema,
  drillsAnswerSchema,
  type DrillView,
  drillViewSchema,
  findingsAnswerSchema,
  historyAnswerSchema,
  type RunAnswerView,
  runAnswerViewSchema,
} from '../worker/drill/drill-view.ts';
import type { FindingDecision } from '../worker/drill/drill-service.ts';
import { type DrillFinding, drillFindingSchema, type DrillFreeze, type PastRun } from '../worker/state/drill-memory.ts';

/** One call of the API: what is asked, and what the answer is. */
export type CallApi = <S extends z.ZodType>(
  call: { readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'; readonly path: string; readonly body?: unknown },
  expect: { readonly schema: S; readonly signal: AbortSignal | undefined },
) => Promise<z.output<S>>;

/** The part of the API that is about drills, of the site that the worker is of. */
export interface DrillsClient {
  all(signal?: AbortSignal): Promise<z.output<typeof drillsAnswerSchema>>;
  get(name: string, signal?: AbortSignal): Promise<DrillView>;
  plan(name: string, signal?: AbortSignal): Promise<DrillPlan>;
  /** Resolves before it is done: ask {@link run}. */
  begin(name: string, by: string, signal?: AbortSignal): Promise<RunAnswerView>;
  skip(name: string, reason: string, signal?: AbortSignal): Promise<DrillView>;
  approve(name: string, by: { readonly name: string; readonly role: string }, signal?: AbortSignal): Promise<DrillView>;
  run(id: string, signal?: AbortSignal): Promise<RunAnswerView>;
  abort(id: string, reason: string, signal?: AbortSignal): Promise<RunAnswerView>;
  history(signal?: AbortSignal): Promise<readonly PastRun[]>;
  /** Of the site of this worker; counts for the pair. */
  freeze(wanted: Pick<DrillFreeze, 'by' | 'reason' | 'until'>, signal?: AbortSignal): Promise<void>;
  thaw(signal?: AbortSignal): Promise<void>;
  findings(signal?: AbortSignal): Promise<readonly DrillFinding[]>;
  decide(id: string, decision: FindingDecision, signal?: AbortSignal): Promise<DrillFinding>;
  put(spec: DrillSpecInput, signal?: AbortSignal): Promise<void>;
  remove(name: string, signal?: AbortSignal): Promise<void>;
}

const nothing = z.undefined();

export function drillsClient(call: CallApi): DrillsClient {
  const get = <S extends z.ZodType>(path: string, schema: S, signal?: AbortSignal): Promise<z.output<S>> =>
    call({ method: 'GET', path }, { schema, signal });
  const post = <S extends z.ZodType>(
    path: string,
    body: object | undefined,
    schema: S,
    signal?: AbortSignal,
  ): Promise<z.output<S>> =>
    call({ method: 'POST', path, ...(body === undefined ? {} : { body }) }, { schema, signal });
  const drill = (name: string): string => `/v1/drills/${encodeURIComponent(name)}`;
  const run = (id: string): string => `/v1/drill-runs/${encodeURIComponent(id)}`;
  const spec = (name: string): string => `/v1/spec/drills/${encodeURIComponent(name)}`;
  return {
    all: (signal) => get('/v1/drills', drillsAnswerSchema, signal),
    get: (name, signal) => get(drill(name), drillViewSchema, signal),
    plan: (name, signal) => post(`${drill(name)}/plan`, undefined, drillPlanSchema, signal),
    begin: (name, by, signal) => post(`${drill(name)}/runs`, { by }, runAnswerViewSchema, signal),
    skip: (name, reason, signal) => post(`${drill(name)}/skip`, { reason }, drillViewSchema, signal),
    approve: (name, by, signal) => post(`${drill(name)}/approvals`, by, drillViewSchema, signal),
    run: (id, signal) => get(run(id), runAnswerViewSchema, signal),
    abort: (id, reason, signal) => post(`${run(id)}/abort`, { reason }, runAnswerViewSchema, signal),
    history: async (signal) => (await get('/v1/drill-runs', historyAnswerSchema, signal)).runs,
    freeze: (wanted, signal) =>
      call({ method: 'PUT', path: '/v1/drill-freeze', body: wanted }, { schema: nothing, signal }),
    thaw: (signal) => call({ method: 'DELETE', path: '/v1/drill-freeze' }, { schema: nothing, signal }),
    findings: async (signal) => (await get('/v1/findings', findingsAnswerSchema, signal)).findings,
    decide: (id, decision, signal) =>
      post(`/v1/findings/${encodeURIComponent(id)}/decision`, decision, drillFindingSchema, signal),
    put: (declared, signal) =>
      call({ method: 'PUT', path: spec(declared.name), body: declared }, { schema: nothing, signal }),
    remove: (name, signal) => call({ method: 'DELETE', path: spec(name) }, { schema: nothing, signal }),
  };
}
