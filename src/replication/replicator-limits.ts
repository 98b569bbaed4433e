import type { ProofLimits } from './proof/continuous-proof.ts';
import type { StreamLimits } from './streams/stream-set.ts';

export interface ReplicatorLimits extends StreamLimits {
  /** Longest hole that is filled without asking. */
  readonly gapOffsetsMax: bigint;
  readonly foreignWriteCheckMs: number;
  readonly proof: ProofLimits;
}

export const defaultReplicatorLimits: ReplicatorLimits = {
  bufferBytesMax: 32 * 1024 * 1024,
  queueBytesMax: 2 * 1024 * 1024,
  gapOffsetsMax: 1_000_000n,
  fetch: { answerBytesMax: 4 * 1024 * 1024 - 64 * 1024, partitionBytesMax: 1024 * 1024, maxWaitMs: 500 },
  produce: { requestBytesMax: 4 * 1024 * 1024, partitionsMax: 1000, timeoutMs: 30_000 },
  lanes: 2,
  foreignWriteCheckMs: 3_000,
  proof: { share: 0.01, bytesPerSecondMin: 256 * 1024, windowBytes: 1024 * 1024, sliceBytes: 256 * 1024 },
};
