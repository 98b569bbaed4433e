import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import kafkajs from 'kafkajs';
import { z } from 'zod';
import { type ApiClient } from '../src/api/client.ts';
import { knownWorkers } from '../src/cli/discovery.ts';
import { clientFiles } from '../src/local/client-files.ts';
import { clusterHome } from '../src/local/registry.ts';
import { type SiteId, sites } from '../src/pair/site.ts';
import { type PairView } from '../src/worker/views.ts';
import { ToolError } from './steps.mjs';

/** One site of the local pair as an application sees it, and its worker. */
export interface DemoSite {
  readonly site: SiteId;
  readonly kafka: kafkajs.Kafka;
  readonly worker: ApiClient;
  /** Names that begin with it are at home here. */
  readonly prefix: string;
}

export type DemoPair = Readonly<Record<SiteId, DemoSite>>;

const appModuleSchema = z.object({
  config: z.looseObject({ clientId: z.string(), brokers: z.array(z.string()).min(1) }),
});

/** The running pair of this clone, connected as the application `app`. @throws {ToolError} when it does not run */
export async function openDemoPair(root: string, stateFolder: string, signal: AbortSignal): Promise<DemoPair> {
  const configs = { a: await appConfig(stateFolder, 'a'), b: await appConfig(stateFolder, 'b') };
  const views = await askWorkers(root, signal);
  const open = (site: SiteId): DemoSite => {
    const { brokers } = configs[site];
    // A clone may run several pairs: this one's worker names this site's brokers.
    const found = views.find(
      ({ view }) => view.site === site && serversOf(view, site).some((server) => brokers.includes(server)),
    );
    if (found?.view.prefixes === undefined) throw new ToolError(notRunning(`site ${site} has no worker that is ready`));
    const kafka = new kafkajs.Kafka({ ...configs[site], logLevel: kafkajs.logLevel.NOTHING });
    return { site, kafka, worker: found.client, prefix: found.view.prefixes[site] };
  };
  return { a: open('a'), b: open('b') };
}

async function appConfig(stateFolder: string, site: SiteId): Promise<kafkajs.KafkaConfig & { brokers: string[] }> {
  const file = clientFiles(clusterHome(stateFolder, site)).appKafkajs;
  if (!existsSync(file)) throw new ToolError(notRunning(`there is no ${file}`));
  const module: unknown = await import(pathToFileURL(file).href);
  return appModuleSchema.parse(module).config;
}

async function askWorkers(
  root: string,
  signal: AbortSignal,
): Promise<readonly { readonly client: ApiClient; readonly view: PairView }[]> {
  const workers = await knownWorkers({ api: [] }, root);
  return Promise.all(workers.map(async ({ client }) => ({ client, view: await client.pair(signal) })));
}

function serversOf(view: PairView, site: SiteId): readonly string[] {
  return view.sites.find((each) => each.site === site)?.bootstrapServers ?? [];
}

function notRunning(why: string): string {
  return `The demo writes to the pair that runs on this machine, and ${why}. Run "npm run up" first.`;
}

/** `a`, `b` and their counterparts. */
export function directionsOf(pair: DemoPair): readonly { readonly from: DemoSite; readonly to: DemoSite }[] {
  return sites.map((site) => ({ from: pair[site], to: pair[site === 'a' ? 'b' : 'a'] }));
}
