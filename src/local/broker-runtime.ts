import { type BrokerPaths } from './cluster-paths.ts';
import { type BrokerState, type ClusterState } from './cluster-state.ts';

/** What every operation that leaves the process is given. */
export interface Progress {
  readonly signal: AbortSignal;
  /** One short line per step, for a person. */
  readonly onProgress: (line: string) => void;
}

export type BrokerStatus =
  | { readonly kind: 'absent' }
  /** `where`: for a person, e.g. `pid 4711` or `container umbra-a-1`. */
  | { readonly kind: 'running'; readonly where: string }
  /** It was started, nobody stopped it, and it runs no more. `how` as far as it is known, e.g. `exit code 1`. */
  | { readonly kind: 'died'; readonly how: string };

/** How brokers of one cluster run: as JVM processes or in containers. Nothing here decides *whether* they should. */
export interface BrokerRuntime {
  /** Finds (or builds) what brokers need to run; only starting needs it. */
  prepare(progress: Progress): Promise<BrokerStarter>;
  status(broker: BrokerState, signal: AbortSignal): Promise<BrokerStatus>;
  /** The last lines the broker wrote, of the run before as well while the current one has written nothing. */
  logTail(broker: BrokerState, lines: number, signal: AbortSignal): Promise<readonly string[]>;
  /** Where a person finds all of it: a file or a command. */
  logName(broker: BrokerState): string;
  /** Graceful, then not; nothing to do for a broker that does not run. */
  stop(broker: BrokerState, signal: AbortSignal): Promise<void>;
  /** As a crash would: no shutdown, and it counts as died. For fault tests. */
  kill(broker: BrokerState, signal: AbortSignal): Promise<void>;
}

export interface BrokerStarter {
  /** Where Kafka's jars are, as the broker sees it. */
  readonly libsDir: string;
  readonly clientBindHost: '127.0.0.1' | '0.0.0.0';
  /** The ports of this machine that the broker is going to take. */
  portsOf(broker: BrokerState): readonly number[];
  /** The broker's files as the broker sees them. */
  seenPaths(broker: BrokerState): BrokerPaths;
  /** Runs `java @file` to its end and hands back how it ended and what it wrote. */
  runTool(broker: BrokerState, argumentFile: string, signal: AbortSignal): Promise<ToolResult>;
  /** Starts `java` with these arguments; resolves once it runs, long before it is ready. */
  start(broker: BrokerState, args: readonly string[], signal: AbortSignal): Promise<void>;
}

export interface ToolResult {
  readonly exitCode: number;
  readonly output: string;
}

export interface RuntimeInput {
  readonly home: string;
  readonly state: ClusterState;
  readonly env: Readonly<Record<string, string | undefined>>;
}
