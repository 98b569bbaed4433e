import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type DrillSpec, drillSpecSchema } from '../../drill/drill-spec.ts';
import { describeSchedule } from '../../drill/schedule/describe.ts';
import { Problem } from '../../worker/problems.ts';
import type { Clock, OpenWorkerApi, WorkerApi } from '../ports.ts';
import type { CheckFailure, Finding, Job, Outcome, Plan, PlannedChange, ResourceHandler } from '../server/handler.ts';
import { callWorker, isUnanswered, progressOf, workerReadyMs } from './worker-call.ts';
import { apiToken, clusterIds, workerUrl } from './worker-inputs.ts';

const inputs = z.strictObject({
  ...drillSpecSchema.shape,
  /** API of a worker of its site: a drill is defined, stored and run at the site that it activates. */
  worker: workerUrl,
  apiToken,
  /** `refuse`: it is not deleted without its worker's word. `detach`: a worker that is away is not waited for. */
  onDelete: z.enum(['refuse', 'detach'], { error: 'must be "refuse" or "detach"' }).default('refuse'),
  clusterIds,
});

const outputs = z.strictObject({
  /** False when its worker had it otherwise: the next update declares it again. */
  declared: z.boolean(),
});

type Inputs = z.output<typeof inputs>;
type Outputs = z.output<typeof outputs>;

/** What changes nothing at the worker. */
const ownMatters = ['onDelete', 'apiToken'];
/** How long a worker is waited for that only has to be told to forget. */
const detachPatienceMs = 3_000;

export interface DrillSchedulePorts {
  readonly openApi: OpenWorkerApi;
  readonly clock: Clock;
}

/** One drill, declared at the site that it runs at. Nothing here begins or ends a run. */
export function drillScheduleHandler(ports: DrillSchedulePorts): ResourceHandler<typeof inputs, typeof outputs> {
  return {
    type: 'umbra:index:DrillSchedule',
    inputs,
    outputs,
    secrets: [['apiToken']],
    replacedBy: ['name', 'site', 'clusterIds'],
    id: ({ name, site }) => `drill-${site}-${name}`,
    check: contradictions,
    heal: ({ declared }) => (declared === false ? ['declared'] : []),
    planCreate: (next) => ({ outputs: { declared: true }, lines: createLines(next) }),
    planUpdate,
    create: (next, job) => declare(ports, next, job),
    read: (state, job) => find(ports, state, job),
    update({ old, next, changed }, job) {
      const silent = changed.length > 0 && changed.every((name) => ownMatters.includes(name));
      if (silent && old.declared === true) return Promise.resolve({ kind: 'done', outputs: { declared: true } });
      return declare(ports, next, job);
    },
    delete: (state, job) => takeBack(ports, state, job),
  };
}

function specIn(given: Partial<Inputs & Outputs>): Partial<DrillSpec> {
  const names = Object.keys(drillSpecSchema.shape);
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
}

/** The drill as a whole. Its level says what the other fields may be: without one nothing can be judged. */
function contradictions(next: Partial<Inputs>): readonly CheckFailure[] {
  if (next.name === undefined || next.level === undefined || next.site === undefined) return [];
  const parsed = drillSpecSchema.safeParse(specIn(next));
  const issues = parsed.success ? [] : parsed.error.issues;
  return issues.map(({ path, message }) => {
    return { property: String(path[0] ?? ''), reason: `${z.core.toDotPath(path)}: ${message}` };
  });
}

function createLines({ name, level, site, schedule }: Partial<Inputs>): readonly string[] {
  if (name === undefined || level === undefined || site === undefined) return [];
  return [`would declare the drill ${name} (${level}) at site ${site}: ${timesOf(schedule)}`];
}

function timesOf(schedule: DrillSpec['schedule']): string {
  return schedule === undefined ? 'runs when somebody asks for it' : describeSchedule(schedule);
}

function planUpdate({ old, next, changed }: PlannedChange<Inputs, Outputs>): Plan<Outputs> {
  const { name } = old;
  const fields = changed.filter((each) => each in drillSpecSchema.shape);
  const lines: string[] = [];
  if (changed.includes('onDelete') && next.onDelete === 'detach')
    lines.push(`deleting the drill ${name} would then not wait for a worker that is away`);
  if (fields.length > 0)
    lines.push(`would declare the drill ${name} anew (${fields.join(', ')} changed): ${timesOf(next.schedule)}`);
  else if (changed.some((each) => !ownMatters.includes(each)))
    lines.push(`would declare the drill ${name} again: ${timesOf(next.schedule)}`);
  return { outputs: { declared: true }, lines };
}

async function declare(ports: DrillSchedulePorts, next: Inputs, job: Job): Promise<Outcome<Outputs>> {
  const api = open(ports, next, job.report);
  const put = (): Promise<void> => api.putDrill(drillSpecSchema.parse(specIn(next)), job.signal);
  await callWorker(put, { job, clock: ports.clock, what: `drill ${next.name}` });
  return { kind: 'done', outputs: { declared: true } };
}

async function find(
  ports: DrillSchedulePorts,
  state: Inputs & Partial<Outputs>,
  job: Job,
): Promise<Finding<Inputs, Outputs>> {
  const { name } = state;
  try {
    const now = await open(ports, state).drill(name, job.signal);
    const other = otherFields(specIn(state), now);
    if (other.length > 0)
      job.report.warn(
        `the drill ${name} is declared otherwise at its worker (${other.join(', ')}); "pulumi up" declares it again`,
      );
    return { kind: 'found', outputs: { declared: other.length === 0 } };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.code === 'NOT_FOUND') return { kind: 'gone' };
    return { kind: 'unknown', reason: `the drill ${name} could not be looked at: ${error.message}` };
  }
}

function otherFields(declared: Partial<DrillSpec>, now: DrillSpec): readonly string[] {
  const [wanted, there] = [new Map(Object.entries(declared)), new Map(Object.entries(now))];
  return Object.keys(drillSpecSchema.shape).filter((name) => !isDeepStrictEqual(wanted.get(name), there.get(name)));
}

/** Without the worker's word nobody knows whether a run goes on, and where it runs again, so does the drill. */
async function takeBack(ports: DrillSchedulePorts, state: Inputs, job: Job): Promise<void> {
  const { name, onDelete } = state;
  try {
    const drop = (): Promise<void> => open(ports, state, job.report).deleteDrill(name, job.signal);
    const patienceMs = onDelete === 'detach' ? detachPatienceMs : workerReadyMs;
    await callWorker(drop, { job, clock: ports.clock, what: `drill ${name}`, patienceMs });
  } catch (error) {
    if (error instanceof Problem && error.code === 'NOT_FOUND') return;
    if (!isUnanswered(error)) throw error;
    if (onDelete === 'refuse')
      throw new Error(
        `the drill ${name} is not deleted, because its worker cannot be told: ${error.message}. Start the worker ("npm run up"), or set onDelete: "detach" and run "pulumi up" first.`,
        { cause: error },
      );
    job.report.warn(
      `the drill ${name} is forgotten, but its worker was not told (${error.message}); where that one runs again, so does the drill`,
    );
  }
}

function open(
  ports: DrillSchedulePorts,
  { worker, apiToken: token }: Pick<Inputs, 'worker' | 'apiToken'>,
  report?: Job['report'],
): WorkerApi {
  return ports.openApi({ url: worker, token, ...progressOf(report) });
}
