import { defaultKafkaVersion } from '../src/local/cluster-spec.ts';
import { runCommand } from './interruption.ts';
import { olderKafkaVersion, prepareJava, prepareKafka, prepareMoto, preparePulumi } from './preparation.ts';
import { ToolError } from './steps.mjs';

// node tools/prepare.mjs [kafka] [moto] [pulumi] — fills the caches that the commands of this project use (all of them by
// default), for a machine that is set up ahead of time.
const parts = ['kafka', 'moto', 'pulumi'] as const;

await runCommand(async (signal) => {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((part) => !parts.some((known) => known === part));
  if (unknown !== undefined) throw new ToolError(`"${unknown}" is none of: ${parts.join(', ')}`);
  const wants = (part: (typeof parts)[number]): boolean => wanted.length === 0 || wanted.includes(part);
  if (wants('kafka')) {
    await prepareJava(signal);
    await prepareKafka(defaultKafkaVersion, signal);
    await prepareKafka(olderKafkaVersion, signal);
  }
  if (wants('moto')) await prepareMoto(signal);
  if (wants('pulumi')) await preparePulumi(signal);
  return 0;
});
