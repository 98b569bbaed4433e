import type { RunRecord } from '../../drill/run-record.ts';
import { otherSite } from '../../pair/site.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { PeerState } from '../moves/peer-state.ts';
import { callWebhook } from '../repoint/call-webhook.ts';
import { runHookCommand } from '../repoint/run-hook-command.ts';
import { passedOn } from '../repoint/site-hooks.ts';
import type { DrillPorts } from './drill-ports.ts';
import type { LossHook } from './drills-config.ts';
import { lookUntil } from './look-until.ts';

export type LossPorts = Pick<DrillPorts, 'site' | 'link' | 'config' | 'servers' | 'logger'>;

/** For the other site's cluster to be gone when the hook has ended. */
const goneMsMax = 60_000;
/** For its controller to answer again when the hook has ended: brokers read their logs, a worker joins its group. */
const backMsMax = 300_000;
const askMsMax = 1_500;
const lookMs = 200;
/** So many questions one after the other have to stay without an answer: one may be an accident. */
const silencesMin = 2;
/** What a hook calls is mended by people or restarts: later pauses than those between requests to a broker. */
const steepness = 2;

/**
 * Takes the other site's cluster away as the worker's file says, and waits until it is gone; where the file says nothing it stays.
 * Resolves to why it is not gone, a line each. Idempotent as far as the hook is.
 */
export async function lose(ports: LossPorts, run: RunRecord, signal: AbortSignal): Promise<readonly string[]> {
  const hook = ports.config?.loss?.lose;
  if (hook === undefined) return [];
  const why = await runHook(ports, hook, { run, does: 'lose' }, signal);
  if (why !== undefined) return [`the hook that loses site ${otherSite(ports.site)} did not do it: ${why}`];
  let silences = 0;
  const gone = await lookUntil(
    async () => {
      silences = (await answers(ports.link()?.peer, signal)) ? 0 : silences + 1;
      return silences >= silencesMin || undefined;
    },
    { forMs: goneMsMax, everyMs: lookMs },
    signal,
  );
  if (gone) return [];
  const there = `site ${otherSite(ports.site)} still answers`;
  return [`${there} ${goneMsMax / 1000} s after the hook that loses it has ended: nothing was lost`];
}

/** Gives it back, and waits until the other site's controller has seen the phase that the run is at. Resolves to why not. */
export async function mend(ports: LossPorts, run: RunRecord, signal: AbortSignal): Promise<readonly string[]> {
  const there = otherSite(ports.site);
  const hook = ports.config?.loss?.mend;
  if (hook === undefined && run.facts.loss === 'made')
    return [`no hook mends site ${there} any more: drills.loss of the worker’s file is gone. Bring it back by hand`];
  const why = hook && (await runHook(ports, hook, { run, does: 'mend' }, signal));
  if (why !== undefined) return [`the hook that mends site ${there} did not do it: ${why}. Bring it back by hand`];
  const back = await lookUntil(
    () => (ports.link()?.peer.state.drills.answer(run.id)?.seen ?? 0) >= run.at || undefined,
    { forMs: backMsMax, everyMs: lookMs },
    signal,
  );
  if (back) return [];
  return [`the controller of site ${there} has not answered within ${backMsMax / 1000} s since it was mended`];
}

async function answers(peer: PeerState | undefined, signal: AbortSignal): Promise<boolean> {
  try {
    await peer?.read(AbortSignal.any([signal, AbortSignal.timeout(askMsMax)]));
    return peer !== undefined;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** What a hook is told: JSON for its input, or the body of the request. */
interface Told {
  readonly run: Pick<RunRecord, 'id' | 'drill'>;
  readonly does: 'lose' | 'mend';
}

/** Until it has done its work, as often as it may be tried. Resolves to why the last attempt has failed. */
async function runHook(ports: LossPorts, hook: LossHook, told: Told, signal: AbortSignal): Promise<string | undefined> {
  const pause = new Wakeup();
  let reason: string | undefined;
  for (let attempt = 1; attempt <= hook.attempts && !hasAborted(signal); attempt++) {
    if (attempt > 1) await pause.wait(signal, retryDelays.after(attempt + steepness));
    reason = await attemptOf(ports, hook, told, signal);
    signal.throwIfAborted();
    const { run, does } = told;
    ports.logger.warn({ run: run.id, does, attempt, ...(reason === undefined ? {} : { reason }) }, 'a hook of a loss');
    if (reason === undefined) return undefined;
  }
  signal.throwIfAborted();
  return reason;
}

async function attemptOf(
  { site: by, servers }: LossPorts,
  hook: LossHook,
  { run, does }: Told,
  signal: AbortSignal,
): Promise<string | undefined> {
  const site = otherSite(by);
  const bootstrapServers = [...servers[site]];
  const input = JSON.stringify({ run: run.id, drill: run.drill, does, site, by, bootstrapServers });
  if (hook.kind === 'webhook') return callWebhook(hook, { key: `${run.id}-${does}`, body: input }, signal);
  const env = Object.fromEntries(passedOn.map((name) => [name, process.env[name]]));
  const variables = {
    ...{ UMBRA_RUN: run.id, UMBRA_DRILL: run.drill, UMBRA_DOES: does, UMBRA_SITE: site, UMBRA_BY: by },
    UMBRA_BOOTSTRAP_SERVERS: bootstrapServers.join(','),
  };
  return runHookCommand(hook, { input, variables, env }, signal);
}
