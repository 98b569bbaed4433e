import { Secret } from '../../worker/secret.ts';
import type { WorkerConfig, WorkerConfigInput } from '../../worker/worker-config.ts';
import { inClear } from './in-clear.ts';

/** What a worker runs when its site has become primary, parsed: what may hold a secret is a `Secret`. */
export type Hooks = NonNullable<WorkerConfig['repoint']>;
/** The same as an input of a resource, which keeps the whole of it as a secret: programs and URLs may hold tokens as well. */
export type HookArgs = NonNullable<WorkerConfigInput['repoint']>;

/** Parsed hooks → input, in clear. */
export function hookArgs(hooks: Hooks): HookArgs {
  return inClear(hooks) as HookArgs; // as: parsing has filled in defaults and wrapped secrets, which are plain again
}

/** Where secrets stand, as paths below `at`, for a warning: `….b[0].url`. */
export function secretPaths(value: unknown, at: string): readonly string[] {
  if (value instanceof Secret) return [at];
  if (Array.isArray(value)) return value.flatMap((each, index) => secretPaths(each, `${at}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => secretPaths(each, `${at}.${name}`));
}
