import { readFile, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { processStart } from '../src/local/process-identity.ts';
import { backendFolder } from './pulumi-environment.ts';
import { type PulumiSession } from './pulumi-session.ts';
import { ToolError } from './steps.mjs';

/** What the file backend writes while a command works on a stack. */
const lockSchema = z.object({ pid: z.int(), hostname: z.string() });

/**
 * Takes away the lock that a killed Pulumi left on a stack of the clone's own backend, so that `up` and `down` can be
 * interrupted in any way and repeated. @throws {ToolError} when the one that holds it still runs
 */
export async function clearStaleLock(session: PulumiSession, stack: string, signal: AbortSignal): Promise<void> {
  if (!session.ownBackend) return;
  const folder = join(backendFolder(session.root), '.pulumi', 'locks', 'organization', 'umbra', stack);
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.json'));
  if (files.length === 0) return;
  for (const file of files) {
    const lock = lockSchema.safeParse(JSON.parse(await readFile(join(folder, file), 'utf8')));
    if (!lock.success || lock.data.hostname !== hostname()) continue;
    if ((await processStart(lock.data.pid)) !== undefined) {
      throw new ToolError(
        `Another Pulumi command (process ${lock.data.pid}) works on stack ${stack}; wait for its end.`,
      );
    }
  }
  await session.read(['cancel', '--yes', '--stack', stack], signal);
}
