import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PulumiSession } from './pulumi-session.ts';
import { ToolError } from './steps.mjs';
import { withTemporaryFolder } from './temporary-folder.ts';
import { readUpdateErrorsFile } from './update-errors.ts';

/**
 * Runs a command that changes a stack (up, destroy) on this terminal.
 * @throws {ToolError} when it fails, with nothing but the resources' own errors: the CLI has shown all the rest
 */
export async function runUpdate(session: PulumiSession, args: readonly string[], signal: AbortSignal): Promise<void> {
  await withTemporaryFolder(tmpdir(), async (folder) => {
    const eventLog = join(folder, 'events.jsonl');
    // The flag for the event log belongs to the CLI's debugging commands.
    const env = { PULUMI_DEBUG_COMMANDS: 'true' };
    const code = await session.attach([...args, '--suppress-progress', '--event-log', eventLog], { env });
    signal.throwIfAborted();
    if (code === 0) return;
    const errors = await readUpdateErrorsFile(eventLog);
    const [command] = args;
    throw new ToolError(
      errors.length > 0 ? errors.join('\n') : `pulumi ${command ?? ''} failed (exit code ${code}): see above.`,
    );
  });
}
