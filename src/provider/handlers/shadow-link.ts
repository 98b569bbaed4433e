import { z } from 'zod';
import { siteIdSchema } from '../../pair/site.ts';
import { gapDecisionSchema, linkAclsSchema, linkId, type LinkSpec } from '../../pair/spec.ts';
import { topicPolicySchema } from '../../pair/topic-policy.ts';
import { whyNotRedeclared } from '../../worker/control/spec-refusals.ts';
import { someOf } from '../../worker/events/some-of.ts';
import { channelStates } from '../../worker/spec-channel-view.ts';
import { Problem } from '../../worker/problems.ts';
import type { LinkView } from '../../worker/views.ts';
import { parseChannelUrl } from '../resources/channel-url.ts';
import type { CarriedTopic, Clock, OpenWorkerApi, WorkerApi } from '../ports.ts';
import type { Job, Outcome, Plan, PlannedChange, ResourceHandler } from '../server/handler.ts';
import { callWorker, isUnanswered, progressOf, workerReadyMs } from './worker-call.ts';
import { apiToken, clusterIds, workerUrl } from './worker-inputs.ts';

const inputs = z.strictObject({
  from: siteIdSchema,
  to: siteIdSchema,
  /** API of the worker at the destination: a link is defined, stored and run there. */
  worker: workerUrl,
  apiToken,
  /** See {@link gapDecisionSchema}. */
  gap: gapDecisionSchema.default('fault'),
  topics: topicPolicySchema.optional(),
  acls: linkAclsSchema.optional(),
  /** `refuse`: a link that topics follow is not deleted. `detach`: it is forgotten and the copies stay as they are. */
  onDelete: z.enum(['refuse', 'detach'], { error: 'must be "refuse" or "detach"' }).default('refuse'),
  clusterIds,
});

const outputs = z.strictObject({
  /** As last seen, see `linkStateSchema` in worker/views.ts. */
  state: z.string(),
  /** Whether the copies are protected by the destination's authorizer. */
  fence: z.string(),
});

type Inputs = z.output<typeof inputs>;
type Outputs = z.output<typeof outputs>;

/** How long a link may take to leave the state `starting`; then its creation is unfinished. */
const startingMs = 60_000;
/** How long a cluster that is away is waited for; then the link is taken as it is, with a warning. */
const awayMs = 20_000;
const pauseMs = 500;

function unsettledMs(state: string): number {
  if (state === 'starting') return startingMs;
  return state === 'source-unreachable' || state === 'target-unreachable' ? awayMs : 0;
}
/** It runs, and the document that declares it is not in order. */
const undeclared = 'undeclared';
/** How long a worker is waited for that only has to be told to forget. */
const detachPatienceMs = 3_000;

/** What changes nothing at the worker. */
const ownMatters = ['onDelete', 'apiToken'];

export interface ShadowLinkPorts {
  readonly openApi: OpenWorkerApi;
  readonly clock: Clock;
}

/** One direction of copying. Nothing here promotes, demotes or drops a copy. */
export function shadowLinkHandler(ports: ShadowLinkPorts): ResourceHandler<typeof inputs, typeof outputs> {
  return {
    type: 'umbra:index:ShadowLink',
    inputs,
    outputs,
    secrets: [['apiToken']],
    replacedBy: ['from', 'to', 'clusterIds'],
    id: linkId,
    check(next) {
      if (next.from === undefined || next.from !== next.to) return [];
      return [
        { property: 'to', reason: `must be the other site than "from" (${next.from}): a link joins the two sites` },
      ];
    },
    // A cluster that was away when the link was looked at may have been started by this very update: look again.
    // A document that is lost or damaged is written again by declaring the link again.
    heal: ({ state }) => (state !== undefined && (unsettledMs(state) > 0 || state === undeclared) ? ['state'] : []),
    planCreate,
    planUpdate,
    previewUpdate: (change, job) => tellWhatIsLeft(ports, change, job),
    create: (next, job) => define(ports, next, job),
    async read(state, job) {
      const id = linkId(state);
      try {
        const api = open(ports, state);
        const link = (await api.links(job.signal)).find((view) => view.id === id);
        if (link === undefined) return { kind: 'gone' };
        const trouble = await channelTrouble(api, state, job);
        if (trouble === undefined) return { kind: 'found', outputs: outputsOf(link) };
        job.report.warn(trouble);
        return { kind: 'found', outputs: { ...outputsOf(link), state: undeclared } };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return {
          kind: 'unknown',
          reason: `link ${id} could not be looked at, its state is the last one seen: ${error.message}`,
        };
      }
    },
    update({ old, next, changed }, job) {
      const { state, fence } = old;
      // Nothing has to be said to anybody: the worker knows neither.
      const silent = changed.length > 0 && changed.every((name) => ownMatters.includes(name));
      if (silent && state !== undefined && fence !== undefined) {
        return Promise.resolve({ kind: 'done', outputs: { state, fence } });
      }
      return define(ports, next, job);
    },
    delete: (state, job) => remove(ports, state, job),
  };
}

function open(
  ports: ShadowLinkPorts,
  { worker, apiToken }: Pick<Inputs, 'worker' | 'apiToken'>,
  report?: Job['report'],
): WorkerApi {
  return ports.openApi({ url: worker, token: apiToken, ...progressOf(report) });
}

/** Where it is declared by a document: why that is not in order. */
async function channelTrouble(api: WorkerApi, { worker }: Inputs, job: Job): Promise<string | undefined> {
  if (parseChannelUrl(worker) === undefined) return undefined;
  const { channel } = await api.pair(job.signal);
  if (channel === undefined || channelStates[channel.state].well) return undefined;
  const { document, state, reason } = channel;
  return `${document} is ${state}: ${reason ?? channelStates[state].meaning}`;
}

/** Declares the link (again: it is idempotent) and waits until its state says how it is. */
async function define(ports: ShadowLinkPorts, next: Inputs, job: Job): Promise<Outcome<Outputs>> {
  const { clock } = ports;
  const [api, id] = [open(ports, next, job.report), linkId(next)];
  const declare = (): Promise<LinkView> => api.putLink(specOf(next), job.signal);
  let link = await callWorker(declare, { job, clock, what: `link ${id}` });
  const beganMs = clock.nowMs();
  try {
    for (let waitedMs = 0; waitedMs < unsettledMs(link.state); waitedMs = clock.nowMs() - beganMs) {
      job.report.progress(`link ${id} is ${link.state} (${Math.round(waitedMs / 1000)} s)`);
      await clock.sleep(pauseMs, job.signal);
      link = await seen(api, link, job);
    }
  } catch (error) {
    // The link is declared: whatever happens while waiting, it must stay in the state.
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'unfinished', outputs: outputsOf(link), reasons: [`link ${id} is declared; ${why}`] };
  }
  if (link.state === 'starting') return stillStarting(link);
  if (link.state !== 'following') {
    job.report.warn(`link ${id} is ${link.state}${link.problem === undefined ? '' : `: ${link.problem}`}`);
  }
  return { kind: 'done', outputs: outputsOf(link) };
}

function specOf({ from, to, gap, topics, acls }: Inputs): LinkSpec {
  return { from, to, gap, ...(topics === undefined ? {} : { topics }), ...(acls === undefined ? {} : { acls }) };
}

/** The link as it is now; as it was, while the worker gives no answer. */
async function seen(api: WorkerApi, link: LinkView, job: Job): Promise<LinkView> {
  try {
    return (await api.links(job.signal)).find((view) => view.id === link.id) ?? link;
  } catch (error) {
    if (isUnanswered(error)) return link;
    throw error;
  }
}

function stillStarting(link: LinkView): Outcome<Outputs> {
  const why = link.problem === undefined ? '' : `: ${link.problem}`;
  const reason = `link ${link.id} is declared but still starting after ${startingMs / 1000} s${why}; see "npx umbra doctor", then run "pulumi up" again`;
  return { kind: 'unfinished', outputs: outputsOf(link), reasons: [reason] };
}

/** `refuse` needs the worker's word that nothing follows; `detach` does not wait for it. */
async function remove(ports: ShadowLinkPorts, state: Inputs, job: Job): Promise<void> {
  const id = linkId(state);
  try {
    const drop = (): Promise<void> => open(ports, state, job.report).deleteLink(id, state.onDelete, job.signal);
    const patienceMs = state.onDelete === 'detach' ? detachPatienceMs : workerReadyMs;
    await callWorker(drop, { job, clock: ports.clock, what: `link ${id}`, patienceMs });
  } catch (error) {
    if (error instanceof Problem && error.code === 'NOT_FOUND') return;
    if (!isUnanswered(error)) throw error;
    if (state.onDelete === 'refuse') throw unproven(id, error);
    job.report.warn(
      `link ${id} is detached, but its worker was not told (${error.message}); the copies are left as they are`,
    );
  }
}

/** What a preview has to ask for: which copies a link that may be deleted, or deletes, would leave unprotected. */
async function tellWhatIsLeft(
  ports: ShadowLinkPorts,
  { old, next, changed }: PlannedChange<Inputs, Outputs>,
  job: Job,
): Promise<void> {
  const detaches = changed.includes('onDelete') && next.onDelete === 'detach';
  const { from, to, gap, topics } = next;
  const deletes = changed.includes('topics') && topics?.deletion === 'follow';
  if (!detaches && !deletes) return;
  const carried = await carriedBy(open(ports, old), linkId(old), job);
  const copies = carried.flatMap(({ name, state }) => (['pending', 'promoted'].includes(state) ? [] : [name]));
  if (detaches && copies.length > 0) {
    job.report.warn(`without this link nobody keeps ${copies.length} of its copies up to date: ${someOf(copies)}`);
  }
  if (!deletes || from === undefined || to === undefined || gap === undefined) return;
  const orphans = carried.flatMap(({ name, state }) => (state === 'orphaned' ? [name] : []));
  const change = { now: specOf(old), next: { from, to, gap, topics } };
  const refusal = whyNotRedeclared(change, { operations: [], orphans });
  if (refusal !== undefined) throw refusal;
}

async function carriedBy(api: WorkerApi, id: string, job: Job): Promise<readonly CarriedTopic[]> {
  try {
    return (await api.topics(job.signal)).filter(({ link }) => link === id);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    job.report.warn(`what link ${id} carries could not be asked: ${error.message}`);
    return [];
  }
}

function unproven(id: string, error: Problem): Error {
  const remedy =
    'Start the worker ("npm run up"), or set onDelete: "detach" and run "pulumi up" first; the copies then stay as they are.';
  return new Error(
    `link ${id} is not deleted, because nobody can say whether topics follow it: ${error.message}. ${remedy}`,
  );
}

function outputsOf(link: LinkView): Outputs {
  return { state: link.state, fence: link.fence };
}

function planCreate({ from, to }: Partial<Inputs>): Plan<Outputs> {
  if (from === undefined || to === undefined) return { outputs: {}, lines: [] };
  return {
    outputs: {},
    lines: [`would copy every topic whose home is site ${from} to site ${to}, read-only there, same offsets and bytes`],
  };
}

function planUpdate({ old, next, changed }: PlannedChange<Inputs, Outputs>): Plan<Outputs> {
  const lines: string[] = [];
  if (changed.includes('onDelete') && next.onDelete === 'detach') {
    lines.push('deleting this link would then leave its copies as they are, even while topics follow');
  }
  if (changed.includes('gap') && next.gap === 'fill') {
    lines.push('would fill gaps of any size, at 78 bytes for each missing offset: "npx umbra status" names the price');
  }
  if (changed.includes('topics') && next.topics?.deletion === 'follow') {
    lines.push('would delete copies from then on when their source topics are deleted');
  }
  if (changed.some((name) => !ownMatters.includes(name)))
    lines.push('would declare the link again; nothing is copied anew');
  const { state, fence } = old;
  return { outputs: state === undefined || fence === undefined ? {} : { state, fence }, lines };
}
