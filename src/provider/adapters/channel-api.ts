import { setTimeout as sleep } from 'node:timers/promises';
import { S3Documents } from '../../aws/s3-documents.ts';
import { DeclaredSite } from '../../channel/declared-site.ts';
import { linkId } from '../../pair/spec.ts';
import { Problem } from '../../worker/problems.ts';
import type { LinkView } from '../../worker/views.ts';
import type { WorkerAddress, WorkerApi } from '../ports.ts';
import type { ChannelPlace } from '../resources/channel-url.ts';

/** A service that was just made pulls its image, starts, joins its group and takes the lead before it looks. */
const patienceMs = 300_000;

/** A {@link WorkerApi} by documents: what is asked is read from the site's status, what is declared goes into its spec. */
export function channelApi(place: ChannelPlace, { progress }: Pick<WorkerAddress, 'progress'>): WorkerApi {
  const { pair, site, ...s3 } = place;
  const declared = new DeclaredSite({
    ...{ pair, site, documents: new S3Documents(s3), patienceMs },
    clock: { nowMs: Date.now, sleep: (ms, signal) => sleep(ms, undefined, { signal }) },
    progress: progress ?? (() => undefined),
  });
  return {
    pair: async (signal) => (await declared.status(signal)).view,
    links: async (signal) => (await declared.status(signal)).view.links,
    topics: async (signal) => (await declared.status(signal)).topics,
    roles: async (signal) => (await declared.status(signal)).moved.map((topic) => ({ topic })),
    acls: async (signal) => (await declared.status(signal)).acls,
    async prefixPolicy(signal) {
      const { prefixPolicy } = (await declared.status(signal)).spec;
      if (prefixPolicy === undefined) throw new Problem('NOT_FOUND', `no prefix policy is declared at site ${site}`);
      return prefixPolicy;
    },
    async putPrefixPolicy(policy, signal) {
      await declared.putPrefixPolicy(policy, signal);
    },
    async putSchemaPrimary(primary, signal) {
      await declared.putSchemaPrimary(primary, signal);
    },
    async putLink(link, signal) {
      const { view } = await declared.putLink(link, signal);
      return linkOf(view.links, linkId(link));
    },
    deleteLink: (id, mode, signal) => declared.deleteLink(id, mode, signal),
    async drill(name, signal) {
      const { drills = [] } = (await declared.status(signal)).spec;
      const drill = drills.find((each) => each.name === name);
      if (drill === undefined) throw new Problem('NOT_FOUND', `site ${site} has no drill named ${name}`);
      return drill;
    },
    async putDrill(drill, signal) {
      await declared.putDrill(drill, signal);
    },
    deleteDrill: (name, signal) => declared.deleteDrill(name, signal),
  };
}

function linkOf(links: readonly LinkView[], id: string): LinkView {
  const link = links.find((each) => each.id === id);
  if (link === undefined) throw new Problem('NOT_READY', `link ${id} is in force, but its site does not show it yet`);
  return link;
}
