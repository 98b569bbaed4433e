/** A topic as one cluster shows it. */
export interface SeenTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: number;
}

/** What the link remembers of a copy. */
export interface KnownShadow {
  readonly topic: string;
  readonly sourceTopicId: string;
  /** Undefined while only the intent to create it is recorded. */
  readonly shadowTopicId: string | undefined;
}

export interface TopicsSeen {
  /** Topics at the source that this link may copy. */
  readonly source: readonly SeenTopic[];
  /** All topics at the target. */
  readonly target: ReadonlyMap<string, SeenTopic>;
  readonly known: ReadonlyMap<string, KnownShadow>;
}

export type TopicStep =
  /** No copy yet: record the intent, create, record the id. */
  | { readonly kind: 'create'; readonly source: SeenTopic; readonly known: KnownShadow | undefined }
  /** The intent was recorded and the topic is there: a crash came in between. Record its id. */
  | { readonly kind: 'adopt'; readonly source: SeenTopic; readonly shadowTopicId: string }
  /** The copy is there and ours. */
  | { readonly kind: 'follow'; readonly source: SeenTopic; readonly shadowTopicId: string }
  /** The copy has fewer partitions than the source. */
  | { readonly kind: 'grow'; readonly source: SeenTopic; readonly shadowTopicId: string; readonly from: number }
  /** Something that must not be touched stands in the way. */
  | { readonly kind: 'refuse'; readonly name: string; readonly code: RefusalCode; readonly message: string }
  /** The source topic is gone; the copy is kept. */
  | { readonly kind: 'orphan'; readonly name: string };

export type RefusalCode = 'SHADOW_NOT_OURS' | 'SHADOW_RECREATED' | 'SOURCE_RECREATED';

/**
 * What has to be done so that every topic of the source has its copy: pure. Names are no identity: a topic that was
 * deleted and created anew at either side is another topic, and is never written over.
 */
export function planTopics({ source, target, known }: TopicsSeen): readonly TopicStep[] {
  const atSource = new Set(source.map(({ name }) => name));
  const orphans = [...known.values()].filter(
    ({ topic, shadowTopicId }) => !atSource.has(topic) && shadowTopicId !== undefined,
  );
  return [
    ...source.map((topic) => planTopic(topic, target.get(topic.name), known.get(topic.name))),
    ...orphans.map(({ topic }): TopicStep => ({ kind: 'orphan', name: topic })),
  ];
}

function planTopic(source: SeenTopic, shadow: SeenTopic | undefined, known: KnownShadow | undefined): TopicStep {
  const { name } = source;
  // A copy that is gone (deleted on purpose) is made anew, from whatever the source is now.
  if (shadow === undefined) return { kind: 'create', source, known };
  if (known === undefined) {
    const message = `a topic ${name} exists at the target and was not made by this link`;
    return { kind: 'refuse', name, code: 'SHADOW_NOT_OURS', message };
  }
  if (known.sourceTopicId !== source.topicId) {
    const message = `topic ${name} was deleted and created anew at the source; the copy of the old one, if there is one, is left alone`;
    return { kind: 'refuse', name, code: 'SOURCE_RECREATED', message };
  }
  if (known.shadowTopicId === undefined) return { kind: 'adopt', source, shadowTopicId: shadow.topicId };
  if (known.shadowTopicId !== shadow.topicId) {
    const message = `the copy of ${name} was deleted and created anew by somebody else`;
    return { kind: 'refuse', name, code: 'SHADOW_RECREATED', message };
  }
  if (shadow.partitions < source.partitions) {
    return { kind: 'grow', source, shadowTopicId: shadow.topicId, from: shadow.partitions };
  }
  return { kind: 'follow', source, shadowTopicId: shadow.topicId };
}
