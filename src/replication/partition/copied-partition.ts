import { linkProducerId } from './producer-identity.ts';

/** One partition to copy. Topic ids are 32 hex digits. */
export interface CopiedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly sourceTopicId: string;
  readonly targetTopicId: string;
  readonly producerId: bigint;
  /**
   * Of a copy that was made by reversing the roles of a topic: below it the copy's log is its site's own.
   *
   * ```
   *            ┌ ownBelow: both logs ended here, equal, when the roles moved
   *  copy    ──┴── appended by this link ── end
   *  source  ──┴── written by applications ──── end
   *    └ either side's own writing, the other side's copy of it; which of them, and how often it changed, is not known
   * ```
   * Below, both logs show the same records at the same offsets, in whatever batches; what no consumer may see is a
   * marker, an aborted batch or a hole on either side. Absent for a copy that this link filled from its beginning.
   */
  readonly ownBelow?: bigint;
}

/** Topic ids as above; `ownBelow` by partition. */
export interface CopiedTopic {
  readonly topic: string;
  readonly sourceTopicId: string;
  readonly targetTopicId: string;
  readonly partitions: readonly number[];
  readonly ownBelow?: ReadonlyMap<number, bigint>;
}

export function copiedPartition(
  { topic, sourceTopicId, targetTopicId, ownBelow }: CopiedTopic,
  partition: number,
  linkId: string,
): CopiedPartition {
  const below = ownBelow?.get(partition);
  const producerId = linkProducerId(linkId, sourceTopicId, partition);
  const of = { topic, partition, sourceTopicId, targetTopicId, producerId };
  return below === undefined ? of : { ...of, ownBelow: below };
}

/** Whether what the copy has at `offset` was there before it became this link's copy. */
export function isOwn({ ownBelow }: Pick<CopiedPartition, 'ownBelow'>, offset: bigint): boolean {
  return ownBelow !== undefined && offset < ownBelow;
}
