import { deleteEverything, listLocal } from '../src/local/registry.ts';
import { clearState } from './clear-state.ts';
import { parseStack } from './command-line.ts';
import { runCommand } from './interruption.ts';
import { ownStacks } from './own-stacks.ts';
import { preparePulumi } from './preparation.ts';
import { projectRoot, stateFolder } from './project.ts';
import { usesOwnBackend } from './pulumi-environment.ts';
import { openSession } from './pulumi-session.ts';
import { takeDown } from './take-down.ts';
import { ToolError, runStep } from './steps.mjs';

// npm run down [-- --stack NAME] — takes the pair away: links, workers, and local clusters with their data. It works
// from any state that `up` can be left in. Of clusters that umbra did not start, everything stays, and so do the
// quarantines of rebuilt copies and the evidence of drills, whoever started the clusters.
await runCommand(async (signal) => {
  const stack = parseStack(process.argv.slice(2), 'down');
  const own = usesOwnBackend(process.env);
  if (!own || (await ownStacks(projectRoot)).includes(stack)) {
    const session = await openSession(projectRoot, await preparePulumi(signal));
    await takeDown(session, stack, signal);
  }
  await runStep('Tidying up', async () => ({ value: undefined, summary: await tidyUp(own, signal) }));
  return 0;
});

/** Without a stack, nothing of what is left in the state folder belongs to anybody. */
async function tidyUp(own: boolean, signal: AbortSignal): Promise<string> {
  const others = own ? await ownStacks(projectRoot) : [];
  if (others.length > 0) return `stack ${others.join(', ')} is still there`;
  // With a backend of the user's own, what is left may belong to a stack that is not known here.
  const left = own ? 0 : (await listLocal(stateFolder, { signal })).length;
  if (left > 0) return `${left} clusters or workers of other stacks are still there`;
  const { stopped, failures } = await deleteEverything(stateFolder, { signal });
  if (failures.length > 0) throw new ToolError(failures.join('\n'));
  const kept = await clearState(stateFolder);
  const ended = stopped.length === 0 ? [] : [`stopped ${stopped.join(', ')}`];
  const told = [...ended, ...kept.map(({ what, folder }) => `${what} stays in ${folder}`)];
  return told.length === 0 ? 'nothing is left' : told.join('; ');
}
