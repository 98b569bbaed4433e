import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultKafkaVersion } from '../src/local/cluster-spec.ts';
import { attach } from './child-process.ts';
import { parseStack } from './command-line.ts';
import { runCommand } from './interruption.ts';
import { prepareJava, prepareKafka, preparePulumi } from './preparation.ts';
import { projectRoot } from './project.ts';
import { openSession } from './pulumi-session.ts';
import { clearStaleLock } from './stack-lock.ts';
import { stackSetting } from './stack-settings.ts';
import { runStep } from './steps.mjs';
import { runUpdate } from './update.ts';

// npm run up [-- --stack NAME] — everything the pair needs, then `pulumi up`, then what runs now.
await runCommand(async (signal) => {
  const stack = parseStack(process.argv.slice(2), 'up');
  await prepareBrokers(await readNeeds(stack), signal);
  const cli = await preparePulumi(signal);
  const session = await openSession(projectRoot, cli);
  await runStep('Stack', async () => {
    await clearStaleLock(session, stack, signal);
    await session.read(['stack', 'select', '--create', stack], signal);
    return { value: undefined, summary: stack };
  });
  signal.throwIfAborted();
  // What died since the last time is only found by looking: that is the refresh.
  await runUpdate(session, ['up', '--yes', '--refresh', '--stack', stack], signal);
  process.stdout.write('\n');
  return attach(process.execPath, [join(projectRoot, 'src/cli/umbra.mjs'), 'status'], { cwd: projectRoot });
});

interface Needs {
  readonly target: string;
  readonly runtime: string;
  readonly kafkaVersion: string;
}

async function readNeeds(stack: string): Promise<Needs> {
  const file = await readFile(join(projectRoot, `Pulumi.${stack}.yaml`), 'utf8').catch(() => '');
  return {
    target: stackSetting(file, 'umbra:target') ?? 'local',
    runtime: stackSetting(file, 'umbra:local.runtime') ?? 'jvm',
    kafkaVersion: stackSetting(file, 'umbra:local.kafkaVersion') ?? defaultKafkaVersion,
  };
}

/** Brokers as processes need Java and Kafka's jars. In containers only where their image has to be made here. */
async function prepareBrokers({ target, runtime, kafkaVersion }: Needs, signal: AbortSignal): Promise<void> {
  if (target !== 'local') return;
  try {
    await prepareJava(signal);
    await prepareKafka(kafkaVersion, signal);
  } catch (error) {
    if (signal.aborted || runtime !== 'docker') throw error;
    process.stdout.write('… going on without: a container image that can be pulled brings its own.\n');
  }
}
