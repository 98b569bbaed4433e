// Plain JavaScript: for the first file of TypeScript a process loads what takes types away, a quarter of the CPU of a
// short command, and with the cache none is left.
import { enableCompileCache, flushCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

// When everything is loaded. Workers and the engine's plugins are often killed and never come to an orderly end.
const flushAfterMs = 3_000;

export function cacheRoot(env) {
  if (env.UMBRA_CACHE_DIR) return resolve(env.UMBRA_CACHE_DIR);
  if (env.XDG_CACHE_HOME) return join(resolve(env.XDG_CACHE_HOME), 'umbra');
  return join(env.HOME ?? homedir(), '.cache', 'umbra');
}

export function compileCacheDir(env) {
  return join(cacheRoot(env), 'node');
}

export function keepCompiled(env) {
  let folder;
  try {
    folder = compileCacheDir(env);
  } catch {
    // A user without a home: there is nothing to keep it in, and nothing else is wrong.
    return;
  }
  enableCompileCache(folder);
  setTimeout(flushCompileCache, flushAfterMs).unref();
}
