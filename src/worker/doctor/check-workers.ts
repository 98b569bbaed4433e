import type { SiteId } from '../../pair/site.ts';
import type { Finding } from '../finding.ts';
import { decodeMemberData } from '../group/member-data.ts';
import { workerGroup, workerProtocolType } from '../group/worker-group.ts';
import { kafkaTool } from './commands.ts';
import { found, inOrder } from './doctor-codes.ts';
import type { SiteSight } from './site-sight.ts';

const aheadMsMax = 3_000;

/** Who takes part at a site, as its coordinator says. Pure. */
export function checkWorkers(sight: SiteSight): readonly Finding[] {
  const { site, workers } = sight;
  if (workers === undefined) return [];
  const { protocolType, members } = workers;
  if (members.length === 0) {
    if (!expectsWorker(sight)) return [];
    return [
      found('NO_WORKER', {
        site,
        message: `no worker takes part at site ${site} (group ${workerGroup}): nothing is copied to it`,
        remedy:
          'Start one: "npx umbra local start" or "npm run up" on this machine, "npx umbra worker --config FILE" elsewhere.',
      }),
    ];
  }
  if (protocolType !== workerProtocolType) {
    return [
      found('WORKER_GROUP_TAKEN', {
        site,
        message: `the group ${workerGroup} has ${members.length} member(s) of the protocol "${protocolType}": no worker can take part`,
        remedy: `Stop what uses that group: ${kafkaTool('kafka-consumer-groups', sight, `--describe --members --group ${workerGroup}`)}`,
      }),
    ];
  }
  const urls = members.flatMap(({ metadata, clientHost }) => {
    const said = decodeMemberData(metadata);
    return said === undefined ? [] : [{ url: said.url, host: clientHost.replace(/^\//, '') }];
  });
  const local = urls.filter(({ url }) => isLoopback(new URL(url).hostname));
  if (local.length > 0 && new Set(urls.map(({ host }) => host)).size > 1) {
    return local.map(({ url, host }) =>
      found('WORKER_URL', {
        site,
        message: `the worker on ${host} tells the others to reach it at ${url}, which is their own machine for them`,
        remedy:
          'Set api.host of that worker to an address that the others reach (and api.token), or api.advertisedUrl.',
      }),
    );
  }
  return [inOrder(site, 'worker', `${members.length} worker(s) take part`)];
}

/** Where no link ends there is nothing to copy. */
function expectsWorker({ site, state }: SiteSight): boolean {
  return state.kind === 'read' && state.spec.links.some(({ to }) => to === site);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

/** Clocks of a site's brokers against the worker that last wrote `_umbra`. Pure. */
export function checkClock({ site, clock }: SiteSight): readonly Finding[] {
  if (clock === undefined) return [];
  const { brokerAheadMs, measuredAt } = clock;
  const what = `as of ${measuredAt.toISOString()}`;
  if (Math.abs(brokerAheadMs) <= aheadMsMax) {
    return [inOrder(site, 'clock', `brokers and workers agree within ${aheadMsMax / 1_000} s (${what})`)];
  }
  const seconds = (Math.abs(brokerAheadMs) / 1_000).toFixed(1);
  return [
    found('CLOCK_APART', {
      site,
      message: `the clocks of the brokers are ${seconds} s ${brokerAheadMs > 0 ? 'ahead of' : 'behind'} that of the worker (${what}, from what it wrote to _umbra)`,
      remedy: 'Let brokers and workers follow one time source (chrony, NTP).',
    }),
  ];
}

/** The clock of a worker, as the Date of its answer, against that of this machine. Pure. */
export function checkWorkerClock(
  site: SiteId | undefined,
  { url, aheadMs }: { readonly url: string; readonly aheadMs: number },
): readonly Finding[] {
  if (Math.abs(aheadMs) <= aheadMsMax) return [];
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(0);
  return [
    found('CLOCK_APART', {
      site,
      message: `the clock of the worker ${url} is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of this machine`,
      remedy: 'Let both follow one time source (chrony, NTP).',
    }),
  ];
}
