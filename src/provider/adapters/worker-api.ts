import { createApiClient } from '../../api/client.ts';
import type { OpenWorkerApi } from '../ports.ts';
import { parseChannelUrl } from '../resources/channel-url.ts';
import { channelApi } from './channel-api.ts';

/** Reading happens at every preview: a worker that hangs must not hold it up for long. */
const readTimeoutMs = 10_000;

/** {@link OpenWorkerApi} by the HTTP client of the worker's API, or by documents where the address says so. Changes get the client's own, longer bound. */
export const openWorkerApi: OpenWorkerApi = ({ url, token, progress }) => {
  const channel = parseChannelUrl(url);
  if (channel !== undefined) return channelApi(channel, { progress });
  const reads = createApiClient({ url, token, timeoutMs: readTimeoutMs });
  const changes = createApiClient({ url, token });
  return {
    pair: (signal) => reads.pair(signal),
    links: (signal) => reads.links(signal),
    topics: (signal) => reads.topics(signal),
    roles: (signal) => reads.roles(signal),
    acls: (signal) => reads.acls(signal),
    prefixPolicy: (signal) => reads.prefixPolicy(signal),
    putPrefixPolicy: (policy, signal) => changes.putPrefixPolicy(policy, signal),
    putSchemaPrimary: (primary, signal) => changes.putSchemaPrimary(primary, signal),
    putLink: (link, signal) => changes.putLink(link, signal),
    deleteLink: (id, mode, signal) => changes.deleteLink(id, mode, signal),
    drill: async (name, signal) => (await reads.drills.get(name, signal)).spec,
    putDrill: (drill, signal) => changes.drills.put(drill, signal),
    deleteDrill: (name, signal) => changes.drills.remove(name, signal),
  };
};
