import type { TopicMetadata } from '../../kafka/cluster.ts';
import type { SeenTopic, TopicStep } from '../../sync/topics/plan-topics.ts';

/** The topic that a step is about. */
export function nameOf(step: TopicStep): string {
  return 'source' in step ? step.source.name : step.name;
}

/** A topic as the planner of copies wants to see it. */
export function seen(topic: TopicMetadata): SeenTopic {
  return { name: topic.name, topicId: topic.topicId, partitions: topic.partitions.length };
}
