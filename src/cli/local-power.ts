import { readClusterState } from '../local/cluster-state.ts';
import { startLocalCluster, stopLocalCluster, type LocalOptions } from '../local/local-cluster.ts';
import { startLocalWorker, stopLocalWorker, workerPaths } from '../local/local-worker.ts';
import type { LocalThing } from '../local/registry.ts';
import { Problem } from '../worker/problems.ts';
import { nameOf } from './local-rows.ts';
import { readWorkerInput } from './worker-file.ts';

/**
 * The clusters and workers with these names; all of them for no name.
 * Throws `NOT_FOUND` for a name that nothing has, so that a slip of the finger is no silent success.
 */
export function selectThings(things: readonly LocalThing[], names: readonly string[]): readonly LocalThing[] {
  const known = new Set(things.map(nameOf));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const have = known.size === 0 ? 'nothing is set up here' : `there are ${[...known].join(', ')}`;
    throw new Problem('NOT_FOUND', `nothing here is named ${unknown.join(', ')}; ${have}`);
  }
  return names.length === 0 ? things : things.filter((thing) => names.includes(nameOf(thing)));
}

/** Starts what does not run, as it was last configured: clusters first, workers after them. Data is kept. */
export async function startThings(things: readonly LocalThing[], options: LocalOptions): Promise<void> {
  for (const { home } of things.filter((thing) => thing.kind === 'cluster')) await restartCluster(home, options);
  for (const { home } of things.filter((thing) => thing.kind === 'worker')) await restartWorker(home, options);
}

/** Stops workers first, so that none of them sees its clusters die. Data is kept. */
export async function stopThings(things: readonly LocalThing[], options: LocalOptions): Promise<void> {
  for (const { home } of things.filter((thing) => thing.kind === 'worker')) await stopLocalWorker({ home }, options);
  for (const { home } of things.filter((thing) => thing.kind === 'cluster')) await stopLocalCluster({ home }, options);
}

async function restartCluster(home: string, options: LocalOptions): Promise<void> {
  const state = await readClusterState(home);
  if (state === undefined) return;
  const { name, pair, runtime, kafkaVersion, security, heapMb, brokers } = state;
  await startLocalCluster(
    { home, name, pair, runtime, kafkaVersion, security, heapMb, brokers: brokers.length },
    options,
  );
}

async function restartWorker(home: string, options: LocalOptions): Promise<void> {
  const file = await readWorkerInput(workerPaths(home).config);
  const { pair, site, clusters, api, logLevel, tuning, group } = file;
  const { principals, authorizers, repoint, drills, quarantineFolder } = file;
  const wiring = { home, pair, site, clusters, logLevel, tuning: tuning && numbersOf(tuning) };
  const beside = { principals, authorizers, repoint, drills, quarantineFolder, instanceId: group?.instanceId };
  const address = { apiHost: api.host, apiPort: api.port, apiToken: api.token };
  await startLocalWorker({ ...wiring, ...beside, ...address }, options);
}

function numbersOf(tuning: Readonly<Record<string, number | undefined>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(tuning).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
