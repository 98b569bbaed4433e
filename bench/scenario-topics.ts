import { type BenchContext } from './bench-context.ts';
import { type Scenario, type TopicsPlan } from './scenarios.ts';
import { deleteTopics, endOffsets, remakeTopic } from './topics.ts';

const keepForEver = { 'retention.ms': '-1', 'retention.bytes': '-1' };
/** The copy of ours has the source's times, whatever they are, in a topic that takes them. */
const asCopy = { 'message.timestamp.type': 'CreateTime' };

export function topicsOf({ name, at }: Pick<Scenario, 'name' | 'at'>): readonly string[] {
  return Array.from({ length: at.topics }, (_, index) => `bench-${name}-${index}`);
}

export async function makeSourceTopics(scenario: Scenario, context: BenchContext): Promise<void> {
  await make(context.source.admin, scenario, { ...keepForEver, ...scenario.at.configs }, context);
}

/** Anew for every run: each begins with an empty copy. */
export async function makeTargetTopics(scenario: Scenario, context: BenchContext): Promise<void> {
  await make(context.target.admin, scenario, { ...keepForEver, ...scenario.at.configs, ...asCopy }, context);
}

async function make(
  cluster: BenchContext['source']['admin'],
  scenario: { readonly name: string; readonly at: TopicsPlan },
  configs: Readonly<Record<string, string>>,
  { signal }: BenchContext,
): Promise<void> {
  for (const name of topicsOf(scenario)) {
    await remakeTopic(cluster, { name, partitions: scenario.at.partitions, configs }, signal);
  }
}

export async function removeTargetTopics(
  scenario: Pick<Scenario, 'name' | 'at'>,
  { target }: BenchContext,
): Promise<void> {
  await deleteTopics(target.admin, topicsOf(scenario));
}

export async function removeTopics(
  scenario: Pick<Scenario, 'name' | 'at'>,
  { source, target }: BenchContext,
): Promise<void> {
  for (const { admin } of [source, target]) await deleteTopics(admin, topicsOf(scenario));
}

/** Sum of the ends of the topics' logs. @throws when a partition has no leader */
export async function endSum(cluster: BenchContext['source']['admin'], topics: readonly string[]): Promise<number> {
  const ends = await endOffsets(cluster, topics);
  if (ends === undefined) throw new Error(`a partition of ${topics.join(', ')} at ${cluster.name} has no leader`);
  return ends.sum;
}
