import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from './ports.ts';
import type { Catalogue } from './server/dispatch.ts';
import { bindInvoke, type Invoke } from './server/invoke.ts';
import { encodeProperties, type PropertyMap, type PropertyValue } from './server/property.ts';
import { sparingRenamed } from './server/renamed.ts';
import { bindResource, type Resource } from './server/resource.ts';

/** Everything the provider serves, on real ports. A handler and its adapter are loaded when the engine first asks. */
export function realCatalogue(root: string): Catalogue {
  const resources: Record<string, () => Promise<Resource>> = {
    'umbra:index:LocalCluster': async () => {
      const { localClusterHandler } = await import('./handlers/local-cluster.ts');
      const { localClusters } = await import('./adapters/local-machine.ts');
      return sparingRenamed(bindResource(localClusterHandler(localClusters(root))));
    },
    'umbra:index:LocalWorker': async () => {
      const { localWorkerHandler } = await import('./handlers/local-worker.ts');
      const { localWorkers } = await import('./adapters/local-machine.ts');
      const worker = bindResource(localWorkerHandler(localWorkers(root)));
      return sparingRenamed(worker, ({ id, outputs }) => textOf([id, outputs['pair']]));
    },
    'umbra:index:ShadowLink': async () => {
      const { shadowLinkHandler } = await import('./handlers/shadow-link.ts');
      const link = bindResource(shadowLinkHandler(await workerPorts()));
      return sparingRenamed(link, ({ id, outputs }) => textOf([id, outputs['clusterIds'] ?? outputs['worker']]));
    },
    'umbra:index:PrefixPolicy': async () => {
      const { prefixPolicyHandler } = await import('./handlers/prefix-policy.ts');
      return bindResource(prefixPolicyHandler(await workerPorts()));
    },
    'umbra:index:SchemaPrimary': async () => {
      const { schemaPrimaryHandler } = await import('./handlers/schema-primary.ts');
      return bindResource(schemaPrimaryHandler(await workerPorts()));
    },
    'umbra:index:DrillSchedule': async () => {
      const { drillScheduleHandler } = await import('./handlers/drill-schedule.ts');
      const drill = bindResource(drillScheduleHandler(await workerPorts()));
      return sparingRenamed(drill, ({ id, outputs }) => textOf([id, outputs['clusterIds'] ?? outputs['worker']]));
    },
  };
  const invokes: Record<string, () => Promise<Invoke>> = {
    'umbra:index:checkCluster': async () => {
      const { checkClusterHandler } = await import('./handlers/check-cluster.ts');
      const { checkCluster } = await import('../worker/cluster-check.ts');
      return bindInvoke(checkClusterHandler(checkCluster));
    },
    'umbra:index:checkPrefixes': async () => {
      const { checkPrefixesHandler } = await import('./handlers/check-prefixes.ts');
      const { localWorkers } = await import('./adapters/local-machine.ts');
      const { openApi } = await workerPorts();
      return bindInvoke(checkPrefixesHandler({ workers: localWorkers(root), openApi }));
    },
  };
  return { resource: lazily('resource', resources), invoke: lazily('function', invokes) };
}

/** The same text for the same values. */
function textOf(values: readonly (PropertyValue | undefined)[]): string {
  const known = values.flatMap((value, index): [string, PropertyValue][] =>
    value === undefined ? [] : [[`${index}`, value]],
  );
  return JSON.stringify(encodeProperties(Object.fromEntries(known) satisfies PropertyMap));
}

async function workerPorts(): Promise<{ openApi: typeof openWorkerApi; clock: Clock }> {
  const { openWorkerApi } = await import('./adapters/worker-api.ts');
  return { openApi: openWorkerApi, clock: systemClock };
}

const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};

/** Loads each entry once; calls at the same time share the loading. */
function lazily<T>(what: string, table: Record<string, () => Promise<T>>): (name: string) => Promise<T> {
  const loaded = new Map<string, Promise<T>>();
  return (name) => {
    const load = table[name];
    if (load === undefined) {
      return Promise.reject(
        new Error(`the provider umbra has no ${what} ${name}; it has ${Object.keys(table).join(', ')}`),
      );
    }
    const known = loaded.get(name) ?? load();
    loaded.set(name, known);
    return known;
  };
}
