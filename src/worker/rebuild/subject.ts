import type { TopicMetadata } from '../../kafka/cluster.ts';
import type { ManifestFault } from '../../quarantine/manifest.ts';
import { isFaultCode } from '../../replication/partition/fault.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import type { TopicDetailView } from '../views.ts';
import type { RebuildSubject } from './refusals.ts';
import type { Sides } from './scan-topic.ts';

export interface FaultedSubject extends RebuildSubject {
  readonly faults: readonly ManifestFault[];
}

/** What the link knows of the topic. */
export interface SubjectSources {
  readonly sides: Sides;
  readonly view: TopicDetailView | undefined;
  readonly record: ShadowRecord | undefined;
  readonly fenced: boolean;
  readonly mayCopy: (source: TopicMetadata) => boolean | undefined;
}

/** Everything that decides whether a topic can be rebuilt, with a look at both clusters. Rejects when one is silent. */
export async function readSubject(topic: string, sources: SubjectSources): Promise<FaultedSubject> {
  const { sides, view, record, fenced, mayCopy } = sources;
  const [source, target] = await Promise.all([sides.source.metadata([topic]), sides.target.metadata([topic])]);
  const original = source.topics.get(topic);
  const faults = faultsOf(view);
  return {
    topic,
    state: view?.state ?? 'pending',
    faults,
    faultCodes: faults.map(({ code }) => code).filter(isFaultCode),
    copyTopicId: record?.state.kind === 'ours' && record.link === view?.link ? record.state.shadowTopicId : undefined,
    targetTopicId: target.topics.get(topic)?.topicId,
    sourceTopicId: original?.topicId,
    mayCopy: original !== undefined && mayCopy(original) === true,
    fenced,
  };
}

/** The topic's own fault only where no partition has one: then it stands for the whole. */
function faultsOf(view: TopicDetailView | undefined): readonly ManifestFault[] {
  const ofPartitions = (view?.partitionViews ?? []).flatMap(({ partition, fault }) =>
    fault === undefined ? [] : [{ partition, code: fault.code, message: fault.message, at: fault.at }],
  );
  if (ofPartitions.length > 0 || view?.fault === undefined) return ofPartitions;
  const { code, message, at } = view.fault;
  return [{ code, message, at }];
}
