import type { RoleView } from '../../pair/ownership.ts';
import type { LinkSpec } from '../../pair/spec.ts';
import type { OperationMemory } from '../state/operation-memory.ts';
import { TrackedTopic } from './tracked-topic.ts';

export interface PromotedSeen {
  readonly link: Pick<LinkSpec, 'from' | 'to'>;
  /** Of the site where the link ends. */
  readonly roles: RoleView;
  /** The link's own, to be changed. */
  readonly topics: Map<string, TrackedTopic>;
}

/** Topics that this site took over stay in sight, as promoted ones, also of a worker that was not there. */
export function showPromoted({ link, roles, topics }: PromotedSeen): void {
  if (roles.kind === 'unread') return;
  for (const { topic: name, home, primary } of roles.records.values()) {
    if (primary !== link.to || home !== link.from) continue;
    const topic = topics.get(name) ?? new TrackedTopic({ name, topicId: '', partitions: 0 });
    topics.set(name, topic);
    topic.moveIfPossible('promoted');
  }
}

/** Writes down which copies were level with their sources, once for each. */
export async function rememberLevel(
  topics: ReadonlyMap<string, Pick<TrackedTopic, 'name' | 'state' | 'shadowTopicId' | 'levelNotedOf'>>,
  memory: Pick<OperationMemory, 'wasLevel' | 'putLevel'>,
  signal: AbortSignal,
): Promise<void> {
  const level = [...topics.values()].flatMap((tracked) => {
    const { state, shadowTopicId: copyTopicId, levelNotedOf } = tracked;
    return state === 'following' && copyTopicId !== undefined && levelNotedOf !== copyTopicId
      ? [{ tracked, copyTopicId }]
      : [];
  });
  const found = level.flatMap(({ tracked: { name: topic }, copyTopicId }) =>
    memory.wasLevel(topic, copyTopicId) ? [] : [{ topic, copyTopicId }],
  );
  if (found.length > 0) await memory.putLevel(found, signal);
  for (const { tracked, copyTopicId } of level) tracked.levelNotedOf = copyTopicId;
}
