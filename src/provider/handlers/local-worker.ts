import { z } from 'zod';
import { sites } from '../../pair/site.ts';
import { refuseOwnCanary } from '../../worker/drill/own-canary.ts';
import { refuseOwnProbe } from '../../worker/repoint/own-probe.ts';
import { workerConfigSchema } from '../../worker/worker-config.ts';
import type { LocalWorkers, LocalWorkerSpec, WorkerCondition, Working } from '../ports.ts';
import type {
  CheckFailure,
  Finding,
  Job,
  Outcome,
  Plan,
  PlannedChange,
  ResourceHandler,
  SecretPath,
} from '../server/handler.ts';
import { workerFields } from '../resources/resource-fields.ts';
import { renderError } from '../server/provider-errors.ts';
import { apiToken, clusterIds } from './worker-inputs.ts';

const { pair, site, clusters } = workerConfigSchema.shape;

const inputs = z.strictObject({
  pair,
  site,
  number: z.int().min(1).max(16).optional(),
  clusters,
  ...workerFields,
  apiToken,
  clusterIds,
});

const outputs = z.strictObject({
  apiUrl: z.string(),
  metricsUrl: z.string(),
  pid: z.int(),
  /** False when the process was found dead: the next update starts it again. */
  running: z.boolean(),
});

type Inputs = z.output<typeof inputs>;
type Outputs = z.output<typeof outputs>;

/** A worker as a process of this machine. Its state is in the clusters: starting it again loses nothing. */
export function localWorkerHandler(workers: LocalWorkers): ResourceHandler<typeof inputs, typeof outputs> {
  return {
    type: 'umbra:index:LocalWorker',
    inputs,
    outputs,
    secrets: [
      ...[...passwordsOf('clusters'), ...passwordsOf('drills', 'canary', 'clients')],
      ...[['apiToken'], ['repoint']],
    ],
    replacedBy: ['site', 'number'],
    id: ({ site, number = 1 }) => `worker-${site}${number === 1 ? '' : `-${number}`}`,
    check: (next, old) => [
      ...ownProbes(next),
      ...ownCanaries(next),
      ...(old === undefined ? [] : [...otherPair(next, old), ...otherClusters(next, old)]),
    ],
    heal: ({ running }) => (running === false ? ['running'] : []),
    planCreate: (next) => ({
      outputs: { running: true },
      lines: next.site === undefined ? [] : [`would start the worker of site ${next.site}`],
    }),
    planUpdate,
    create: (next, job) => start(workers, next, job),
    read: async (state, job) => found(await workers.inspect(state, job.signal), job),
    update: ({ next }, job) => start(workers, next, job),
    delete: (state, job) => workers.delete(state, working(job)),
  };
}

function otherPair(next: Partial<Inputs>, old: Partial<Inputs>): readonly CheckFailure[] {
  if (old.pair === undefined || next.pair === undefined || old.pair === next.pair) return [];
  const reason = `cannot change from "${old.pair}": both sites store their state under that name; take it back, or destroy the pair first`;
  return [{ property: 'pair', reason }];
}

/**
 * A worker that goes on with another cluster takes its topics for those of the pair, and a missing one for a deleted one. So
 * the clusters of a pair do not change while it has workers.
 */
function otherClusters(next: Partial<Inputs>, old: Partial<Inputs>): readonly CheckFailure[] {
  const [now, was] = [next.clusterIds, old.clusterIds];
  if (now === undefined || was === undefined) return [];
  const other = sites.filter((site) => now[site] !== was[site]);
  const [site] = other;
  if (site === undefined) return [];
  const swapped = now.a === was.b && now.b === was.a;
  const what = swapped
    ? 'the sites are swapped: site a would be the cluster that is site b, and the other way round'
    : `site ${site} is another Kafka cluster now (id ${now[site]}, was ${was[site]})`;
  const remedy = swapped
    ? 'give each site its own cluster back'
    : 'give it its own cluster back; if that is gone for good, take the pair away ("npm run down") and declare it anew';
  return [{ property: '', reason: `${what}, and nothing is copied or moved for that; ${remedy}` }];
}

function ownProbes({ site, clusters, repoint }: Partial<Inputs>): readonly CheckFailure[] {
  if (site === undefined || clusters === undefined) return [];
  return refuseOwnProbe({ site, clusters, repoint }).map(({ path, message }) => ({
    property: '',
    reason: `${z.core.toDotPath(path)}: ${message}`,
  }));
}

function ownCanaries({ clusters, drills }: Partial<Inputs>): readonly CheckFailure[] {
  if (clusters === undefined) return [];
  return refuseOwnCanary({ clusters, clients: drills?.canary?.clients }).map(({ path, message }) => ({
    property: '',
    reason: `drills.canary.clients.${path.join('.')}: ${message}`,
  }));
}

function passwordsOf(...path: readonly string[]): readonly SecretPath[] {
  return ['password', 'token'].map((name) => [...path, '*', 'sasl', name]);
}

async function start(workers: LocalWorkers, next: Inputs, job: Job): Promise<Outcome<Outputs>> {
  try {
    const { apiUrl, metricsUrl, pid } = await workers.start(specOf(next), working(job));
    return { kind: 'done', outputs: { apiUrl, metricsUrl, pid, running: true } };
  } catch (error) {
    // Looked at without the job's signal: a process that was started before a cancellation has to be noted too.
    const condition = await workers.inspect(next, new AbortController().signal);
    if (condition.kind === 'absent') throw error;
    return { kind: 'unfinished', outputs: { running: false }, reasons: [renderError(error)] };
  }
}

function found(condition: WorkerCondition, job: Job): Finding<Inputs, Outputs> {
  if (condition.kind === 'absent') return { kind: 'gone' };
  if (condition.kind === 'down') {
    job.report.warn(`${condition.why}\n"pulumi up" starts it again.`);
    return { kind: 'found', outputs: { running: false } };
  }
  const { apiUrl, metricsUrl, pid } = condition;
  return { kind: 'found', outputs: { apiUrl, metricsUrl, pid, running: true } };
}

function planUpdate({ old, changed }: PlannedChange<Inputs, Outputs>): Plan<Outputs> {
  const restarts = changed.filter((name) => !['running', 'unfinished', 'clusterIds'].includes(name));
  const lines =
    restarts.length === 0
      ? ['would start the worker again']
      : [`would restart the worker (${restarts.join(', ')} changed)`];
  const moves = changed.includes('apiHost') || changed.includes('apiPort');
  const addresses =
    moves || old.apiUrl === undefined || old.metricsUrl === undefined
      ? {}
      : { apiUrl: old.apiUrl, metricsUrl: old.metricsUrl };
  return { outputs: { ...addresses, running: true }, lines };
}

function specOf(next: Inputs): LocalWorkerSpec {
  const { pair, site, number, clusters, apiHost, apiPort, apiToken, ...rest } = next;
  const { logLevel, principals, authorizers, repoint, drills } = rest;
  const address = { apiHost, apiPort, apiToken };
  return { pair, site, number, clusters, ...address, logLevel, principals, authorizers, repoint, drills };
}

function working(job: Job): Working {
  return { signal: job.signal, progress: (line) => job.report.progress(line) };
}
