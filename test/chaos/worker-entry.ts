import { enableCompileCache, flushCompileCache } from 'node:module';

// A worker as it is, whose start costs half the CPU: hundreds of them are started. What was compiled is written early,
// for these processes never get to their end.
const flushAfterMs = 3_000;
enableCompileCache();
setTimeout(flushCompileCache, flushAfterMs).unref();
await import('../../src/cli/main.ts');
