import { z } from 'zod';
import { sites, type SiteId } from '../../pair/site.ts';
import { schemaPrimarySchema, schemasTopic } from '../../schema-primary/schema-primary.ts';
import { whyNotSchemaPrimary } from '../../worker/control/spec-refusals.ts';
import { Problem } from '../../worker/problems.ts';
import type { OpenWorkerApi, Clock, WorkerApi } from '../ports.ts';
import type { Finding, Job, Outcome, PlannedChange, ResourceHandler } from '../server/handler.ts';
import { callWorker, progressOf } from './worker-call.ts';
import { apiToken, clusterIds, workerUrls } from './worker-inputs.ts';

const inputs = z.strictObject({ ...schemaPrimarySchema.shape, workers: workerUrls, apiToken, clusterIds });
const outputs = z.strictObject({});

type Inputs = z.output<typeof inputs>;
type Outputs = z.output<typeof outputs>;

export interface SchemaPrimaryPorts {
  readonly openApi: OpenWorkerApi;
  readonly clock: Clock;
}

/** The site whose schemas flow; declared at both workers. Deleting the resource leaves it where it is stored. */
export function schemaPrimaryHandler(ports: SchemaPrimaryPorts): ResourceHandler<typeof inputs, typeof outputs> {
  const line = (site: SiteId | undefined): readonly string[] =>
    site === undefined ? [] : [`would let "${schemasTopic}" flow from site ${site} only`];
  return {
    type: 'umbra:index:SchemaPrimary',
    inputs,
    outputs,
    secrets: [['apiToken']],
    replacedBy: [],
    id: () => 'schema-primary',
    check: () => [],
    heal: () => [],
    planCreate: ({ site }) => ({ outputs: {}, lines: line(site) }),
    planUpdate: ({ next }) => ({ outputs: {}, lines: line(next.site) }),
    previewUpdate: (change, job) => refuseWhereTheyFollow(ports, change, job),
    create: (next, job) => declare(ports, next, job),
    read: (state, job) => find(ports, state, job),
    update: ({ next }, job) => declare(ports, next, job),
    delete: () => Promise.resolve(),
  };
}

async function declare(ports: SchemaPrimaryPorts, next: Inputs, job: Job): Promise<Outcome<Outputs>> {
  const { site, idReserve } = next;
  const declared = { site, ...(idReserve === undefined ? {} : { idReserve }) };
  for (const at of sites) {
    const put = (): Promise<void> => open(ports, next, at, job.report).putSchemaPrimary(declared, job.signal);
    await callWorker(put, { job, clock: ports.clock, what: `worker of site ${at}` });
  }
  return { kind: 'done', outputs: {} };
}

/** As the workers do. Asked in the preview, nothing else of the same update is done before. */
async function refuseWhereTheyFollow(
  ports: SchemaPrimaryPorts,
  { old, next, changed }: PlannedChange<Inputs, Outputs>,
  job: Job,
): Promise<void> {
  if (!changed.includes('site') || next.site === undefined) return;
  for (const at of sites) {
    const refusal = whyNotSchemaPrimary(
      { now: { site: old.site }, next: { site: next.site } },
      { follow: await schemasFollow(open(ports, old, at), job) },
    );
    if (refusal !== undefined) throw refusal;
  }
}

/** By what a site shows: it has a copy of them, or they are not where they were declared. */
async function schemasFollow(api: WorkerApi, job: Job): Promise<boolean> {
  try {
    const [carried, moved] = [await api.topics(job.signal), await api.roles(job.signal)];
    return carried.some(({ name }) => name === schemasTopic) || moved.some(({ topic }) => topic === schemasTopic);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    job.report.warn(`whether schemas follow could not be asked: ${error.message}`);
    return false;
  }
}

async function find(ports: SchemaPrimaryPorts, state: Inputs, job: Job): Promise<Finding<Inputs, Outputs>> {
  try {
    const views = await Promise.all(sites.map((at) => open(ports, state, at).pair(job.signal)));
    const declared = views.map((view) => view.schemaPrimary);
    if (declared.includes(undefined)) return { kind: 'gone' };
    const other = declared.find((site) => site !== state.site);
    if (other === undefined) return { kind: 'found', outputs: {} };
    // Who registers schemas is a role. Where both say the same, it has moved, and declaring does not move it back.
    if (declared.every((site) => site === other)) {
      job.report.info(`the schema primary is site ${other}, not ${state.site} as declared first; it stays so`);
      return { kind: 'found', outputs: {} };
    }
    return { kind: 'found', outputs: {}, drifted: { site: other } };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {
      kind: 'unknown',
      reason: `the schema primary could not be looked at and is taken as it was: ${error.message}`,
    };
  }
}

function open(ports: SchemaPrimaryPorts, { workers, apiToken }: Inputs, at: SiteId, report?: Job['report']): WorkerApi {
  return ports.openApi({ url: workers[at], token: apiToken, ...progressOf(report) });
}
