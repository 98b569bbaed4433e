import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { removeContainersBelow } from './docker-runtime.ts';
import { type ClusterReport, inspectLocalCluster, type LocalOptions } from './local-cluster.ts';
import { LocalProblem } from './local-problems.ts';
import { inspectLocalWorker, type WorkerReport } from './local-worker.ts';
import { inspectProcess, type ProcessFiles, stopProcess, type StopBounds } from './managed-process.ts';
import { isMissing } from './private-file.ts';

/**
 * What a project runs on this machine, read from its folder (`<project>/.umbra`) alone: it is there after a crash of
 * whatever started it, and after the Pulumi state is lost.
 */
export type LocalThing =
  | { readonly kind: 'cluster'; readonly home: string; readonly report: ClusterReport }
  | { readonly kind: 'worker'; readonly home: string; readonly report: WorkerReport }
  /** Its files cannot be read: nothing is known but that they are there. */
  | { readonly kind: 'unreadable'; readonly home: string; readonly reason: string };

export interface Clearance {
  /** What was ended, for a person: `pid 4711 (…/broker-1)`, `container umbra-a-1-…`. */
  readonly stopped: readonly string[];
  /** What could not be ended or looked at, one line each. */
  readonly failures: readonly string[];
}

/** Where a cluster or worker of a project has its folder. */
export function clusterHome(root: string, name: string): string {
  return join(root, 'clusters', name);
}

export function workerHome(root: string, worker: { readonly pair: string; readonly site: string }): string {
  return join(root, 'workers', `${worker.pair}-${worker.site}`);
}

const stopBounds: StopBounds = { graceMs: 20_000, killMs: 10_000 };

/** Everything below the folder and whether it runs; changes nothing. */
export async function listLocal(root: string, options: LocalOptions): Promise<readonly LocalThing[]> {
  const things: LocalThing[] = [];
  for (const home of await folders(join(root, 'clusters'))) {
    things.push(await orUnreadable(home, async () => describeCluster(home, options)));
  }
  for (const home of await folders(join(root, 'workers'))) {
    things.push(
      await orUnreadable(home, async () => ({ kind: 'worker', home, report: await inspectLocalWorker({ home }) })),
    );
  }
  return things;
}

async function describeCluster(home: string, options: LocalOptions): Promise<LocalThing> {
  return { kind: 'cluster', home, report: await inspectLocalCluster({ home }, options) };
}

async function orUnreadable(home: string, read: () => Promise<LocalThing>): Promise<LocalThing> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof LocalProblem)) throw error;
    return { kind: 'unreadable', home, reason: error.message };
  }
}

/**
 * Ends every worker, broker process and container that belongs to the folder, workers first. Rests on pid files and
 * container labels only, so that a damaged state file keeps nothing alive. Goes on after a failure and reports it.
 */
export async function stopEverything(root: string, options: LocalOptions): Promise<Clearance> {
  const stopped: string[] = [];
  const failures: string[] = [];
  const attempt = async (what: string, act: () => Promise<readonly string[]>): Promise<void> => {
    try {
      stopped.push(...(await act()));
    } catch (error) {
      options.signal.throwIfAborted();
      failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const files of await workerProcesses(root)) {
    await attempt(files.pidFile, () => stopOne(files, options.signal));
  }
  const brokers = await brokerProcesses(root);
  await Promise.all(brokers.map((files) => attempt(files.pidFile, () => stopOne(files, options.signal))));
  await attempt('containers', () => removeContainers(root, options));
  return { stopped, failures };
}

/** The same, then removes clusters and workers with all their data, unless something could not be ended. */
export async function deleteEverything(root: string, options: LocalOptions): Promise<Clearance> {
  const clearance = await stopEverything(root, options);
  if (clearance.failures.length === 0) {
    await rm(join(root, 'workers'), { recursive: true, force: true });
    await rm(join(root, 'clusters'), { recursive: true, force: true });
  }
  return clearance;
}

async function stopOne(files: ProcessFiles, signal: AbortSignal): Promise<readonly string[]> {
  const status = await inspectProcess(files);
  await stopProcess(files, stopBounds, signal);
  return status.kind === 'running' ? [`pid ${status.pid} (${files.pidFile})`] : [];
}

async function removeContainers(root: string, options: LocalOptions): Promise<readonly string[]> {
  const call = { env: options.env ?? process.env, signal: options.signal };
  try {
    const names = await removeContainersBelow(resolve(root), call);
    return names.map((name) => `container ${name}`);
  } catch (error) {
    // Without an engine no container runs.
    if (error instanceof LocalProblem && error.code === 'ENGINE_MISSING') return [];
    throw error;
  }
}

async function workerProcesses(root: string): Promise<readonly ProcessFiles[]> {
  const homes = await folders(join(root, 'workers'));
  return homes.map((home) => ({ pidFile: join(home, 'worker.pid'), logFile: join(home, 'worker.log') }));
}

async function brokerProcesses(root: string): Promise<readonly ProcessFiles[]> {
  const homes = await folders(join(root, 'clusters'));
  const brokers = await Promise.all(homes.map((home) => folders(home)));
  return brokers.flat().map((dir) => ({ pidFile: join(dir, 'broker.pid'), logFile: join(dir, 'broker.log') }));
}

async function folders(parent: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(parent, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(parent, entry.name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
