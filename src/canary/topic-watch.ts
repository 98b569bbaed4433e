import type { Logger } from 'pino';
import type { ClusterConfig } from '../kafka/cluster-config.ts';
import { Cluster } from '../kafka/cluster.ts';
import { defaultLimits } from '../kafka/connection.ts';
import { otherSite, type SiteId, sites } from '../pair/site.ts';
import { linkId, type PrefixOwners } from '../pair/spec.ts';
import type { Pause } from './canary-clock.ts';
import type { CanaryTopic } from './canary-target.ts';
import { newestCanaryTopics } from './canary-topic.ts';
import { hasAborted, pause as processPause } from './pause.ts';

export interface TopicWatchOptions {
  readonly clusters: Readonly<Record<SiteId, ClusterConfig>>;
  readonly clientId: string;
  /** Undefined while nobody has told. */
  readonly owners: () => PrefixOwners | undefined;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Default the process's own. */
  readonly pause?: Pause;
}

export interface TopicWatch {
  /** Of each home the newest generation that either cluster showed. */
  readonly topics: () => readonly CanaryTopic[];
  stop(): Promise<void>;
}

/** A new generation is found so soon. */
const lookMs = 10_000;
/** While none was found yet. */
const firstLookMs = 500;
const limits = { ...defaultLimits, connectTimeoutMs: 3_000, requestTimeoutMs: 5_000 };

/**
 * Finds the canary topics of a pair by their names, for an observer that nobody tells. What a cluster showed last stays
 * known while it does not answer. Never throws.
 */
export function watchCanaryTopics(options: TopicWatchOptions): TopicWatch {
  const { clusters, clientId, owners, logger } = options;
  const pause = options.pause ?? processPause;
  const stopping = new AbortController();
  const { signal } = stopping;
  /** By site and topic its partitions. */
  const seen: Record<SiteId, ReadonlyMap<string, number>> = { a: new Map(), b: new Map() };

  const topics = (): readonly CanaryTopic[] => {
    const known = owners();
    if (known === undefined) return [];
    const names = new Map([...seen.a, ...seen.b]);
    return newestCanaryTopics(names.keys(), known).map(({ name, home }) => ({
      ...{ name, link: linkId({ from: home, to: otherSite(home) }), partitions: names.get(name) ?? 0 },
    }));
  };
  const watch = async (site: SiteId): Promise<void> => {
    const cluster = new Cluster(`site ${site}`, clusters[site], { clientId, limits });
    let silent = false;
    try {
      while (!hasAborted(signal)) {
        try {
          const found = (await cluster.metadata('all', () => undefined)).topics;
          seen[site] = new Map([...found].map(([name, { partitions }]) => [name, partitions.length]));
          silent = false;
        } catch (error) {
          if (!silent) logger.warn({ err: error, site }, 'the topics of the site cannot be listed; trying again');
          silent = true;
        }
        await pause(topics().length === 0 ? firstLookMs : lookMs, signal);
      }
    } finally {
      await cluster.close();
    }
  };
  const running = Promise.allSettled(sites.map(watch));
  return {
    topics,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
