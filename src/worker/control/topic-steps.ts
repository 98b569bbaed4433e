import type { ClusterMetadata, TopicMetadata } from '../../kafka/cluster.ts';
import { planTopics, type SeenTopic, type TopicStep } from '../../sync/topics/plan-topics.ts';
import type { SiteState } from '../state/state.ts';

export interface LookedAt {
  readonly link: string;
  /** Topics at the source that the link may copy. */
  readonly source: readonly TopicMetadata[];
  readonly target: ClusterMetadata;
  /** Of the target: which copies are ours. */
  readonly state: Pick<SiteState, 'shadows'>;
}

/** What is to be done with the topics of a link after a look at both clusters. Decides nothing: `planTopics` does. */
export function topicSteps({ link, source, target, state }: LookedAt): readonly TopicStep[] {
  const ours = state.shadows().filter((shadow) => shadow.link === link);
  return planTopics({
    source: source.map(seen),
    target: new Map([...target.topics].map(([name, topic]) => [name, seen(topic)])),
    known: new Map(
      ours.map(({ topic, sourceTopicId, state: copy }) => [
        topic,
        { topic, sourceTopicId, shadowTopicId: copy.kind === 'ours' ? copy.shadowTopicId : undefined },
      ]),
    ),
  });
}

export function nameOf(step: TopicStep): string {
  return 'source' in step ? step.source.name : step.name;
}

function seen(topic: TopicMetadata): SeenTopic {
  return { name: topic.name, topicId: topic.topicId, partitions: topic.partitions.length };
}
