import { z } from 'zod';
import { siteIdSchema } from '../../pair/site.ts';
import type { AclBinding } from '../../prefix-policy/acls.ts';
import type { ClusterCondition, LocalClusters, LocalClusterSpec, RunningCluster, Working } from '../ports.ts';
import type { Job, Outcome, Plan, PlannedChange, ResourceHandler } from '../server/handler.ts';
import { aclLines } from './acl-lines.ts';
import { localClusterFields } from '../resources/resource-fields.ts';
import { renderError } from '../server/provider-errors.ts';

const aclBinding: z.ZodType<AclBinding> = z.strictObject({
  resourceType: z.enum(['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID']),
  resourceName: z.string().min(1, 'must not be empty'),
  patternType: z.enum(['LITERAL', 'PREFIXED']),
  principal: z.string().startsWith('User:', 'must look like User:name'),
  host: z.literal('*'),
  operation: z.enum(['READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'ALTER_CONFIGS', 'DESCRIBE_CONFIGS']),
  permission: z.enum(['ALLOW', 'DENY']),
});

const inputs = z.strictObject({
  site: siteIdSchema,
  ...localClusterFields,
  grants: z.array(aclBinding),
});

const outputs = z.strictObject({
  bootstrapServers: z.array(z.string()),
  clusterId: z.string(),
  mechanism: z.string(),
  /** False when a broker was found dead: the next update starts it again. */
  running: z.boolean(),
  home: z.string(),
  clientFiles: z.record(z.string(), z.string()),
  adminPassword: z.string(),
  umbraPassword: z.string(),
  appPassword: z.string(),
});

type Inputs = z.output<typeof inputs>;
type Outputs = z.output<typeof outputs>;

/** A Kafka cluster on this machine. Its data survives every update; only deleting the resource removes it. */
export function localClusterHandler(clusters: LocalClusters): ResourceHandler<typeof inputs, typeof outputs> {
  return {
    type: 'umbra:index:LocalCluster',
    inputs,
    outputs,
    secrets: [['adminPassword'], ['umbraPassword'], ['appPassword']],
    replacedBy: ['site'],
    id: ({ site }) => `cluster-${site}`,
    check(next, old) {
      if (old?.kafkaVersion === undefined || next.kafkaVersion === undefined) return [];
      if (clusters.keepsData({ kafkaVersion: old.kafkaVersion }, { kafkaVersion: next.kafkaVersion })) return [];
      const reason = `the data was written by Kafka ${old.kafkaVersion}, which is newer; take that version back, or delete the cluster and its data first ("npm run down")`;
      return [{ property: 'kafkaVersion', reason }];
    },
    heal: ({ running }) => (running === false ? ['running'] : []),
    planCreate: (next) => planCreate(next, clusters),
    planUpdate,
    create: (next, job) => apply(clusters, next, { job, start: true }),
    async read({ site }, job) {
      const condition = await clusters.inspect(site, job.signal);
      if (condition.kind === 'absent') return { kind: 'gone' };
      if (condition.kind === 'down')
        job.report.warn(`${condition.why}\nIts data is there; "pulumi up" starts it again.`);
      return { kind: 'found', outputs: outputsOf(clusters, site, condition) };
    },
    update: ({ next, changed }, job) => {
      const onlyGrants = changed.length > 0 && changed.every((name) => name === 'grants');
      return apply(clusters, next, { job, start: !onlyGrants });
    },
    delete: ({ site }, job) => remove(clusters, site, job),
  };
}

/** Starts what does not run, then makes the ACLs be the wanted ones. What exists afterwards is always reported. */
async function apply(
  clusters: LocalClusters,
  next: Inputs,
  { job, start }: { job: Job; start: boolean },
): Promise<Outcome<Outputs>> {
  try {
    if (start) await clusters.start(specOf(next), working(job));
    await clusters.grant(next.site, next.grants, working(job));
  } catch (error) {
    return await unfinished(clusters, next.site, error);
  }
  const condition = await clusters.inspect(next.site, job.signal);
  if (condition.kind === 'running') return { kind: 'done', outputs: outputsOf(clusters, next.site, condition) };
  return await unfinished(clusters, next.site, new Error(condition.kind === 'down' ? condition.why : 'it is gone'));
}

/** Its topics may be nowhere else: not under a worker that works with it, whatever took it out of the program. */
async function remove(clusters: LocalClusters, site: Inputs['site'], job: Job): Promise<void> {
  const [worker] = await clusters.usedBy(site, job.signal);
  if (worker !== undefined) {
    const remedy = 'Take it back into the program, or take the whole pair away with "npm run down"';
    throw new Error(
      `the cluster of site ${site} is not deleted, nor its data: the worker ${worker} works with it. ${remedy}.`,
    );
  }
  await clusters.delete(site, working(job));
}

/** What has left files behind must stay in the state, or nothing would ever delete them. */
async function unfinished(clusters: LocalClusters, site: Inputs['site'], error: unknown): Promise<Outcome<Outputs>> {
  // Looked at without the job's signal: a cancelled creation has to be noted too. Only files and processes are read.
  const condition = await clusters.inspect(site, new AbortController().signal);
  if (condition.kind === 'absent') throw error;
  return { kind: 'unfinished', outputs: outputsOf(clusters, site, condition), reasons: [renderError(error)] };
}

function outputsOf(
  clusters: LocalClusters,
  site: Inputs['site'],
  condition: Exclude<ClusterCondition, { kind: 'absent' }>,
): Outputs {
  const { bootstrapServers, clusterId, mechanism, passwords }: RunningCluster = condition;
  return {
    ...{ bootstrapServers: [...bootstrapServers], clusterId, mechanism },
    ...clusters.files(site),
    running: condition.kind === 'running',
    adminPassword: passwords.admin,
    umbraPassword: passwords.umbra,
    appPassword: passwords.app,
  };
}

function planCreate(next: Partial<Inputs>, clusters: LocalClusters): Plan<Outputs> {
  if (next.site === undefined) return { outputs: {}, lines: [] };
  const files = clusters.files(next.site);
  const kafka = `Kafka ${next.kafkaVersion ?? '(version not known yet)'} (${next.runtime ?? 'jvm'})`;
  const lines = [`would start ${kafka} for site ${next.site} in ${files.home}`];
  if (next.grants !== undefined) lines.push(`would grant ${next.grants.length} ACLs to its principals`);
  return { outputs: { ...files, running: true }, lines };
}

function planUpdate({ old, next, changed }: PlannedChange<Inputs, Outputs>): Plan<Outputs> {
  const { bootstrapServers, clientPort: _port, ...rest } = old;
  const kept = changed.includes('clientPort') || bootstrapServers === undefined ? {} : { bootstrapServers };
  const restarts = changed.filter((name) => !['grants', 'running', 'unfinished'].includes(name));
  const lines: string[] = [];
  if (changed.includes('unfinished')) lines.push('would finish what the last update left half-way');
  if (changed.includes('running')) lines.push('would start the broker again; its data is kept');
  if (restarts.length > 0) lines.push(`would restart the broker (${restarts.join(', ')} changed); its data is kept`);
  if (changed.includes('grants') && next.grants !== undefined) lines.push(...aclLines(old.grants, next.grants));
  return { outputs: { ...pickOutputs(rest), ...kept, running: true }, lines };
}

function pickOutputs(state: Partial<Outputs>): Partial<Outputs> {
  const names = Object.keys(outputs.shape);
  return Object.fromEntries(Object.entries(state).filter(([name]) => names.includes(name)));
}

function specOf(next: Inputs): LocalClusterSpec {
  const { site, runtime, kafkaVersion, clientPort, heapMb } = next;
  return { site, runtime, kafkaVersion, clientPort, heapMb };
}

function working(job: Job): Working {
  return { signal: job.signal, progress: (line) => job.report.progress(line) };
}
