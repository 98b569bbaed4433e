import { type ClusterConfigInput } from '../kafka/cluster-config.ts';
import { type SiteId } from '../pair/site.ts';

/** A worker to be run on this machine. Passwords and token are in clear text: they end in a 0600 file. */
export interface LocalWorkerSpec {
  /** `<project>/.umbra/workers/<pair>-<site>`: configuration, log and pid file. */
  readonly home: string;
  readonly pair: string;
  readonly site: SiteId;
  readonly clusters: Readonly<Record<SiteId, ClusterConfigInput>>;
  /** Of the workers of a site no two have the same. Default: `<pair>-<site>`, for the only one. */
  readonly instanceId?: string | undefined;
  /** Default 127.0.0.1; anything but loopback needs a token. */
  readonly apiHost?: string | undefined;
  /** A free one is chosen, and kept, when absent. */
  readonly apiPort?: number | undefined;
  readonly apiToken?: string | undefined;
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | undefined;
  /** Times of the group of the site's workers; see `group` in src/worker/worker-config.ts. */
  readonly group?: { readonly sessionTimeoutMs: number; readonly heartbeatMs: number } | undefined;
  /** As in the worker's file: who umbra is to each cluster, and what brokers do not tell of their authorizer. */
  readonly principals?: object | undefined;
  readonly authorizers?: object | undefined;
  /** As in the worker's file: what is run when its site has become primary. */
  readonly repoint?: readonly object[] | undefined;
  /** As in the worker's file: who the canaries are, and where evidence of drills is kept. */
  readonly drills?: object | undefined;
  readonly tuning?: Readonly<Record<string, number>> | undefined;
  /** Outlives the worker's home, which is removed with it. Default: `quarantine` in the home. */
  readonly quarantineFolder?: string | undefined;
  /** What Node runs; default: the project's own command line. For tests. */
  readonly entry?: string | undefined;
}

export interface ApiAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Pure: the file a worker starts from, as `workerConfigSchema` of src/worker reads it (this room may not import that
 * one; a test holds the two together).
 */
export function renderWorkerFile(
  spec: LocalWorkerSpec,
  port: number,
): { readonly api: ApiAddress } & Record<string, unknown> {
  return {
    pair: spec.pair,
    site: spec.site,
    clusters: { a: spec.clusters.a, b: spec.clusters.b },
    api: {
      host: spec.apiHost ?? '127.0.0.1',
      port,
      ...(spec.apiToken === undefined ? {} : { token: spec.apiToken }),
    },
    // A worker that is started again takes the place of the one before at once, however that one ended.
    group: { ...spec.group, instanceId: spec.instanceId ?? `${spec.pair}-${spec.site}` },
    ...(spec.logLevel === undefined ? {} : { logLevel: spec.logLevel }),
    ...(spec.quarantineFolder === undefined ? {} : { quarantineFolder: spec.quarantineFolder }),
    ...(spec.principals === undefined ? {} : { principals: spec.principals }),
    ...(spec.authorizers === undefined ? {} : { authorizers: spec.authorizers }),
    ...(spec.repoint === undefined ? {} : { repoint: spec.repoint }),
    ...(spec.drills === undefined ? {} : { drills: spec.drills }),
    ...(spec.tuning === undefined ? {} : { tuning: spec.tuning }),
  };
}

/** Where a program on this machine reaches the API: a worker bound to every address is called by loopback. */
export function apiUrl({ host, port }: ApiAddress): string {
  const name = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
