import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Environment } from './cache-dir.ts';
import { LocalProblem } from './local-problems.ts';

/** Kafka 4 brokers need 17; 3.9 runs on it too. */
export const javaMajorMin = 17;
const versionTimeoutMs = 20_000;

/** The major version in the output of `java -version`; undefined when there is none. `1.8.0_392` is 8. */
export function parseJavaMajor(output: string): number | undefined {
  const found = /version "(?:1\.)?(\d+)/.exec(output);
  return found?.[1] === undefined ? undefined : Number(found[1]);
}

/**
 * The `java` to run: `$JAVA_HOME/bin/java` when JAVA_HOME is set, else `java` on PATH.
 * @throws {LocalProblem} JAVA_MISSING when it cannot be run or is older than {@link javaMajorMin}.
 */
export async function findJava(env: Environment, signal: AbortSignal): Promise<string> {
  const java = env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';
  let output: string;
  try {
    // `java -version` writes to stderr.
    const result = await promisify(execFile)(java, ['-version'], { timeout: versionTimeoutMs, signal });
    output = result.stderr + result.stdout;
  } catch (error) {
    signal.throwIfAborted();
    throw new LocalProblem('JAVA_MISSING', `No Java that runs (tried ${java}).`, { cause: error });
  }
  const major = parseJavaMajor(output);
  if (major === undefined || major < javaMajorMin) {
    const version = major === undefined ? 'of an unknown version' : String(major);
    throw new LocalProblem('JAVA_MISSING', `The Java at ${java} is ${version}; ${javaMajorMin} or newer is needed.`);
  }
  return java;
}
