import type { Logger } from 'pino';
import type { Cluster, TopicMetadata } from '../../kafka/cluster.ts';
import type { SiteId } from '../../pair/site.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import { deleteCopy } from '../../sync/topics/delete-copy.ts';
import { type Absences, type CopyStanding, deletionFollows, noteLook } from '../../sync/topics/deletion-follows.ts';
import type { DeletionRecord } from '../state/deletion-record.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import type { SiteState } from '../state/state.ts';
import type { EventSink } from '../events/event.ts';
import type { TrackedTopic } from './tracked-topic.ts';

export interface DeletionsPorts {
  readonly link: string;
  /** Where it ends. */
  readonly site: SiteId;
  readonly source: Cluster;
  readonly target: Cluster;
  readonly state: Pick<SiteState, 'shadow' | 'shadows' | 'roles' | 'putDeletion' | 'endDeletion' | 'removeDeletion'>;
  readonly policy: () => Pick<TopicPolicy, 'deletion'>;
  readonly topics: ReadonlyMap<string, Pick<TrackedTopic, 'state' | 'fault'>>;
  readonly isRebuilt: (topic: string) => boolean;
  /** Some worker may still append to it. */
  readonly isHeld: (topic: string) => boolean;
  readonly mayAct: () => boolean;
  /** The copy is gone. */
  readonly deleted: (topic: string) => void;
  readonly clock: Pick<CopierClock, 'monotonicMs' | 'now'>;
  readonly logger: Logger;
  readonly events: EventSink;
}

/**
 * Deletes copies whose source topics were deleted, where the link says `follow` (docs/topics.md has the conditions). Each
 * look for topics is noted; one that failed, at either cluster, begins the count anew. `_schemas` is never deleted.
 */
export class Deletions {
  readonly #ports: DeletionsPorts;
  readonly #drop: typeof deleteCopy;
  #absences: Absences = new Map();

  constructor(ports: DeletionsPorts, drop: typeof deleteCopy = deleteCopy) {
    this.#ports = ports;
    this.#drop = drop;
  }

  /** The source answered with these topics. */
  looked(source: ReadonlyMap<string, TopicMetadata>): void {
    const { link, state, policy, clock } = this.#ports;
    if (policy().deletion === 'keep') {
      this.#absences = new Map();
      return;
    }
    const topics = new Map([...source].map(([name, { topicId }]) => [name, topicId]));
    const copies = state.shadows().filter((copy) => copy.link === link && copy.topic !== schemasTopic);
    this.#absences = noteLook(this.#absences, { kind: 'answered', atMs: clock.monotonicMs(), topics }, copies);
  }

  lookFailed(): void {
    this.#absences = noteLook(this.#absences, { kind: 'failed' }, []);
  }

  /** To be asked at each look for a copy that the look has shown to have no source any more. Throws what clusters throw. */
  async follow(topic: string, signal: AbortSignal): Promise<void> {
    const { link, state, policy, isHeld, mayAct } = this.#ports;
    const record = state.shadow(topic);
    if (record?.link !== link || record.state.kind !== 'ours' || topic === schemasTopic) return;
    const decision = deletionFollows(this.#absences.get(topic), this.#standingOf(record), policy());
    if (decision.kind === 'keep' || isHeld(topic) || !mayAct()) return;
    await this.#delete(record, record.state.shadowTopicId, signal);
  }

  #standingOf({ topic, faults }: ShadowRecord): CopyStanding {
    const { site, state, topics, isRebuilt } = this.#ports;
    const tracked = topics.get(topic);
    if (isRebuilt(topic)) return { state: 'rebuilding' };
    const roles = state.roles();
    const took = roles.kind !== 'read' || roles.records.get(topic)?.primary === site;
    if (took || tracked?.state === 'promoted') return { state: 'promoted' };
    const faulted = faults.length > 0 || tracked?.state === 'faulted' || tracked?.fault !== undefined;
    return { state: faulted ? 'faulted' : 'ours' };
  }

  async #delete({ topic, sourceTopicId }: ShadowRecord, shadowTopicId: string, signal: AbortSignal): Promise<void> {
    const { link, source, target, state, mayAct, deleted, clock, logger, events } = this.#ports;
    const at = clock.now().toISOString();
    const journal: DeletionRecord = { topic, link, sourceTopicId, shadowTopicId, state: 'deleting', at };
    await state.putDeletion(journal, signal);
    const ended = { removeShadow: () => state.endDeletion({ ...journal, state: 'deleted' }, signal) };
    const outcome = await this.#drop({ topic, shadowTopicId }, { source, target, state: ended, mayAct }, signal);
    if (outcome === 'source shows it') {
      await state.removeDeletion(topic, signal);
      this.lookFailed();
      logger.warn({ link, topic }, 'the source shows a topic again that it did not show before; its copy is kept');
      return;
    }
    logger.warn({ link, topic, sourceTopicId, shadowTopicId }, 'a copy was deleted, as its source topic was');
    events.report({
      kind: 'copy deleted',
      link,
      message: `${topic} (${shadowTopicId}), as its source ${sourceTopicId} was`,
    });
    deleted(topic);
  }
}
