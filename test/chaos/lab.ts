import { type SiteId } from '../../src/pair/site.ts';
import { type Chance } from '../fixtures/chance.ts';
import { comesBackSoon, startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic } from '../fixtures/kafkajs.ts';
import { Crew } from './crew.ts';
import { type Load, startPlainLoad, startTransactionalLoad } from './load.ts';

/** Two clusters, applications that write at site a all the time, and workers of site b. */
export interface Lab {
  readonly clusters: Readonly<Record<SiteId, TestCluster>>;
  readonly crew: Crew;
  readonly loads: readonly Load[];
  /** Stops and removes everything. */
  remove(): Promise<void>;
}

/** Which applications write: all shapes that a copy may take. */
export const topics = [
  { topic: 'a_plain', transactional: false, ageDays: 0 },
  { topic: 'a_old', transactional: false, ageDays: 2 },
  { topic: 'a_tx', transactional: true, ageDays: 0 },
  { topic: 'a_old_tx', transactional: true, ageDays: 2 },
] as const;
const partitions = 3;
const dayMs = 86_400_000;

/**
 * Brokers of the target forget within a second who wrote records of two days ago (by default: within ten minutes): no
 * sequence protects the copies of these (protocol.md S1).
 */
const forgetful = { 'producer.id.expiration.check.interval.ms': '1000' };
/** Leaders go back to where they belong within seconds, and who does not follow is out of the in-sync set. */
const restless = {
  'min.insync.replicas': '2',
  'leader.imbalance.check.interval.seconds': '4',
  'leader.imbalance.per.broker.percentage': '0',
  'replica.lag.time.max.ms': '3000',
};

export async function startLab({ brokers, random }: { brokers: 1 | 3; random: Chance }): Promise<Lab> {
  const more = brokers === 3 ? restless : comesBackSoon;
  const common = { brokers, security: 'none' } as const;
  // One after the other: six JVMs that start at once are too much for a small machine.
  const a = await startTestCluster({ ...common, name: 'chaos-a', brokerSettings: more });
  const b = await startTestCluster({ ...common, name: 'chaos-b', brokerSettings: { ...more, ...forgetful } });
  const connections = { a: a.connection('umbra'), b: b.connection('umbra') };
  const crew = new Crew(connections);
  const app = a.connection('app');
  for (const { topic } of topics) await createTopic(app, topic, { partitions, replicas: brokers });
  await crew.hire();
  await crew.link();
  const loads = topics.map(({ topic, transactional, ageDays }) => {
    const options = { topic, partitions, random: random.branch(topic), ageMs: ageDays * dayMs };
    return transactional ? startTransactionalLoad(app, options) : startPlainLoad(app, options);
  });
  return {
    clusters: { a, b },
    crew,
    loads,
    async remove() {
      await crew.close();
      await Promise.all([a.remove(), b.remove()]);
    },
  };
}
