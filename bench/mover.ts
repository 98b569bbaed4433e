import { type ClusterConfigInput } from '../src/kafka/cluster-config.ts';

/** Who moves the records: we, the one everybody has, and a process that does nothing but move bytes. */
export const moverNames = ['umbra', 'mirror-maker', 'floor'] as const;
export type MoverName = (typeof moverNames)[number];

export interface MoveJob {
  readonly source: ClusterConfigInput;
  readonly target: ClusterConfigInput;
  /** Exist at both clusters, with as many partitions. */
  readonly topics: readonly string[];
  /** Part of the names of whatever the mover keeps for itself: no run finds what another left. */
  readonly runId: string;
  /** For a mover that writes batches of its own; ours passes on what the source holds. */
  readonly compression: 'none' | 'zstd';
  /** Largest batch at the source. */
  readonly batchBytesMax: number;
  /** How long a mover may collect records before it sends them: short where latency counts. */
  readonly lingerMs: number;
}

/** What only a mover itself can tell about the time since {@link RunningMover.mark}. */
export interface InsideView {
  /** Longest time for which its event loop did not turn, milliseconds, whoever had the core. */
  readonly loopDelayMaxMs: number;
  /** The same, only what was the thread's own CPU time. */
  readonly loopBlockedMaxMs: number;
  /** The same since the process began, start and resume included. */
  readonly loopBlockedEverMs: number;
  /** Share of the time in which its event loop was busy, 0 to 1. */
  readonly loopBusyShare: number;
  /** Markers written into gaps. */
  readonly markers: number;
  readonly partitions: number;
  /** Partitions that are level with the source. */
  readonly level: number;
}

/** A mover as a process of its own, so that CPU time and memory are its alone. */
export interface RunningMover {
  readonly pid: number;
  /** Begins the time that {@link inside} speaks of. */
  mark(): Promise<void>;
  /** Undefined for a mover that does not tell. Rejects when it has given up a partition. */
  inside(): Promise<InsideView | undefined>;
  /** Rejects when it did not run as it was told to. */
  checkItself(): Promise<void>;
  /** Its last lines, for the message when it gets stuck. */
  logTail(): Promise<string>;
  /** Ends it and removes what it keeps at the clusters. */
  stop(): Promise<void>;
}
