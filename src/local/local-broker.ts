import { type BrokerRuntime } from './broker-runtime.ts';
import { type BrokerState, readClusterState } from './cluster-state.ts';
import { type ClusterHome, type LocalOptions } from './local-cluster.ts';
import { LocalProblem } from './local-problems.ts';
import { brokerRuntime } from './runtimes.ts';

/** Names one broker of a local cluster; their ids count from 1. */
export interface LocalBroker extends ClusterHome {
  readonly nodeId: number;
}

/** Stops one broker gracefully; `startLocalCluster` starts it again. */
export async function stopLocalBroker(broker: LocalBroker, options: LocalOptions): Promise<void> {
  const { runtime, state } = await locate(broker, options);
  await runtime.stop(state, options.signal);
}

/** Ends one broker as a crash would; it is then reported as died. `startLocalCluster` starts it again. */
export async function killLocalBroker(broker: LocalBroker, options: LocalOptions): Promise<void> {
  const { runtime, state } = await locate(broker, options);
  await runtime.kill(state, options.signal);
}

async function locate(
  { home, nodeId }: LocalBroker,
  options: LocalOptions,
): Promise<{ readonly runtime: BrokerRuntime; readonly state: BrokerState }> {
  const cluster = await readClusterState(home);
  const state = cluster?.brokers.find((each) => each.nodeId === nodeId);
  if (cluster === undefined || state === undefined) {
    throw new LocalProblem('INVALID_SPEC', `There is no broker ${nodeId} in ${home}.`);
  }
  return { runtime: brokerRuntime({ home, state: cluster, env: options.env ?? process.env }), state };
}
