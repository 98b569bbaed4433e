import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { clusterPaths } from './cluster-paths.ts';
import { type LocalClusterSpec } from './cluster-spec.ts';
import { freePorts } from './free-port.ts';
import { LocalProblem } from './local-problems.ts';
import { readJson, writePrivateJson } from './private-file.ts';

const brokerStateSchema = z.strictObject({
  nodeId: z.int().min(1),
  /** For clients; the only one that other machines' programs (containers) are told. */
  clientPort: z.int(),
  /** Between brokers. */
  brokerPort: z.int(),
  /** Between KRaft controllers. */
  controllerPort: z.int(),
});

/** `cluster.json`: what was decided when the cluster was made and what its brokers were last started with. */
export const clusterStateSchema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  pair: z.string(),
  /** Kafka's cluster id: 16 bytes, base64url without padding. */
  clusterId: z.string(),
  runtime: z.enum(['jvm', 'docker']),
  kafkaVersion: z.string(),
  security: z.enum(['scram', 'none']),
  heapMb: z.int(),
  brokerSettings: z.record(z.string(), z.string()).default({}),
  brokers: z.array(brokerStateSchema).min(1),
});

export type ClusterState = z.output<typeof clusterStateSchema>;
export type BrokerState = z.output<typeof brokerStateSchema>;

/** What a start does to a cluster that exists already. */
export type StartPlan =
  | { readonly kind: 'keep'; readonly state: ClusterState }
  /** Something that only a restart applies has changed. */
  | { readonly kind: 'restart'; readonly state: ClusterState; readonly changes: readonly string[] }
  | { readonly kind: 'refuse'; readonly reason: string };

/** Pure: compares what is wanted with what is. Data never moves: what the data depends on cannot change. */
export function planStart(spec: LocalClusterSpec, state: ClusterState): StartPlan {
  if (spec.security !== state.security) return refuse('security', state.security, spec.security);
  if (spec.brokers !== state.brokers.length) return refuse('brokers', state.brokers.length, spec.brokers);
  if (!keepsData(state.kafkaVersion, spec.kafkaVersion)) {
    return refuse('kafkaVersion', state.kafkaVersion, `${spec.kafkaVersion}, which is older`);
  }
  const brokers = state.brokers.map((broker, index) =>
    index === 0 && spec.clientPort !== undefined ? { ...broker, clientPort: spec.clientPort } : broker,
  );
  const { runtime, kafkaVersion, heapMb, pair } = spec;
  const wanted: ClusterState = { ...state, runtime, kafkaVersion, heapMb, pair, brokers };
  const changes = (['runtime', 'kafkaVersion', 'heapMb', 'pair'] as const)
    .filter((field) => state[field] !== wanted[field])
    .map((field) => `${field}: ${state[field]} → ${wanted[field]}`);
  const ports = [state, wanted].map((each) => each.brokers[0]?.clientPort);
  if (ports[0] !== ports[1]) changes.push(`clientPort: ${ports.join(' → ')}`);
  return changes.length === 0 ? { kind: 'keep', state } : { kind: 'restart', state: wanted, changes };
}

function refuse(field: string, is: string | number, wanted: string | number): StartPlan {
  return { kind: 'refuse', reason: `${field} is ${is} and cannot become ${wanted}` };
}

/** Pure: whether Kafka of one version takes over the data of another: a newer or the same one does. */
export function keepsData(fromVersion: string, toVersion: string): boolean {
  return compareVersions(toVersion, fromVersion) >= 0;
}

function compareVersions(left: string, right: string): number {
  const [l, r] = [left, right].map((version) => version.split('.').map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (l?.[index] ?? 0) - (r?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @throws {LocalProblem} STATE_UNREADABLE */
export async function readClusterState(home: string): Promise<ClusterState | undefined> {
  return readJson(clusterPaths(home).state, clusterStateSchema);
}

export async function writeClusterState(home: string, state: ClusterState): Promise<void> {
  await writePrivateJson(clusterPaths(home).state, state);
}

/** Chooses identity and ports of a new cluster. */
export async function newClusterState(spec: LocalClusterSpec): Promise<ClusterState> {
  const ports = await freePorts(spec.brokers * 3);
  const brokers = Array.from({ length: spec.brokers }, (_, index) => {
    const [client, broker, controller] = ports.slice(index * 3, index * 3 + 3);
    if (client === undefined || broker === undefined || controller === undefined) {
      throw new LocalProblem('PORT_TAKEN', `Fewer ports than the ${spec.brokers * 3} asked for.`);
    }
    const clientPort = index === 0 ? (spec.clientPort ?? client) : client;
    return { nodeId: index + 1, clientPort, brokerPort: broker, controllerPort: controller };
  });
  const { name, pair, runtime, kafkaVersion, security, heapMb, brokerSettings } = spec;
  const clusterId = newClusterId();
  return { format: 1, name, pair, clusterId, runtime, kafkaVersion, security, heapMb, brokerSettings, brokers };
}

/** Kafka's tools read an id that starts with `-` as an option. */
function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id;
}
