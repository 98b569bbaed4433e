import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cacheRoot } from './compile-cache.mjs';
import { LocalProblem } from './local-problems.ts';

/** The environment as a plain record, so that a test can hand in its own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where umbra keeps what it fetched and built (Kafka's jars, the Pulumi CLI), outside any project:
 * `UMBRA_CACHE_DIR`, else `$XDG_CACHE_HOME/umbra`, else `~/.cache/umbra`. Not created here.
 */
export function cacheDir(env: Environment): string {
  return cacheRoot(env);
}

/**
 * The folder that holds Kafka's jars of a version, side by side: `$UMBRA_KAFKA_HOME/libs` when set (an unpacked
 * distribution, whatever its version), else `<cache>/kafka/<version>/libs`.
 * @throws {LocalProblem} KAFKA_JARS_MISSING when there is no jar in it; nothing is fetched here.
 */
export function kafkaLibs(version: string, env: Environment): string {
  const home = env['UMBRA_KAFKA_HOME'];
  const libs = home ? join(resolve(home), 'libs') : join(cacheDir(env), 'kafka', version, 'libs');
  const present = existsSync(libs) && readdirSync(libs).some((file) => file.endsWith('.jar'));
  if (!present) throw new LocalProblem('KAFKA_JARS_MISSING', `No jars of Kafka ${version} in ${libs}.`);
  return libs;
}
