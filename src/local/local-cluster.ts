import { rm } from 'node:fs/promises';
import { type ClusterConfigInput } from '../kafka/cluster-config.ts';
import { type BrokerStatus, type Progress } from './broker-runtime.ts';
import { type Environment } from './cache-dir.ts';
import { clientFiles, writeClientFiles } from './client-files.ts';
import { idleBrokers, refuseTakenPorts, startBrokers, stopBrokers } from './cluster-brokers.ts';
import { parseClusterSpec, type LocalClusterSpec, type LocalClusterSpecInput } from './cluster-spec.ts';
import { type ClusterState, newClusterState, planStart, readClusterState, writeClusterState } from './cluster-state.ts';
import { bootstrapServers, connectionOf, ensureCredentials, type Principal } from './credentials.ts';
import { LocalProblem } from './local-problems.ts';
import { brokerRuntime } from './runtimes.ts';

/** A Kafka cluster of this machine as its users see it. */
export interface LocalCluster {
  readonly name: string;
  readonly home: string;
  readonly clusterId: string;
  readonly runtime: 'jvm' | 'docker';
  readonly kafkaVersion: string;
  readonly security: 'scram' | 'none';
  readonly bootstrapServers: readonly string[];
  /** Files for Kafka's own tools and for kafkajs; 0600. */
  readonly clientFiles: ReturnType<typeof clientFiles>;
  /** How a principal connects, the password in clear text. */
  connection(principal: Principal): ClusterConfigInput;
}

export interface BrokerReport {
  readonly nodeId: number;
  readonly status: BrokerStatus;
  /** The last lines it wrote, when it died; else none. */
  readonly logTail: readonly string[];
}

export type ClusterReport =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly cluster: LocalCluster; readonly brokers: readonly BrokerReport[] };

export interface LocalOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (line: string) => void;
  readonly env?: Environment;
}

/** Any of the names of a cluster's folder. */
export type ClusterHome = Pick<LocalClusterSpec, 'home'>;

const logTailLines = 20;

/**
 * Makes the cluster, or starts what is not running of it, and waits until it serves (authenticated). Repeatable: data,
 * passwords and ports are kept; a changed spec restarts it. When it fails, brokers it started are stopped again; a
 * missing prerequisite is found before anything is stopped or written.
 * @throws {LocalProblem} INVALID_SPEC, SPEC_CONFLICT, JAVA_MISSING, KAFKA_JARS_MISSING, PORT_TAKEN, FORMAT_FAILED,
 *   BROKER_DIED, NOT_READY_IN_TIME, ENGINE_MISSING, IMAGE_FAILED
 */
export async function startLocalCluster(input: LocalClusterSpecInput, options: LocalOptions): Promise<LocalCluster> {
  const spec = parseClusterSpec(input);
  const { home } = spec;
  const env = options.env ?? process.env;
  const progress = progressOf(options);
  const settled = await settle(spec);
  const { state } = settled;
  const runtime = brokerRuntime({ home, state, env });
  const idle = settled.kind === 'keep' ? await idleBrokers(state, runtime, progress.signal) : state.brokers;
  // All that can be missing is found out before anything is stopped or written.
  const starter = idle.length === 0 ? undefined : await runtime.prepare(progress);
  if (settled.kind === 'restart') {
    progress.onProgress(`restart for ${settled.changes.join(', ')}`);
    await stopBrokers(settled.old, brokerRuntime({ home, state: settled.old, env }), progress.signal);
  }
  if (starter !== undefined) await refuseTakenPorts(state, idle, starter);
  if (settled.kind !== 'keep') await writeClusterState(home, state);
  const run = { home, state, credentials: await ensureCredentials(home), runtime };
  await startBrokers(run, { idle, starter }, progress);
  await writeClientFiles(home, state, run.credentials);
  return present(home, state);
}

type Settled =
  | { readonly kind: 'fresh' | 'keep'; readonly state: ClusterState }
  | {
      readonly kind: 'restart';
      readonly state: ClusterState;
      readonly old: ClusterState;
      readonly changes: readonly string[];
    };

/** The cluster as it is to be; nothing is written yet. @throws {LocalProblem} SPEC_CONFLICT */
async function settle(spec: LocalClusterSpec): Promise<Settled> {
  const old = await readClusterState(spec.home);
  if (old === undefined) return { kind: 'fresh', state: await newClusterState(spec) };
  const plan = planStart(spec, old);
  switch (plan.kind) {
    case 'keep':
      return plan;
    case 'restart':
      return { ...plan, old };
    case 'refuse':
      throw new LocalProblem('SPEC_CONFLICT', `Cluster ${spec.name} in ${spec.home}: ${plan.reason}.`);
  }
}

/** What is there; reads files and looks at processes, changes nothing. */
export async function inspectLocalCluster({ home }: ClusterHome, options: LocalOptions): Promise<ClusterReport> {
  const state = await readClusterState(home);
  if (state === undefined) return { kind: 'absent' };
  const runtime = brokerRuntime({ home, state, env: options.env ?? process.env });
  const brokers: BrokerReport[] = [];
  for (const broker of state.brokers) {
    const status = await runtime.status(broker, options.signal);
    const logTail = status.kind === 'died' ? await runtime.logTail(broker, logTailLines, options.signal) : [];
    brokers.push({ nodeId: broker.nodeId, status, logTail });
  }
  return { kind: 'present', cluster: await present(home, state), brokers };
}

/** Stops the brokers and keeps everything; nothing to do when none runs. */
export async function stopLocalCluster({ home }: ClusterHome, options: LocalOptions): Promise<void> {
  const state = await readClusterState(home);
  if (state === undefined) return;
  await stopBrokers(state, brokerRuntime({ home, state, env: options.env ?? process.env }), options.signal);
}

/** Stops the brokers and removes the folder with all data. */
export async function deleteLocalCluster({ home }: ClusterHome, options: LocalOptions): Promise<void> {
  await stopLocalCluster({ home }, options);
  await rm(home, { recursive: true, force: true });
}

async function present(home: string, state: ClusterState): Promise<LocalCluster> {
  const credentials = await ensureCredentials(home);
  const { name, clusterId, runtime, kafkaVersion, security } = state;
  return {
    ...{ name, home, clusterId, runtime, kafkaVersion, security },
    bootstrapServers: bootstrapServers(state),
    clientFiles: clientFiles(home),
    connection: (principal) => connectionOf(state, credentials, principal),
  };
}

function progressOf(options: LocalOptions): Progress {
  return { signal: options.signal, onProgress: options.onProgress ?? (() => undefined) };
}
