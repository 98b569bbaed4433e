import { z } from 'zod';
import { sites, type SiteId } from '../../pair/site.ts';
import { prefixOwnersSchema } from '../../pair/spec.ts';
import { provePrefixes } from '../../prefix-policy/prefix-policy.ts';
import { Problem } from '../../worker/problems.ts';
import type { Clock, OpenWorkerApi, WorkerApi } from '../ports.ts';
import type { Finding, Job, Outcome, PlannedChange, ResourceHandler } from '../server/handler.ts';
import { callWorker } from './worker-call.ts';
import { apiToken, clusterIds, workerUrls } from './worker-inputs.ts';

const inputs = z.strictObject({ owners: prefixOwnersSchema, workers: workerUrls, apiToken, clusterIds });
const outputs = z.strictObject({});

type Inputs = z.output<typeof inputs>;
type Outputs = z.output<typeof outputs>;

export interface PolicyPorts {
  readonly openApi: OpenWorkerApi;
  readonly clock: Clock;
}

/** Which site owns which names; declared at both workers. Deleting the resource leaves the policy where it is stored. */
export function prefixPolicyHandler(ports: PolicyPorts): ResourceHandler<typeof inputs, typeof outputs> {
  return {
    type: 'umbra:index:PrefixPolicy',
    inputs,
    outputs,
    secrets: [['apiToken']],
    replacedBy: [],
    id: () => 'prefix-policy',
    check({ owners }) {
      const errors = owners === undefined ? [] : provePrefixes(owners, 'owners');
      return errors.map(({ path, message }) => ({ property: 'owners', reason: `${path}: ${message}` }));
    },
    heal: () => [],
    planCreate: ({ owners }) => ({
      outputs: {},
      lines: owners === undefined ? [] : [`would give "${owners.a}*" to site a and "${owners.b}*" to site b`],
    }),
    planUpdate: ({ next: { owners } }) => ({
      outputs: {},
      lines: owners === undefined ? [] : [`would declare "${owners.a}*" for site a and "${owners.b}*" for site b`],
    }),
    previewUpdate: (change, job) => refuseUnderLinks(ports, change, job),
    create: (next, job) => declare(ports, next, job),
    read: (state, job) => find(ports, state, job),
    update: ({ next }, job) => declare(ports, next, job),
    // The links are gone by now; without them a stored policy has no effect, and a new pair declares its own.
    delete: () => Promise.resolve(),
  };
}

async function declare(ports: PolicyPorts, next: Inputs, job: Job): Promise<Outcome<Outputs>> {
  for (const site of sites) {
    const put = (): Promise<void> => open(ports, next, site).putPrefixPolicy(next.owners, job.signal);
    await callWorker(put, { job, clock: ports.clock, what: `worker of site ${site}` });
  }
  return { kind: 'done', outputs: {} };
}

/**
 * The workers refuse new prefixes under links, too; but by then `pulumi up` has already changed the ACLs of local
 * clusters. So it is asked in the preview. A worker that gives no answer does not stop a preview.
 */
async function refuseUnderLinks(
  ports: PolicyPorts,
  { old, changed }: PlannedChange<Inputs, Outputs>,
  job: Job,
): Promise<void> {
  if (!changed.includes('owners')) return;
  for (const site of sites) {
    const links = await linksAt(open(ports, old, site), job);
    if (links.length > 0) {
      const kept = `"${old.owners.a}" and "${old.owners.b}"`;
      throw new Problem(
        'POLICY_IN_USE',
        `the prefixes ${kept} are in use by the link ${links.join(', ')} at site ${site}`,
      );
    }
  }
}

async function linksAt(api: WorkerApi, job: Job): Promise<readonly string[]> {
  try {
    return (await api.links(job.signal)).map((link) => link.id);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    job.report.warn(`whether links use the prefixes could not be asked: ${error.message}`);
    return [];
  }
}

async function find(ports: PolicyPorts, state: Inputs, job: Job): Promise<Finding<Inputs, Outputs>> {
  const { owners } = state;
  try {
    const views = await Promise.all(sites.map((site) => open(ports, state, site).pair(job.signal)));
    const declared = views.map((view) => view.prefixes);
    if (declared.includes(undefined)) return { kind: 'gone' };
    const other = declared.find((prefixes) => prefixes?.a !== owners.a || prefixes.b !== owners.b);
    return other === undefined
      ? { kind: 'found', outputs: {} }
      : { kind: 'found', outputs: {}, drifted: { owners: other } };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {
      kind: 'unknown',
      reason: `the prefix policy could not be looked at and is taken as it was: ${error.message}`,
    };
  }
}

function open(ports: PolicyPorts, { workers, apiToken }: Inputs, site: SiteId): WorkerApi {
  return ports.openApi({ url: workers[site], token: apiToken });
}
