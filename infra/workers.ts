import type { RegionPairArgs } from '../src/provider/resources/region-pair.ts';
import type { PairConfig } from './config.ts';

type Workers = NonNullable<RegionPairArgs['workers']>;

interface Listening {
  readonly apiHost?: string | undefined;
  readonly apiPort?: number | undefined;
}

/** Where the workers' APIs listen. Both targets run the workers on this machine. */
export function workerArgs(config: PairConfig): Workers {
  const given: Record<'a' | 'b', Listening> | undefined =
    config.target === 'local' ? config.local.sites : config.workers;
  const one = (site: 'a' | 'b'): Workers['a'] => {
    const { apiHost, apiPort } = given?.[site] ?? {};
    return {
      ...(apiHost === undefined ? {} : { apiHost }),
      ...(apiPort === undefined ? {} : { apiPort }),
      ...(config.principals === undefined ? {} : { principals: config.principals }),
      ...(config.authorizers === undefined ? {} : { authorizers: config.authorizers }),
      ...(config.logLevel === undefined ? {} : { logLevel: config.logLevel }),
    };
  };
  return { a: one('a'), b: one('b') };
}
