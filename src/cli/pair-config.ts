import { Problem } from '../worker/problems.ts';
import { foundConfigs, type FoundConfig } from './discovery.ts';
import { readWorkerFile } from './worker-file.ts';

/**
 * The configurations of the workers of ONE pair: the file given, else those of the project that `cwd` lies in. For
 * verbs that go to the clusters themselves and so need credentials, not just a worker's URL.
 * Rejects with `NO_PAIR`, or `INVALID_INPUT` for a bad file or when several pairs are found.
 */
export async function pairConfigs(
  file: string | undefined,
  cwd: string,
): Promise<readonly [FoundConfig, ...FoundConfig[]]> {
  if (file !== undefined) return [{ file, config: await readWorkerFile(file) }];
  const [first, ...rest] = await foundConfigs(cwd);
  const pairs = new Set([first, ...rest].map((found) => found.config.pair));
  if (pairs.size > 1) {
    throw new Problem(
      'INVALID_INPUT',
      `several pairs are here (${[...pairs].join(', ')}): name a worker file by --config`,
    );
  }
  return [first, ...rest];
}
