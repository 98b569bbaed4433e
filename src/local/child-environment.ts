import { type Environment } from './cache-dir.ts';

const passedOn = [
  ...['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'JAVA_HOME', 'NODE_EXTRA_CA_CERTS'],
  ...['UMBRA_CACHE_DIR', 'XDG_CACHE_HOME', 'NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE'],
];

/**
 * What a process that stays behind gets of the environment it is started from: the ordinary names, never tokens and
 * keys that happen to be set in the shell of whoever typed the command.
 */
export function childEnvironment(env: Environment): Record<string, string> {
  return Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
