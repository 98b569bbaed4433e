import type { Secret } from '../worker/secret.ts';
import type { SiteId } from '../pair/site.ts';
import type { DrillSpec } from '../drill/drill-spec.ts';
import type { LinkSpec } from '../pair/spec.ts';
import type { AclBinding } from '../prefix-policy/acls.ts';
import type { DeclaredPolicy } from '../prefix-policy/declared-policy.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import type { AclsView } from '../worker/acl-view.ts';
import type { DrillsConfig } from '../worker/drill/drills-config.ts';
import type { LinkDeletion } from '../worker/service.ts';
import type { LinkView, PairView, TopicView } from '../worker/views.ts';
import type { WorkerConfig } from '../worker/worker-config.ts';

/**
 * What the resource handlers need from the world, in their words. The real adapters are in `adapters/`; tests bring
 * fakes. Every method rejects with an error whose message is one line for a person.
 */

export type ClusterConfig = WorkerConfig['clusters']['a'];

export interface Working {
  readonly signal: AbortSignal;
  progress(line: string): void;
}

export interface LocalClusterSpec {
  readonly site: SiteId;
  readonly runtime: 'jvm' | 'docker';
  readonly kafkaVersion: string;
  readonly clientPort?: number | undefined;
  readonly heapMb?: number | undefined;
}

export interface LocalClusterFiles {
  /** Absolute folder of state, data, logs and client files. */
  readonly home: string;
  /** Absolute paths by user: `admin`, `umbra`, `app`, and `appKafkajs`. */
  readonly clientFiles: Readonly<Record<string, string>>;
}

export interface RunningCluster {
  readonly bootstrapServers: readonly string[];
  readonly clusterId: string;
  readonly mechanism: string;
  /** In clear: the engine encrypts them as secret outputs. */
  readonly passwords: { readonly admin: string; readonly umbra: string; readonly app: string };
}

export type ClusterCondition =
  | { readonly kind: 'absent' }
  | ({ readonly kind: 'running' } & RunningCluster)
  /** Data is there, but not every broker runs; `why` says which and ends with the last lines of its log. */
  | ({ readonly kind: 'down'; readonly why: string } & RunningCluster);

/** Kafka clusters on this machine, one per site, in the project's folder. */
export interface LocalClusters {
  /** Pure: where a site's cluster keeps its files. */
  files(site: SiteId): LocalClusterFiles;
  /** Pure: whether this version takes over the data of that one (a newer or the same one does). */
  keepsData(from: { kafkaVersion: string }, to: { kafkaVersion: string }): boolean;
  /** Makes it, or starts what is not running, and waits until it serves. Data is kept; a changed spec restarts it. */
  start(spec: LocalClusterSpec, working: Working): Promise<RunningCluster>;
  /** Makes its ACLs be these, as far as umbra made them. It must run. */
  grant(site: SiteId, grants: readonly AclBinding[], working: Working): Promise<void>;
  /** Reads files and looks at processes only. */
  inspect(site: SiteId, signal: AbortSignal): Promise<ClusterCondition>;
  /** Names of the workers of this project that work with it, running or not. Reads files only. */
  usedBy(site: SiteId, signal: AbortSignal): Promise<readonly string[]>;
  /** Stops it and removes its folder with all data. */
  delete(site: SiteId, working: Working): Promise<void>;
}

export interface LocalWorkerSpec {
  readonly pair: string;
  readonly site: SiteId;
  /** Among the workers of its site; the first one where nothing is said. */
  readonly number?: number | undefined;
  readonly clusters: { readonly a: ClusterConfig; readonly b: ClusterConfig };
  readonly apiHost?: string | undefined;
  readonly apiPort?: number | undefined;
  readonly apiToken?: Secret | undefined;
  readonly logLevel?: WorkerConfig['logLevel'] | undefined;
  readonly principals?: WorkerConfig['principals'];
  readonly authorizers?: WorkerConfig['authorizers'];
  readonly repoint?: WorkerConfig['repoint'];
  /** Where canaries and evidence are kept is the adapter's to say. */
  readonly drills?: LocalDrills | undefined;
}

export interface LocalDrills {
  readonly canary?: Omit<NonNullable<DrillsConfig['canary']>, 'ledgerFolder'> | undefined;
  readonly labels: DrillsConfig['labels'];
}

export interface RunningWorker {
  readonly apiUrl: string;
  readonly metricsUrl: string;
  readonly pid: number;
}

export type WorkerCondition =
  | { readonly kind: 'absent' }
  | ({ readonly kind: 'running' } & RunningWorker)
  | { readonly kind: 'down'; readonly why: string };

export type WorkerName = Pick<LocalWorkerSpec, 'pair' | 'site' | 'number'>;

/** Workers as processes of this machine, in the project's folder. */
export interface LocalWorkers {
  /** Starts it and waits until its API answers; a changed spec restarts it. */
  start(spec: LocalWorkerSpec, working: Working): Promise<RunningWorker>;
  inspect(worker: WorkerName, signal: AbortSignal): Promise<WorkerCondition>;
  /** Stops it and removes its files. */
  delete(worker: WorkerName, working: Working): Promise<void>;
}

export interface WorkerAddress {
  readonly url: string;
  readonly token?: Secret | undefined;
  /** Told what a change waits for, where the address is one by which that takes its time. */
  readonly progress?: ((line: string) => void) | undefined;
}

export type CarriedTopic = Pick<TopicView, 'name' | 'link' | 'state'>;

/** One worker's API. Rejects with a `Problem`; `UNREACHABLE` means that nobody knows whether it took effect. */
export interface WorkerApi {
  pair(signal: AbortSignal): Promise<PairView>;
  links(signal: AbortSignal): Promise<readonly LinkView[]>;
  /** Of all links that end at its site. */
  topics(signal: AbortSignal): Promise<readonly CarriedTopic[]>;
  /** Topics that are not primary at home, as far as its site knows. */
  roles(signal: AbortSignal): Promise<readonly { readonly topic: string }[]>;
  acls(signal: AbortSignal): Promise<AclsView>;
  /** Rejects with NOT_FOUND where none is declared. */
  prefixPolicy(signal: AbortSignal): Promise<DeclaredPolicy>;
  putPrefixPolicy(policy: DeclaredPolicy, signal: AbortSignal): Promise<void>;
  putSchemaPrimary(primary: SchemaPrimary, signal: AbortSignal): Promise<void>;
  putLink(link: LinkSpec, signal: AbortSignal): Promise<LinkView>;
  deleteLink(id: string, mode: LinkDeletion, signal: AbortSignal): Promise<void>;
  /** As it is declared at its site. Rejects with NOT_FOUND where it is not. */
  drill(name: string, signal: AbortSignal): Promise<DrillSpec>;
  putDrill(drill: DrillSpec, signal: AbortSignal): Promise<void>;
  /** Rejects with NOT_FOUND, and with DRILL_BUSY while a run of it goes on. */
  deleteDrill(name: string, signal: AbortSignal): Promise<void>;
}

export type OpenWorkerApi = (address: WorkerAddress) => WorkerApi;

export interface CheckedCluster {
  readonly clusterId: string;
  readonly brokers: number;
  /** Absent rights cannot be withheld: without an authorizer anybody can write the copies. */
  readonly authorizer: boolean;
  /** Which site of a pair it is already, by its own state. */
  readonly site?: SiteId;
}

/** Connects and authenticates. Rejects with a `Problem` `UNREACHABLE` whose message is one line. */
export type CheckCluster = (cluster: ClusterConfig, signal: AbortSignal) => Promise<CheckedCluster>;

/** Time, passed in so that no test waits. */
export interface Clock {
  nowMs(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
