import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LagView } from '../src/worker/views.ts';
import { attach } from './child-process.ts';
import { type DemoSite, directionsOf, openDemoPair } from './demo-pair.ts';
import { renderDemoLine } from './demo-text.ts';
import { type Traffic, openTraffic } from './demo-traffic.ts';
import { runCommand } from './interruption.ts';
import { projectRoot, stateFolder } from './project.ts';
import { ToolError } from './steps.mjs';

// npm run demo — half a minute of traffic both ways on the running pair, then `umbra verify` of what was copied.
const trafficMs = 30_000;
const lineMs = 1_000;
/** After the last record was written: time for the copies to be level and read. */
const settleMs = 30_000;
const answerMs = 2_000;

await runCommand(async (signal) => {
  const pair = await openDemoPair(projectRoot, stateFolder, signal);
  process.stdout.write('Applications write at both sites; each reads the copies of the other.\n');
  const open: { readonly to: DemoSite; readonly traffic: Traffic }[] = [];
  try {
    for (const direction of directionsOf(pair)) {
      open.push({ to: direction.to, traffic: await openTraffic(direction, signal) });
    }
    const startedAt = performance.now();
    const line = async (): Promise<boolean> => {
      const lags = await Promise.all(open.map(({ to }) => askLag(to, signal)));
      const counts = open.map(({ traffic }, index) => traffic.counts(lags[index]));
      process.stdout.write(`${renderDemoLine(performance.now() - startedAt, counts)}\n`);
      return counts.every(({ written, read, lag }) => read === written && lag?.records === 0);
    };
    const until = AbortSignal.any([signal, AbortSignal.timeout(trafficMs)]);
    const writing = Promise.all(open.map(({ traffic }) => traffic.write(until)));
    await Promise.all([writing, everySecond(line, until)]);
    signal.throwIfAborted();
    process.stdout.write('The writing has ended.\n');
    await settle(line, signal);
  } finally {
    await Promise.all(open.map(({ traffic }) => traffic.close()));
  }
  const topics = open.map(({ traffic }) => traffic.topic);
  process.stdout.write(`\numbra verify ${topics.join(' ')}\n`);
  return attach(process.execPath, [join(projectRoot, 'src/cli/umbra.mjs'), 'verify', ...topics], { cwd: projectRoot });
});

async function everySecond(line: () => Promise<boolean>, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    // The end of the traffic is no error.
    await delay(lineMs, undefined, { signal: until }).catch(() => undefined);
    await line();
  }
}

async function settle(line: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + settleMs;
  while (!(await line())) {
    if (performance.now() > deadline) {
      throw new ToolError(`Not everything was copied and read ${settleMs / 1000} s after the last write.`);
    }
    await delay(lineMs, undefined, { signal });
  }
}

/** The lag of the link that ends at this site; undefined while its worker does not answer. */
async function askLag({ site, worker }: DemoSite, signal: AbortSignal): Promise<LagView | undefined> {
  try {
    const links = await worker.links(AbortSignal.any([signal, AbortSignal.timeout(answerMs)]));
    return links.find((link) => link.to === site)?.lag;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
