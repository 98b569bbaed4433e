#!/usr/bin/env node
import { processIo } from './io.ts';
import { interruptedExit } from './failure.ts';
import { runCli } from './program.ts';

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

process.exitCode = await runCli(process.argv.slice(2), processIo(), stopping.signal);
setTimeout(() => process.exit(), exitGraceMs).unref();
