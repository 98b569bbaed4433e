import type { Cluster, TopicMetadata } from '../../kafka/cluster.ts';
import { describeConfigs, type TopicConfigs } from '../../kafka/config-admin.ts';
import { ConnectionError, KafkaError } from '../../kafka/errors.ts';
import { type Created, createTopic, growTopic, type NewTopic } from '../../kafka/topic-admin.ts';
import { defaultTopicPolicy, type TopicPolicy } from '../../pair/topic-policy.ts';
import type { TopicStep } from './plan-topics.ts';
import { shadowConfigs } from './shadow-configs.ts';
import { wantedConfigs } from './wanted-configs.ts';

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
  /** Default: what holds where the link declares nothing. */
  readonly policy?: TopicPolicy;
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
  const [configs, atTarget] = [await configsOf(apply.source, name), await configNamesAt(apply)];
  const before = apply.state.shadow(name);
  await apply.state.putShadow(entry(source, apply.link, { kind: 'creating' }), signal);
  const created = await createCopy({ name, partitions }, configs, atTarget, apply);
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

/** Codes with which a value is refused: INVALID_CONFIG, INVALID_REQUEST, POLICY_VIOLATION. */
const refusedValues: ReadonlySet<number> = new Set([40, 42, 44]);

/**
 * With the configs of the source that are synced; where the target refuses one of them, with only what a copy needs: the
 * config sync then names the bad one, and the copying has begun.
 */
async function createCopy(
  topic: Pick<NewTopic, 'name' | 'partitions'>,
  source: TopicConfigs,
  atTarget: ReadonlySet<string>,
  { target, policy = defaultTopicPolicy }: TopicApply,
): Promise<Created> {
  const { replicationFactor: factor } = policy;
  const sized = factor === 'target-default' ? topic : { ...topic, replicationFactor: factor };
  const { wanted } = wantedConfigs(source, atTarget, policy);
  // What only has to hold in effect is left to the config sync, which sees what holds anyway.
  const whole = [...wanted].flatMap(([name, want]) => (want.kind === 'own' ? [[name, want.value] as const] : []));
  try {
    return await createTopic(target, { ...sized, configs: new Map(whole) });
  } catch (error) {
    if (!(error instanceof KafkaError && refusedValues.has(error.code))) throw error;
    const values = [...source].flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value] as const]));
    return createTopic(target, { ...sized, configs: shadowConfigs(new Map(values), atTarget) });
  }
}

async function configsOf(cluster: Cluster, topic: string): Promise<TopicConfigs> {
  const { configs, refused } = await describeConfigs(cluster, [topic]);
  const refusal = refused.get(topic);
  if (refusal !== undefined) {
    throw new KafkaError(refusal.code, `configs of ${topic} at ${cluster.name}`, { right: 'DESCRIBE_CONFIGS' });
  }
  return configs.get(topic) ?? new Map<string, never>();
}

/** Config names that the target's version knows, read from any topic there (`_umbra` always is). */
async function configNamesAt({ target, targetTopics }: TopicApply): Promise<ReadonlySet<string>> {
  const sample = targetTopics.has('_umbra') ? '_umbra' : targetTopics.keys().next().value;
  if (sample === undefined) throw new ConnectionError(`${target.name} shows no topic to learn its configs from`);
  return new Set((await configsOf(target, sample)).keys());
}
