import { type ClusterConfigInput } from '../src/kafka/cluster-config.ts';
import { type Cluster } from '../src/kafka/cluster.ts';
import { type LoadTool } from './load.ts';

export interface BenchSite {
  readonly config: ClusterConfigInput;
  /** For topics and log ends; the movers have connections of their own. */
  readonly admin: Cluster;
}

/** What every scenario is given. */
export interface BenchContext {
  readonly source: BenchSite;
  readonly target: BenchSite;
  readonly load: LoadTool;
  /** For job files, logs and properties. */
  readonly folder: string;
  readonly mirrorMaker: { readonly libs: string; readonly kafkaVersion: string };
  /** Where CPU profiles of our process go, if they are wanted. */
  readonly profileFolder: string | undefined;
  readonly signal: AbortSignal;
  /** One short line for a person. */
  readonly say: (line: string) => void;
}
