import { join } from 'node:path';
import { clientFiles } from '../../local/client-files.ts';
import { planStart } from '../../local/cluster-state.ts';
import {
  type ClusterReport,
  deleteLocalCluster,
  inspectLocalCluster,
  type LocalOptions,
  startLocalCluster,
} from '../../local/local-cluster.ts';
import {
  deleteLocalWorker,
  inspectLocalWorker,
  startLocalWorker,
  type WorkerReport,
} from '../../local/local-worker.ts';
import type { LocalWorkerSpec as WorkerFileSpec } from '../../local/worker-file.ts';
import { workersOfCluster } from '../../local/workers-of-cluster.ts';
import type { SiteId } from '../../pair/site.ts';
import type { DrillsConfigInput } from '../../worker/drill/drills-config.ts';
import { clusterInClear } from '../resources/cluster-args.ts';
import { hookArgs } from '../resources/hook-args.ts';
import type {
  ClusterCondition,
  LocalClusters,
  LocalWorkers,
  LocalWorkerSpec,
  RunningCluster,
  RunningWorker,
  WorkerCondition,
  WorkerName,
  Working,
} from '../ports.ts';

type LocalCluster = Extract<ClusterReport, { kind: 'present' }>['cluster'];

const tailLinesMax = 8;
const tailLineLength = 160;

/** {@link LocalClusters} by src/local, in `<root>/.umbra/clusters/<site>`. */
export function localClusters(root: string): LocalClusters {
  const homeOf = (site: SiteId): string => join(root, '.umbra', 'clusters', site);
  const inspect = async (site: SiteId, signal: AbortSignal): Promise<ClusterReport> =>
    inspectLocalCluster({ home: homeOf(site) }, { signal });
  return {
    files: (site) => ({ home: homeOf(site), clientFiles: clientFiles(homeOf(site)) }),
    keepsData: (from, to) => keepsData(from.kafkaVersion, to.kafkaVersion),
    async start({ site, ...spec }, working) {
      const cluster = await startLocalCluster({ name: site, home: homeOf(site), ...spec }, optionsOf(working));
      return runningCluster(cluster);
    },
    async grant(site, grants, working) {
      const report = await inspect(site, working.signal);
      if (report.kind === 'absent') throw new Error(`the cluster of site ${site} is gone; run "pulumi up" again`);
      // Loaded here: it brings the Kafka client, which no other call needs.
      const { applyGrants } = await import('../../local/grants.ts');
      await applyGrants(report.cluster, grants, optionsOf(working));
    },
    inspect: async (site, signal) => clusterCondition(site, await inspect(site, signal)),
    async usedBy(site, signal) {
      const report = await inspect(site, signal);
      return report.kind === 'absent' ? [] : workersOfCluster(join(root, '.umbra'), report.cluster.bootstrapServers);
    },
    delete: (site, working) => deleteLocalCluster({ home: homeOf(site) }, optionsOf(working)),
  };
}

/** {@link LocalWorkers} by src/local, in `<root>/.umbra/workers/<pair>-<site>`, the second one in `…-2`, and so on. */
export function localWorkers(root: string): LocalWorkers {
  const homeOf = (worker: WorkerName): string => join(root, '.umbra', 'workers', nameOf(worker));
  return {
    async start(spec, working) {
      const quarantineFolder = join(root, '.umbra', 'quarantine', `${spec.pair}-${spec.site}`);
      const file = {
        ...workerFile(spec, homeOf(spec)),
        quarantineFolder,
        drills: drillsOf(spec, join(root, '.umbra')),
      };
      const { home } = await startLocalWorker(file, optionsOf(working));
      const condition = workerCondition(spec, await inspectLocalWorker({ home }));
      if (condition.kind !== 'running')
        throw new Error(`the worker of site ${spec.site} ended as soon as it was ready`);
      return condition;
    },
    inspect: async (worker) => workerCondition(worker, await inspectLocalWorker({ home: homeOf(worker) })),
    delete: (worker, working) => deleteLocalWorker({ home: homeOf(worker) }, optionsOf(working)),
  };
}

/** Also what it is called in its group. */
function nameOf({ pair, site, number = 1 }: WorkerName): string {
  return `${pair}-${site}${number === 1 ? '' : `-${number}`}`;
}

function optionsOf(working: Working): LocalOptions {
  return { signal: working.signal, onProgress: (line) => working.progress(line) };
}

/** Asks the room that starts clusters, with everything but the version equal. */
function keepsData(from: string, to: string): boolean {
  const same = {
    name: 'any',
    pair: 'any',
    runtime: 'jvm',
    security: 'scram',
    heapMb: 384,
    brokerSettings: {},
  } as const;
  const broker = { nodeId: 1, clientPort: 9092, brokerPort: 9093, controllerPort: 9094 };
  const state = { ...same, format: 1, clusterId: 'any', brokers: [broker], kafkaVersion: from } as const;
  return (
    planStart({ ...same, home: '/', brokers: 1, kafkaVersion: to }, { ...state, brokers: [broker] }).kind !== 'refuse'
  );
}

function runningCluster(cluster: LocalCluster): RunningCluster {
  const password = (principal: 'admin' | 'umbra' | 'app'): string => passwordOf(cluster, principal);
  return {
    bootstrapServers: cluster.bootstrapServers,
    clusterId: cluster.clusterId,
    mechanism: cluster.connection('umbra').sasl?.mechanism ?? 'PLAIN',
    passwords: { admin: password('admin'), umbra: password('umbra'), app: password('app') },
  };
}

function passwordOf(cluster: LocalCluster, principal: 'admin' | 'umbra' | 'app'): string {
  const { sasl } = cluster.connection(principal);
  if (sasl === undefined || !('password' in sasl)) throw new Error(`the cluster ${cluster.name} has no passwords`);
  return sasl.password;
}

function clusterCondition(site: SiteId, report: ClusterReport): ClusterCondition {
  if (report.kind === 'absent') return { kind: 'absent' };
  const down = report.brokers.filter(({ status }) => status.kind !== 'running');
  const running = runningCluster(report.cluster);
  if (down.length === 0) return { kind: 'running', ...running };
  const lines = down.map(({ nodeId, status, logTail }) => {
    const how = status.kind === 'died' ? `has died (${status.how})` : 'does not run';
    return whyDown(`broker ${nodeId} of site ${site} ${how}`, logTail);
  });
  return { kind: 'down', why: lines.join('\n'), ...running };
}

function workerCondition(worker: WorkerName, report: WorkerReport): WorkerCondition {
  if (report.kind === 'absent') return { kind: 'absent' };
  const { status, logTail } = report;
  if (status.kind === 'running') return { kind: 'running', ...runningWorker(report.worker.apiUrl, status.pid) };
  const how = status.kind === 'died' ? `has died (pid ${status.pid} is gone)` : 'does not run';
  return { kind: 'down', why: whyDown(`the worker of site ${worker.site} ${how}`, logTail) };
}

/** The end of a log is for a first look; the whole of it is in the folder. */
function whyDown(what: string, logTail: readonly string[]): string {
  if (logTail.length === 0) return what;
  const lines = logTail.slice(-tailLinesMax);
  const short = lines.map((line) => (line.length <= tailLineLength ? line : `${line.slice(0, tailLineLength)}…`));
  return [`${what}; the end of its log:`, ...short].join('\n  ');
}

function runningWorker(apiUrl: string, pid: number): RunningWorker {
  return { apiUrl, metricsUrl: `${apiUrl}/metrics`, pid };
}

/**
 * One ledger for both sites, and one place and key for the evidence: `umbra evidence` looks there. The evidence outlives the
 * pair, and what moves of roles and drills that touch nothing leave needs a place without any canary.
 */
function drillsOf({ pair, drills }: LocalWorkerSpec, folder: string): DrillsConfigInput {
  const { canary, labels = [] } = drills ?? {};
  const clients = canary && { a: clusterInClear(canary.clients.a), b: clusterInClear(canary.clients.b) };
  return {
    ...(canary === undefined || clients === undefined
      ? {}
      : { canary: { clients, rate: canary.rate, ledgerFolder: join(folder, 'canaries', pair) } }),
    evidence: { folder: join(folder, 'evidence'), keyFile: join(folder, 'evidence-key.pem') },
    labels: [...labels],
  };
}

/** In clear text: src/local writes it to a 0600 file, which is how the worker learns its passwords. */
function workerFile(spec: LocalWorkerSpec, home: string): WorkerFileSpec {
  const { apiToken, clusters, repoint, number: _number, drills: _drills, ...rest } = spec;
  return {
    ...rest,
    home,
    instanceId: nameOf(spec),
    clusters: { a: clusterInClear(clusters.a), b: clusterInClear(clusters.b) },
    apiToken: apiToken?.reveal(),
    repoint: repoint && hookArgs(repoint),
  };
}
