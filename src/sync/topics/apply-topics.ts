import type { Cluster, TopicMetadata } from '../../kafka/cluster.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import { createTopic, describeTopicConfigs, growTopic } from '../../kafka/topic-admin.ts';
import type { TopicStep } from './plan-topics.ts';
import { shadowConfigs } from './shadow-configs.ts';

/** Where the link's memory of its copies is kept (the worker's `_umbra`). */
export interface ShadowRecords {
  shadow(topic: string): ShadowEntry | undefined;
  putShadow(record: ShadowEntry, signal: AbortSignal): Promise<void>;
  removeShadow(topic: string, signal: AbortSignal): Promise<void>;
}

export interface ShadowEntry {
  topic: string;
  link: string;
  sourceTopicId: string;
  state: { kind: 'creating' } | { kind: 'ours'; shadowTopicId: string };
  faults: readonly unknown[];
}

export interface TopicApply {
  readonly link: string;
  readonly source: Cluster;
  readonly target: Cluster;
  readonly targetTopics: ReadonlyMap<string, TopicMetadata>;
  readonly state: ShadowRecords;
}

/**
 * Carries out one step of the plan. Returns the id of the copy to follow, or undefined when a topic of that name turned
 * out not to be ours. The intent is recorded before the topic is created and its id after, so that a crash in between
 * is recognised at the next start.
 */
export async function applyTopicStep(
  step: Exclude<TopicStep, { kind: 'orphan' | 'refuse' }>,
  apply: TopicApply,
  signal: AbortSignal,
): Promise<string | undefined> {
  switch (step.kind) {
    case 'follow':
      return step.shadowTopicId;
    case 'grow':
      await growTopic(apply.target, step.source.name, step.source.partitions);
      return step.shadowTopicId;
    case 'adopt':
      await recordOurs(step.source, step.shadowTopicId, apply, signal);
      return step.shadowTopicId;
    case 'create':
      return create(step, apply, signal);
  }
}

async function create(
  { source, known }: Extract<TopicStep, { kind: 'create' }>,
  apply: TopicApply,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name, partitions } = source;
  // A copy we know may only be missing in an old answer, or hidden from us: it is asked for by its name.
  if (known?.shadowTopicId !== undefined && (await apply.target.metadata([name])).topics.has(name)) {
    throw new ConnectionError(`${apply.target.name} does not show the copy ${name} yet`);
  }
  const configs = shadowConfigs(await effectiveConfigs(apply.source, name), await configNamesAt(apply));
  const before = apply.state.shadow(name);
  await apply.state.putShadow(entry(source, apply.link, { kind: 'creating' }), signal);
  const created = await createTopic(apply.target, { name, partitions, configs });
  if (created.kind === 'created') {
    await recordOurs(source, created.topicId, apply, signal);
    return created.topicId;
  }
  if (known === undefined) {
    await apply.state.removeShadow(name, signal);
    return undefined;
  }
  // The copy we know was only missing in an old answer of the cluster: everything stays as it was recorded, faults too.
  if (before !== undefined) await apply.state.putShadow(before, signal);
  throw new ConnectionError(`${apply.target.name} does not show the copy ${name} yet`);
}

async function recordOurs(
  source: { readonly name: string; readonly topicId: string },
  shadowTopicId: string,
  apply: TopicApply,
  signal: AbortSignal,
): Promise<void> {
  await apply.state.putShadow(entry(source, apply.link, { kind: 'ours', shadowTopicId }), signal);
}

function entry(
  source: { readonly name: string; readonly topicId: string },
  link: string,
  state: ShadowEntry['state'],
): ShadowEntry {
  return { topic: source.name, link, sourceTopicId: source.topicId, state, faults: [] };
}

async function effectiveConfigs(source: Cluster, topic: string): Promise<ReadonlyMap<string, string>> {
  return (await describeTopicConfigs(source, [topic])).get(topic) ?? new Map<string, string>();
}

/** Config names that the target's version knows, read from any topic there (`_umbra` always is). */
async function configNamesAt({ target, targetTopics }: TopicApply): Promise<ReadonlySet<string>> {
  const sample = targetTopics.has('_umbra') ? '_umbra' : targetTopics.keys().next().value;
  if (sample === undefined) throw new ConnectionError(`${target.name} shows no topic to learn its configs from`);
  return new Set((await describeTopicConfigs(target, [sample])).get(sample)?.keys());
}
