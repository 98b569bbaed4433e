import type { LocalClusters } from '../src/provider/resources/region-pair.ts';
import type { PairConfig } from './config.ts';

/** Two clusters on this machine. */
export function localClusters({ local }: Extract<PairConfig, { target: 'local' }>): LocalClusters {
  const site = (id: 'a' | 'b'): LocalClusters['sites']['a'] => {
    const { clientPort } = local.sites[id];
    return {
      runtime: local.runtime,
      kafkaVersion: local.kafkaVersion,
      heapMb: local.heapMb,
      ...(clientPort === undefined ? {} : { clientPort }),
    };
  };
  return { kind: 'local', sites: { a: site('a'), b: site('b') } };
}
