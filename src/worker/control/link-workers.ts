import type { LinkCopying } from '../copying/link-copying.ts';
import type { PartitionSample } from '../copying/partition-sample.ts';
import type { LinkProblem, SeenProducer } from '../copying/worker-report.ts';

/** The workers that copy a link, as the controller knows them. */
export interface LinkWorkers {
  /** The controller copies as well, and its lease is the right by which it changes copies. */
  readonly own: LinkCopying;
  /** The worst that one of them tells. */
  readonly problem: LinkProblem | undefined;
  /** What does not work beside that, or of some partition only, in words. */
  readonly trouble: string | undefined;
  /** What each worker said of its partitions when it was last asked. */
  samples(): readonly PartitionSample[];
  /** What each worker said, when it was last asked, of the producers that it has seen. */
  highestProducers(): readonly SeenProducer[];
  /** Asks the others what they see, unless they were asked just now: at most `ageMsMax` ago, where that matters. */
  gather(signal: AbortSignal, ageMsMax?: number): Promise<void>;
  /** Whether this worker leads its site at this moment, and may write at its cluster. */
  mayAct(): boolean;
  /** No worker copies anything. */
  readonly idle: boolean;
  /** Some worker may still append to the topic's copy. */
  holds(topic: string): boolean;
  /** What is to be copied is something else now. */
  taskChanged(reason: string): void;
}
