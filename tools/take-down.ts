import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defaultStack } from './command-line.ts';
import { type PulumiSession } from './pulumi-session.ts';
import { clearStaleLock } from './stack-lock.ts';
import { stackSetting } from './stack-settings.ts';
import { askingResources } from './stack-state.ts';
import { renderError, runStep } from './steps.mjs';
import { runUpdate } from './update.ts';

const onDelete = 'umbra:onDelete';

/**
 * Destroys a stack and removes it. Its links and drills are set to `detach` first: deleting a link that topics follow is refused
 * otherwise, and this is the command that says so on purpose.
 * A stack whose clusters are on this machine is taken away even when Pulumi cannot do it any more.
 */
export async function takeDown(session: PulumiSession, stack: string, signal: AbortSignal): Promise<void> {
  if (!(await session.test(['stack', '--show-name', '--stack', stack], signal))) return;
  await clearStaleLock(session, stack, signal);
  const disposable = await isOnThisMachine(session.root, stack);
  try {
    await detachAll(session, stack, signal);
    // With its preview: a destroy that is going to be refused is refused before anything is deleted.
    await runUpdate(session, ['destroy', '--yes', '--stack', stack], signal);
    await runStep('Stack', async () => ({ value: undefined, summary: await removeStack(session, stack, signal) }));
  } catch (error) {
    if (signal.aborted || !disposable) throw error;
    process.stdout.write(`${renderError(error)}\nPulumi could not take stack ${stack} away; it is removed by force.\n`);
    await session.read(['stack', 'rm', '--yes', '--force', '--stack', stack], signal);
  }
}

/** Everything of such a stack is below `.umbra`: no other cluster keeps anything of it. */
async function isOnThisMachine(root: string, stack: string): Promise<boolean> {
  const settings = await readFile(join(root, `Pulumi.${stack}.yaml`), 'utf8').catch(() => '');
  return (stackSetting(settings, 'umbra:target') ?? 'local') === 'local';
}

/** Updates nothing but the links and drills that are there, so it needs neither brokers nor workers. */
async function detachAll(session: PulumiSession, stack: string, signal: AbortSignal): Promise<void> {
  const there = askingResources(await session.read(['stack', 'export', '--stack', stack], signal));
  const refusing = there.filter((each) => !each.detaches);
  if (refusing.length === 0) return;
  await session.read(['config', 'set', onDelete, 'detach', '--stack', stack], signal);
  const targets = refusing.flatMap(({ urn }) => ['--target', urn]);
  await runUpdate(session, ['up', '--yes', '--skip-preview', '--stack', stack, ...targets], signal);
}

/** Settings that somebody made stay for the next time; without any, the stack's file goes with it. */
async function removeStack(session: PulumiSession, stack: string, signal: AbortSignal): Promise<string> {
  await session.read(['config', 'rm', onDelete, '--stack', stack], signal);
  const settings = z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(await session.read(['config', '--json', '--stack', stack], signal)));
  const keep = stack !== defaultStack || Object.keys(settings).length > 0;
  await session.read(['stack', 'rm', '--yes', '--stack', stack, ...(keep ? ['--preserve-config'] : [])], signal);
  return keep ? `${stack} removed, its settings are kept in Pulumi.${stack}.yaml` : `${stack} removed`;
}
