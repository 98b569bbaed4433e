import type { Cluster } from '../../kafka/cluster.ts';
import { deleteTopicById } from '../../kafka/topic-admin.ts';
import type { ShadowRecords } from './apply-topics.ts';

export interface DeleteCopyPorts {
  readonly source: Cluster;
  readonly target: Cluster;
  readonly state: Pick<ShadowRecords, 'removeShadow'>;
  /** Whether this process still is the one that decides; asked when the bytes are about to go out. */
  readonly mayAct: () => boolean;
}

/**
 * Deletes a copy whose source was deleted, by its topic id, and then what `_umbra` says of it; after a crash in between
 * the same call ends it. `source shows it` when the source does know the topic: nothing was done.
 * Throws KafkaError (29 also when the source's topic is only hidden from us), NotSentError when we may not act
 * any more, ConnectionError also when whether it was deleted is unknown.
 */
export async function deleteCopy(
  { topic, shadowTopicId }: { readonly topic: string; readonly shadowTopicId: string },
  { source, target, state, mayAct }: DeleteCopyPorts,
  signal: AbortSignal,
): Promise<'deleted' | 'gone' | 'source shows it'> {
  if ((await source.metadata([topic])).topics.has(topic)) return 'source shows it';
  const outcome = await deleteTopicById(target, shadowTopicId, mayAct);
  await state.removeShadow(topic, signal);
  return outcome;
}
