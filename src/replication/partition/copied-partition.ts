/** One partition to copy. Topic ids are 32 hex digits. */
export interface CopiedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly sourceTopicId: string;
  readonly targetTopicId: string;
  readonly producerId: bigint;
}
