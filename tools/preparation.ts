import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { findJava } from '../src/local/java.ts';
import { ensureClassArchive } from './class-archive.ts';
import { locateKafka } from './kafka-jars.ts';
import { ensureMoto } from './moto.ts';
import { type PulumiCli, ensurePulumi } from './pulumi-cli.ts';
import { type StepOptions, type StepResult, runStep } from './steps.mjs';
import { parseVersion, renderVersion } from './version.ts';

/** What tests pair the local clusters' version with. */
export const olderKafkaVersion = '3.9.2';

/** Checks that there is a Java that brokers (and Maven) run on. @throws LocalProblem JAVA_MISSING */
export async function prepareJava(signal: AbortSignal): Promise<void> {
  await runStep('Java', async () => {
    const java = await findJava(process.env, signal);
    const { stderr } = await promisify(execFile)(java, ['-version'], { signal });
    const version = parseVersion(stderr);
    return { value: undefined, summary: version === undefined ? java : renderVersion(version) };
  });
}

export async function prepareKafka(version: string, signal: AbortSignal): Promise<void> {
  await runStep(`Kafka ${version}`, async (onProgress) => {
    const found = await locateKafka(version, { signal, onProgress });
    return { value: undefined, summary: `${found.jars} jars, ${found.source}` };
  });
}

/** Brokers start without it too, only slower: a failure is told and is none of the run. */
export async function prepareClasses(version: string, signal: AbortSignal): Promise<void> {
  await runStep(`Class archive of Kafka ${version}`, async () => {
    const made = await ensureClassArchive(version, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return `left out: ${error instanceof Error ? error.message : String(error)}`;
    });
    return { value: undefined, summary: made };
  });
}

export async function prepareMoto(signal: AbortSignal): Promise<void> {
  await runStep('moto', async () => {
    const { source } = await ensureMoto({ signal });
    return { value: undefined, summary: source };
  });
}

export async function preparePulumi(signal: AbortSignal, options: StepOptions = {}): Promise<PulumiCli> {
  const work = async (onProgress: (detail: string) => void): Promise<StepResult<PulumiCli>> => {
    const value = await ensurePulumi({ signal, onProgress });
    return { value, summary: `${value.version}, ${value.source}` };
  };
  return runStep('Pulumi CLI', work, options);
}
