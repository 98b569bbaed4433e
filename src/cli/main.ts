#!/usr/bin/env node
import { processIo } from './io.ts';
import { interruptedExit } from './failure.ts';

/** How long something forgotten (a socket kept alive) may hold the process once the answer is out. */
const exitGraceMs = 500;

// A reader that stops early (`umbra topics | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // Once: stop in order. Twice: now.
    if (stopping.signal.aborted) process.exit(interruptedExit);
    stopping.abort();
  });
}

process.exitCode = await run(process.argv.slice(2));
setTimeout(() => process.exit(), exitGraceMs).unref();

/** Container engines ask for the health every few seconds: that verb comes without what all the others need. */
async function run(args: readonly string[]): Promise<number> {
  const around = { io: processIo(), signal: stopping.signal };
  if (args[0] === 'health') {
    const [{ runCommandLine }, { health }] = await Promise.all([
      import('./command-line.ts'),
      import('./verbs/health.ts'),
    ]);
    return runCommandLine([health], args, around);
  }
  const { runCli } = await import('./program.ts');
  return runCli(args, around.io, around.signal);
}
