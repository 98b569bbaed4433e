import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheDir, type Environment } from './cache-dir.ts';

/** When everything is loaded. Workers and the engine's plugins are often killed and never come to an orderly end. */
const flushAfterMs = 3_000;

/**
 * Folder of what Node made of the sources (types taken away, compiled) for whoever runs them next. Below umbra's own
 * cache: in the temporary folder another user of the machine might have put code that is then run.
 */
export function compileCacheDir(env: Environment): string {
  return join(cacheDir(env), 'node');
}

/**
 * Has everything that is imported from here on compiled once per change and machine, which halves the CPU of a start. A
 * folder that cannot be written costs the gain and nothing else; NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE hold.
 */
export function keepCompiled(env: Environment): void {
  enableCompileCache(compileCacheDir(env));
  setTimeout(flushCompileCache, flushAfterMs).unref();
}
