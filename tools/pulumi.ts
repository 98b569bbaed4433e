import { runCommand } from './interruption.ts';
import { preparePulumi } from './preparation.ts';
import { projectRoot } from './project.ts';
import { wantsSelectedStack } from './pulumi-arguments.ts';
import { findPulumi } from './pulumi-cli.ts';
import { type PulumiSession, openSession } from './pulumi-session.ts';

// npx pulumi … — the real CLI with this clone's state, provider and language host: see pulumi-environment.ts.
// What it says itself goes to stderr: stdout is the CLI's.
await runCommand(async (signal) => {
  const cli = (await findPulumi({ signal })) ?? (await preparePulumi(signal, { out: process.stderr }));
  const session = await openSession(projectRoot, cli);
  const args = process.argv.slice(2);
  if (session.ownBackend && wantsSelectedStack(args)) await selectDefaultStack(session, signal);
  return session.attach(args, { cwd: process.cwd() });
});

async function selectDefaultStack(session: PulumiSession, signal: AbortSignal): Promise<void> {
  if (process.env['PULUMI_STACK'] !== undefined) return;
  const selected = await session.test(['stack', '--show-name'], signal);
  if (!selected) await session.read(['stack', 'select', '--create', 'local'], signal);
}
