import { mkdir } from 'node:fs/promises';
import { waitUntil } from './bounded-wait.ts';
import { brokerArguments } from './broker-command.ts';
import { renderBrokerConfig } from './broker-config.ts';
import { renderLogging } from './broker-logging.ts';
import { type BrokerRuntime, type BrokerStarter, type Progress } from './broker-runtime.ts';
import { clusterPaths } from './cluster-paths.ts';
import { type BrokerState, type ClusterState } from './cluster-state.ts';
import { type Credentials } from './credentials.ts';
import { isPortFree } from './free-port.ts';
import { LocalProblem } from './local-problems.ts';
import { writePrivateFile } from './private-file.ts';
import { formatStorage } from './storage-format.ts';

export interface ClusterRun {
  readonly home: string;
  readonly state: ClusterState;
  readonly credentials: Credentials;
  readonly runtime: BrokerRuntime;
}

const readyTimeoutMs = 90_000;
const readyIntervalMs = 100;
const takeBackTimeoutMs = 60_000;
const logTailLines = 20;

/** The brokers that do not run. */
export async function idleBrokers(
  state: ClusterState,
  runtime: BrokerRuntime,
  signal: AbortSignal,
): Promise<readonly BrokerState[]> {
  const idle: BrokerState[] = [];
  for (const broker of state.brokers) {
    if ((await runtime.status(broker, signal)).kind !== 'running') idle.push(broker);
  }
  return idle;
}

/** @throws {LocalProblem} PORT_TAKEN with the port and the broker it is meant for */
export async function refuseTakenPorts(
  state: ClusterState,
  idle: readonly BrokerState[],
  starter: BrokerStarter,
): Promise<void> {
  for (const broker of idle) {
    for (const port of starter.portsOf(broker)) {
      if (await isPortFree(port)) continue;
      const whose = `broker ${state.name}/${broker.nodeId}`;
      throw new LocalProblem('PORT_TAKEN', `Port ${port} of ${whose} is used by another program.`);
    }
  }
}

/** Starts these brokers and waits until the cluster serves; stops what it started when that fails. */
export async function startBrokers(
  run: ClusterRun,
  { idle, starter }: { readonly idle: readonly BrokerState[]; readonly starter: BrokerStarter | undefined },
  progress: Progress,
): Promise<void> {
  const started: BrokerState[] = [];
  try {
    if (starter !== undefined) {
      for (const broker of idle) {
        started.push(broker);
        await startBroker(run, starter, broker, progress);
      }
    }
    await waitUntilReady(run, progress);
  } catch (error) {
    await takeBack(run, started, error);
    throw error;
  }
}

/** The caller's signal may be the reason for being here: this has a bound of its own. */
async function takeBack(run: ClusterRun, brokers: readonly BrokerState[], reason: unknown): Promise<void> {
  const signal = AbortSignal.timeout(takeBackTimeoutMs);
  const stops = await Promise.allSettled(brokers.map((broker) => run.runtime.stop(broker, signal)));
  const failures = stops.filter((stop) => stop.status === 'rejected').map((stop): unknown => stop.reason);
  if (failures.length === 0) return;
  const what = [reason, ...failures].map((each) => (each instanceof Error ? each.message : String(each))).join(' ');
  throw new LocalProblem('STOP_FAILED', what, { cause: new AggregateError([reason, ...failures]) });
}

export async function stopBrokers(state: ClusterState, runtime: BrokerRuntime, signal: AbortSignal): Promise<void> {
  await Promise.all(state.brokers.map((broker) => runtime.stop(broker, signal)));
}

async function startBroker(
  run: ClusterRun,
  starter: BrokerStarter,
  broker: BrokerState,
  progress: Progress,
): Promise<void> {
  const { state, credentials } = run;
  const paths = clusterPaths(run.home).broker(broker.nodeId);
  const seen = starter.seenPaths(broker);
  const label = `broker ${state.name}/${broker.nodeId}`;
  await mkdir(paths.dir, { recursive: true, mode: 0o700 });
  const renderConfig = (dataDir: string): string =>
    renderBrokerConfig({
      nodeId: broker.nodeId,
      clientBindHost: starter.clientBindHost,
      ports: { client: broker.clientPort, broker: broker.brokerPort, controller: broker.controllerPort },
      voters: state.brokers,
      security: state.security,
      brokerPassword: credentials.broker,
      dataDir,
      settings: state.brokerSettings,
    });
  await writePrivateFile(paths.config, renderConfig(seen.data));
  await writePrivateFile(paths.logging, renderLogging(state.kafkaVersion));
  await formatStorage({ state, broker, credentials, paths, starter, renderConfig }, progress.signal);
  progress.onProgress(`start ${label} (Kafka ${state.kafkaVersion}, port ${broker.clientPort})`);
  const { kafkaVersion, heapMb } = state;
  const args = brokerArguments({ libsDir: starter.libsDir, kafkaVersion, heapMb, paths: seen });
  await starter.start(broker, args, progress.signal);
}

async function waitUntilReady(run: ClusterRun, progress: Progress): Promise<void> {
  // Loaded here: it brings the Kafka client, which whoever only looks at a cluster does not need.
  const { probeCluster } = await import('./cluster-ready.ts');
  let last = 'it was never asked';
  const ready = await waitUntil(
    async () => {
      for (const broker of run.state.brokers) await refuseDead(run, broker, progress.signal);
      try {
        await probeCluster(run.state, run.credentials);
        return true;
      } catch (error) {
        last = error instanceof Error ? error.message : String(error);
        return false;
      }
    },
    { timeoutMs: readyTimeoutMs, intervalMs: readyIntervalMs, signal: progress.signal },
  );
  if (ready) return;
  const logs = await Promise.all(run.state.brokers.map((broker) => logOf(run, broker, progress.signal)));
  const detail = `Cluster ${run.state.name} did not serve within ${readyTimeoutMs} ms (last: ${last}).`;
  throw new LocalProblem('NOT_READY_IN_TIME', `${detail}\n${logs.join('\n')}\n`);
}

async function refuseDead(run: ClusterRun, broker: BrokerState, signal: AbortSignal): Promise<void> {
  const status = await run.runtime.status(broker, signal);
  if (status.kind === 'running') return;
  const how = status.kind === 'died' ? status.how : 'it is not there';
  const detail = `Broker ${run.state.name}/${broker.nodeId} ended before it served: ${how}.`;
  throw new LocalProblem('BROKER_DIED', `${detail}\n${await logOf(run, broker, signal)}\n`);
}

async function logOf(run: ClusterRun, broker: BrokerState, signal: AbortSignal): Promise<string> {
  const lines = await run.runtime.logTail(broker, logTailLines, signal);
  return [`Last lines of ${run.runtime.logName(broker)}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}
