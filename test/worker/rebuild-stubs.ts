import { pino } from 'pino';
import { Cluster } from '../../src/kafka/cluster.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import type { RebuildPorts } from '../../src/worker/rebuild/rebuild-ports.ts';
import type { RebuildRecord } from '../../src/worker/rebuild/rebuild-record.ts';

// Stubs, and they say so: a journal in memory, clusters that nobody answers for, a lease that says what it is told.

export const topic = 'a_orders';
const noCluster = clusterConfigSchema.parse({ bootstrapServers: ['127.0.0.1:1'] });

export function recordAt(step: RebuildRecord['step'], more: Partial<RebuildRecord> = {}): RebuildRecord {
  return {
    ...{ topic, link: 'a-b', planHash: 'ab'.repeat(32), copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's' },
    ...{ folder: '/nowhere', name: `2026-01-02T03-04-05Z.${'ab'.repeat(6)}.${topic}`, faults: [] },
    ...{ startedAt: '2026-01-02T03:04:05.000Z', step },
    ...more,
  };
}

export interface StubPorts {
  readonly ports: RebuildPorts;
  /** Steps in the order in which they were written. */
  readonly written: RebuildRecord[];
  /** What the link was told to do. */
  readonly told: string[];
}

export function stubPorts(overrides: Partial<RebuildPorts> = {}): StubPorts {
  const written: RebuildRecord[] = [];
  const told: string[] = [];
  const tell =
    (what: string) =>
    (name: string): void =>
      void told.push(`${what} ${name}`);
  const connect = (site: string): Cluster => new Cluster(site, noCluster, { clientId: 'stub' });
  const ports: RebuildPorts = {
    ...{ link: 'a-b', pair: 'stub', version: '0.0.0', folder: '/nowhere', now: () => new Date(0) },
    sides: { source: connect('site a'), target: connect('site b') },
    state: {
      shadow: () => undefined,
      rebuilds: () => [],
      rebuild: () => written.at(-1),
      putRebuild: (record) => {
        written.push(record);
        return Promise.resolve();
      },
    },
    lease: { ours: () => Promise.resolve(true), maySend: () => true, lost: new AbortController().signal },
    newestRecord: () => Promise.resolve(undefined),
    logger: pino({ level: 'silent' }),
    subject: () => Promise.reject(new Error('not asked')),
    mayCopy: () => true,
    hold: tell('hold'),
    quiet: () => Promise.resolve(),
    release: tell('release'),
    dropped: tell('dropped'),
    seeded: () => 'level',
    ...overrides,
  };
  return { ports, written, told };
}
