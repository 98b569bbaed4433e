import type { ClusterMetadata, TopicMetadata } from '../../kafka/cluster.ts';
import { planTopics, type TopicStep } from '../../sync/topics/plan-topics.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import { seen } from './seen-topics.ts';

export interface CopiesSeen {
  readonly link: string;
  /** Topics of the source that the link may copy. */
  readonly source: readonly TopicMetadata[];
  readonly target: ClusterMetadata;
  /** All of `_umbra`. */
  readonly shadows: readonly ShadowRecord[];
}

/** What has to be done so that every topic of the source has its copy, by what both clusters and `_umbra` show. Pure. */
export function planCopies({ link, source, target, shadows }: CopiesSeen): readonly TopicStep[] {
  const known = shadows
    .filter((record) => record.link === link)
    .map(({ topic, sourceTopicId, state }) => {
      const shadowTopicId = state.kind === 'ours' ? state.shadowTopicId : undefined;
      return [topic, { topic, sourceTopicId, shadowTopicId }] as const;
    });
  return planTopics({
    source: source.map(seen),
    target: new Map([...target.topics].map(([name, topic]) => [name, seen(topic)])),
    known: new Map(known),
  });
}
