import type { ProofLimits } from './continuous-proof.ts';
import type { FetchLimits } from './fetch-stream.ts';
import type { ProduceLimits } from './produce-stream.ts';

export interface ReplicatorLimits {
  readonly bufferBytesMax: number;
  readonly queueBytesMax: number;
  /** Longest hole that is filled without asking. */
  readonly gapOffsetsMax: bigint;
  readonly fetch: FetchLimits;
  readonly produce: ProduceLimits;
  /** Connections per target broker that append. */
  readonly lanes: number;
  readonly foreignWriteCheckMs: number;
  readonly proof: ProofLimits;
}

export const defaultReplicatorLimits: ReplicatorLimits = {
  bufferBytesMax: 48 * 1024 * 1024,
  queueBytesMax: 2 * 1024 * 1024,
  gapOffsetsMax: 1_000_000n,
  fetch: { answerBytesMax: 4 * 1024 * 1024 - 64 * 1024, partitionBytesMax: 1024 * 1024, maxWaitMs: 500 },
  produce: { requestBytesMax: 4 * 1024 * 1024, partitionsMax: 1000, timeoutMs: 30_000 },
  lanes: 2,
  foreignWriteCheckMs: 3_000,
  proof: { share: 0.01, bytesPerSecondMin: 256 * 1024, windowBytes: 1024 * 1024, sliceBytes: 256 * 1024 },
};
