import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { sites, type SiteId } from '../../pair/site.ts';
import { type AclBinding, renderApplicationAcls } from '../../prefix-policy/acls.ts';
import {
  compilePolicy,
  type DeclaredPolicy,
  declaredPolicySchema,
  policyFields,
  type PrefixPolicy,
} from '../../prefix-policy/declared-policy.ts';
import { samePrefixes, whyNotRenamed } from '../../worker/control/spec-refusals.ts';
import { Problem } from '../../worker/problems.ts';
import type { Clock, OpenWorkerApi, WorkerApi } from '../ports.ts';
import type { CheckFailure, Finding, Job, Outcome, Plan, PlannedChange, ResourceHandler } from '../server/handler.ts';
import { aclLines } from './acl-lines.ts';
import { nothingStands, type PrefixStanding, standingAt, standingOf } from './pair-standing.ts';
import { iamFailures, iamInputs, iamOutputs, renderIam } from './prefix-policy-iam.ts';
import { callWorker, progressOf } from './worker-call.ts';
import { apiToken, clusterIds, workerUrls } from './worker-inputs.ts';

const inputs = z.strictObject({ ...policyFields, iam: iamInputs, workers: workerUrls, apiToken, clusterIds });
const outputs = z.strictObject({
  /** Of sites whose cluster has IAM access control: what each principal's role needs. */
  iamPolicies: iamOutputs,
});

type Inputs = z.output<typeof inputs>;
type Outputs = z.output<typeof outputs>;

export interface PolicyPorts {
  readonly openApi: OpenWorkerApi;
  readonly clock: Clock;
}

/** In the order in which they are written down. */
const prefixKinds = ['owners', 'groups', 'transactionalIds'] as const;
const policyNames = [...prefixKinds, 'unowned', 'applications'] as const;

/**
 * Which site owns which names, and what applications may do with them; declared at both workers, which grant it. Deleting
 * the resource leaves the policy where it is stored, and what was granted.
 */
export function prefixPolicyHandler(ports: PolicyPorts): ResourceHandler<typeof inputs, typeof outputs> {
  return {
    type: 'umbra:index:PrefixPolicy',
    inputs,
    outputs,
    secrets: [['apiToken']],
    replacedBy: [],
    id: () => 'prefix-policy',
    check: (next) => [...policyFailures(next), ...iamFailures(next, declaredIn(next))],
    heal: () => [],
    planCreate: (next) => planOf(next, undefined),
    planUpdate: ({ old, next }) => planOf(next, declaredIn(old)),
    previewUpdate: (change, job) => refuseInUse(ports, change, job),
    create: (next, job) => declare(ports, next, job),
    read: (state, job) => find(ports, state, job),
    update: ({ next }, job) => declare(ports, next, job),
    // The links are gone by now; without them a stored policy copies nothing, and a new pair declares its own.
    delete: () => Promise.resolve(),
  };
}

/** What of the inputs is the policy; undefined while its owners are not known, or it is wrong. */
function declaredIn(given: Partial<Inputs>): DeclaredPolicy | undefined {
  const parsed = declaredPolicySchema.safeParse(policyIn(given));
  return given.owners === undefined || !parsed.success ? undefined : parsed.data;
}

function policyIn(given: Partial<Inputs>): Partial<Inputs> {
  return Object.fromEntries(policyNames.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
}

function policyFailures(next: Partial<Inputs>): readonly CheckFailure[] {
  if (next.owners === undefined) return [];
  const parsed = declaredPolicySchema.safeParse(policyIn(next));
  const issues = parsed.success ? [] : parsed.error.issues;
  return issues.map(({ path, message }) => {
    return { property: String(path[0] ?? ''), reason: `${z.core.toDotPath(path)}: ${message}` };
  });
}

function planOf(next: Partial<Inputs>, before: DeclaredPolicy | undefined): Plan<Outputs> {
  const declared = declaredIn(next);
  if (declared === undefined) return { outputs: {}, lines: [] };
  const { owners } = declared;
  const [was, will] = [before === undefined ? undefined : compilePolicy(before), compilePolicy(declared)];
  const [verb, to] = before === undefined ? ['give', 'to'] : ['declare', 'for'];
  const names = `would ${verb} "${owners.a}*" ${to} site a and "${owners.b}*" ${to} site b`;
  return {
    outputs: renderIam(next, declared),
    lines: [
      names,
      ...sites.flatMap((site) => aclLines(grantedAt(was, site), grantedAt(will, site), ` at site ${site}`)),
    ],
  };
}

function grantedAt(policy: PrefixPolicy | undefined, site: SiteId): readonly AclBinding[] {
  if (policy === undefined) return [];
  const { owners, groups, transactionalIds, applications } = policy;
  return renderApplicationAcls({ site, owners, groups, transactionalIds, applications: applications[site] });
}

async function declare(ports: PolicyPorts, next: Inputs, job: Job): Promise<Outcome<Outputs>> {
  const declared = declaredPolicySchema.parse(policyIn(next));
  for (const site of sites) {
    const api = open(ports, next, site, job.report);
    const put = (): Promise<void> => api.putPrefixPolicy(declared, job.signal);
    await callWorker(put, { job, clock: ports.clock, what: `worker of site ${site}` });
    if (declared.applications[site].length > 0) await tellOfGrants(api, site, job);
  }
  return { kind: 'done', outputs: renderIam(next, declared) };
}

/** What a cluster did not take is told at once; the worker goes on trying. */
async function tellOfGrants(api: WorkerApi, site: SiteId, job: Job): Promise<void> {
  try {
    const { authorizer, refused, trouble } = (await api.acls(job.signal)).applications;
    const of = `the applications of site ${site}`;
    if (trouble !== undefined) job.report.warn(`nothing is granted to ${of} yet: ${trouble.message}`);
    else if (authorizer === 'absent') job.report.warn(`${of} need no grants: the cluster has no authorizer`);
    for (const { why } of refused.first) job.report.warn(`a grant to ${of} was refused: ${why}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    job.report.warn(`what is granted at site ${site} could not be asked: ${error.message}`);
  }
}

/**
 * The workers refuse new prefixes under links, too; but by then `pulumi up` has already changed the ACLs of local
 * clusters. So it is asked in the preview. A worker that gives no answer does not stop a preview.
 */
async function refuseInUse(
  ports: PolicyPorts,
  { old, next, changed }: PlannedChange<Inputs, Outputs>,
  job: Job,
): Promise<void> {
  const [was, will] = [declaredIn(old), declaredIn(next)];
  if (!prefixKinds.some((kind) => changed.includes(kind)) || was === undefined || will === undefined) return;
  const change = { now: compilePolicy(was), next: compilePolicy(will) };
  if (samePrefixes(change.now, change.next)) return;
  const seen = await Promise.all(sites.map((site) => askedStanding(open(ports, old, site), job)));
  const refusal = whyNotRenamed(change, standingOf(seen));
  if (refusal !== undefined) throw refusal;
}

async function askedStanding(api: WorkerApi, job: Job): Promise<PrefixStanding> {
  try {
    return await standingAt(api, job.signal);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    job.report.warn(`whether links use the prefixes could not be asked: ${error.message}`);
    return nothingStands;
  }
}

async function find(ports: PolicyPorts, state: Inputs, job: Job): Promise<Finding<Inputs, Outputs>> {
  const wanted = declaredPolicySchema.parse(policyIn(state));
  try {
    const declared = await Promise.all(sites.map((site) => open(ports, state, site).prefixPolicy(job.signal)));
    const other = declared.find((policy) => !isDeepStrictEqual(policy, wanted));
    return other === undefined
      ? { kind: 'found', outputs: {} }
      : { kind: 'found', outputs: {}, drifted: differences(wanted, other) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.code === 'NOT_FOUND') return { kind: 'gone' };
    return {
      kind: 'unknown',
      reason: `the prefix policy could not be looked at and is taken as it was: ${error.message}`,
    };
  }
}

/** What is declared there in place of what is wanted; prefixes that are not declared are those of topics. */
function differences(wanted: DeclaredPolicy, there: DeclaredPolicy): Partial<Inputs> {
  const full = {
    ...there,
    groups: there.groups ?? there.owners,
    transactionalIds: there.transactionalIds ?? there.owners,
  };
  const names = policyNames.filter((name) => !isDeepStrictEqual(wanted[name], there[name]));
  return Object.fromEntries(names.map((name) => [name, full[name]]));
}

function open(ports: PolicyPorts, { workers, apiToken }: Inputs, site: SiteId, report?: Job['report']): WorkerApi {
  return ports.openApi({ url: workers[site], token: apiToken, ...progressOf(report) });
}
