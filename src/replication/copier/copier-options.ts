import type { CopierClock } from '../waiting/copier-clock.ts';

export interface CopierOptions<Copier> {
  readonly clock: CopierClock;
  readonly queueBytesMax: number;
  /** Longest hole that is filled; undefined: any. */
  readonly gapOffsetsMax: () => bigint | undefined;
  readonly changed: (copier: Copier) => void;
}
