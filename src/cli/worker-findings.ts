import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkWorkerClock } from '../worker/doctor/check-workers.ts';
import { found, inOrder } from '../worker/doctor/doctor-codes.ts';
import type { Finding } from '../worker/finding.ts';
import type { SiteId } from '../pair/site.ts';
import { channelStates, type ChannelView } from '../worker/spec-channel-view.ts';
import { Problem } from '../worker/problems.ts';
import type { FoundConfig, KnownWorker } from './discovery.ts';
import { quarantineFolderOf } from './quarantine-folder.ts';

/** What the API of one worker says of it. */
export interface WorkerSight {
  readonly worker: Pick<KnownWorker, 'site'> & { readonly url: string };
  readonly said:
    | { readonly kind: 'ready'; readonly version: string; readonly channel?: ChannelView | undefined }
    | { readonly kind: 'not-ready'; readonly reason: string }
    /** Ready itself, and nobody answers for the site. */
    | { readonly kind: 'leaderless'; readonly reason: string }
    | { readonly kind: 'silent'; readonly problem: Problem };
  /** Its clock against that of this machine; undefined when it did not say. */
  readonly aheadMs: number | undefined;
}

/** Asks each worker whether it is ready, of which version it is, and what time it has. */
export function lookAtWorkers(workers: readonly KnownWorker[], signal: AbortSignal): Promise<readonly WorkerSight[]> {
  return Promise.all(
    workers.map(async ({ client, site }): Promise<WorkerSight> => {
      const worker = { url: client.url, ...(site === undefined ? {} : { site }) };
      try {
        const { ready, reason } = await client.ready(signal);
        const aheadMs = await clockOf(client.url, signal);
        if (!ready) return { worker, said: { kind: 'not-ready', reason }, aheadMs };
        return { worker, said: await leadOf(client, signal), aheadMs };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return { worker, said: { kind: 'silent', problem: error }, aheadMs: undefined };
      }
    }),
  );
}

/** Of whichever worker leads the site. */
async function leadOf(client: KnownWorker['client'], signal: AbortSignal): Promise<WorkerSight['said']> {
  try {
    const { worker, channel } = await client.pair(signal);
    return { kind: 'ready', version: worker.version, channel };
  } catch (error) {
    if (error instanceof Problem && error.code === 'NOT_READY') return { kind: 'leaderless', reason: error.message };
    throw error;
  }
}

const clockTimeoutMs = 5_000;

/** The header has whole seconds, cut off: half of one is added. */
async function clockOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const asked = Date.now();
    const answer = await fetch(`${url}/healthz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(clockTimeoutMs)]),
    });
    await answer.body?.cancel();
    const date = Date.parse(answer.headers.get('date') ?? '');
    return Number.isNaN(date) ? undefined : date + 500 - (asked + Date.now()) / 2;
  } catch (error) {
    signal.throwIfAborted();
    // That it does not answer is found by asking whether it is ready.
    if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')) return undefined;
    throw error;
  }
}

/** Pure. `version` is that of this command. */
export function judgeWorkers(sights: readonly WorkerSight[], version: string): readonly Finding[] {
  const findings = sights.flatMap(({ worker: { site, url }, said, aheadMs }): readonly Finding[] => {
    const clock = aheadMs === undefined ? [] : checkWorkerClock(site, { url, aheadMs });
    switch (said.kind) {
      case 'ready':
        return [inOrder(site, 'worker', `${url} is ready`), ...clock, ...judgeChannel(site, said.channel)];
      case 'not-ready':
        return [
          found('WORKER_NOT_READY', {
            site,
            message: `${url} is not ready: ${said.reason}`,
            remedy: 'Wait; if it lasts, follow the reason and read the log of that worker.',
          }),
          ...clock,
        ];
      case 'leaderless':
        return [
          found('NO_LEADER', {
            site,
            message: `${url} is ready, but nobody leads its site: ${said.reason}`,
            remedy: 'Follow the reason: most often a right on transactional ids or _umbra is missing.',
          }),
          ...clock,
        ];
      case 'silent': {
        const { message } = said.problem;
        return [found('WORKER_SILENT', { site, message, remedy: remedyOf(said.problem) })];
      }
    }
  });
  const versions = sights.flatMap(({ worker, said }) =>
    said.kind === 'ready' ? [{ url: worker.url, version: said.version }] : [],
  );
  const others = versions.filter((each) => each.version !== version);
  if (others.length === 0) return findings;
  const list = versions.map((each) => `${each.url} ${each.version}`).join(', ');
  return [
    ...findings,
    found('WORKER_VERSIONS', {
      message: `this command is umbra ${version}, the workers are ${list}`,
      remedy: 'Install one version everywhere; restart the workers one after the other, those of one site together.',
    }),
  ];
}

function judgeChannel(site: SiteId | undefined, channel: ChannelView | undefined): readonly Finding[] {
  if (channel === undefined) return [];
  const { state, document, reason } = channel;
  const { well, meaning } = channelStates[state];
  if (well) return [inOrder(site, 'policy', `${document} is ${state}: ${meaning}`)];
  const message = `${document} is ${state}: ${reason ?? meaning}`;
  const remedy = 'Follow the reason; "pulumi up --refresh" writes the document again, as the program declares it.';
  return [found('SPEC_CHANNEL', { ...(site === undefined ? {} : { site }), message, remedy })];
}

/** The table sends people here; from here on there is only starting it. */
function remedyOf(problem: Problem): string {
  return problem.code === 'UNREACHABLE'
    ? '"npx umbra local start" or "npm run up" starts what has stopped.'
    : problem.remedy;
}

/** Whether what only a copy holds could be written, for workers of this machine. The folder is made when it is needed. */
export async function quarantineFindings(configs: readonly FoundConfig[]): Promise<readonly Finding[]> {
  return (await Promise.all(configs.map(quarantineFinding))).flat();
}

async function quarantineFinding(config: FoundConfig): Promise<readonly Finding[]> {
  const folder = quarantineFolderOf(config);
  const why = await unwritable(folder);
  if (why === undefined) return [];
  return [
    found('QUARANTINE_FOLDER', {
      site: config.config.site,
      message: `the quarantine folder ${folder} cannot be written (${why}): no copy of this worker can be rebuilt`,
      remedy: `Create it for the user of the worker, or set quarantineFolder in ${config.file} and restart the worker.`,
    }),
  ];
}

/** A folder that is not there must be one that can be made: the nearest one above it decides. */
async function unwritable(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK | constants.X_OK);
      return undefined;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      if (code !== 'ENOENT' || dirname(at) === at) return at === folder ? code : `${code} at ${at}`;
    }
  }
}
