import { join } from 'node:path';
import { type ProcessFiles } from './managed-process.ts';

export interface BrokerPaths extends ProcessFiles {
  readonly dir: string;
  readonly config: string;
  readonly logging: string;
  readonly data: string;
  /** Formatting writes here first: a `data` folder is always a whole one. */
  readonly dataNew: string;
  readonly formatConfig: string;
  readonly formatArgs: string;
}

/** The files of one broker below its folder; the same layout is seen inside a container, below another root. */
export function brokerPaths(dir: string): BrokerPaths {
  return {
    dir,
    config: join(dir, 'server.properties'),
    logging: join(dir, 'logging.properties'),
    data: join(dir, 'data'),
    dataNew: join(dir, 'data.new'),
    formatConfig: join(dir, 'format.properties'),
    formatArgs: join(dir, 'format.args'),
    pidFile: join(dir, 'broker.pid'),
    logFile: join(dir, 'broker.log'),
  };
}

export interface ClusterPaths {
  readonly state: string;
  readonly credentials: string;
  readonly grants: string;
  broker(nodeId: number): BrokerPaths;
}

/** The files of a cluster below its home folder. */
export function clusterPaths(home: string): ClusterPaths {
  return {
    state: join(home, 'cluster.json'),
    credentials: join(home, 'credentials.json'),
    grants: join(home, 'grants.json'),
    broker: (nodeId) => brokerPaths(join(home, `broker-${nodeId}`)),
  };
}
