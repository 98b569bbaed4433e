import { hookArgs } from '../src/provider/resources/hook-args.ts';
import type { RegionPairArgs } from '../src/provider/resources/region-pair.ts';
import type { PairConfig } from './config.ts';

type Workers = NonNullable<RegionPairArgs['workers']>;

interface Listening {
  readonly apiHost?: string | undefined;
  readonly apiPort?: number | undefined;
  readonly url?: string | undefined;
}

/** Where the workers' APIs are, and what those that are started on this machine are told beside. */
export function workerArgs(config: Exclude<PairConfig, { target: 'aws' }>): Workers {
  const given: Record<'a' | 'b', Listening> | undefined =
    config.target === 'local' ? config.local.sites : config.workers;
  const one = (site: 'a' | 'b'): Workers['a'] => {
    const { apiHost, apiPort, url } = given?.[site] ?? {};
    if (url !== undefined) return { kind: 'elsewhere', url };
    const hooks = config.repoint?.[site];
    return {
      kind: 'here',
      ...(apiHost === undefined ? {} : { apiHost }),
      ...(apiPort === undefined ? {} : { apiPort }),
      ...(config.principals === undefined ? {} : { principals: config.principals }),
      ...(config.authorizers === undefined ? {} : { authorizers: config.authorizers }),
      ...(config.logLevel === undefined ? {} : { logLevel: config.logLevel }),
      ...(hooks === undefined ? {} : { repoint: hookArgs(hooks) }),
    };
  };
  return { a: one('a'), b: one('b') };
}
