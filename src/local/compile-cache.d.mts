type Environment = Readonly<Record<string, string | undefined>>;

/** See `cacheDir` in cache-dir.ts. */
export declare function cacheRoot(env: Environment): string;

/**
 * Folder of what Node made of the sources (types taken away, compiled) for whoever runs them next: for
 * `NODE_COMPILE_CACHE` of processes that are started. Below umbra's own cache: in the temporary folder another user of
 * the machine might have put code that is then run.
 */
export declare function compileCacheDir(env: Environment): string;

/**
 * Has everything that is imported from here on compiled once per change and machine, which halves the CPU of a start. A
 * folder that cannot be written costs the gain and nothing else; NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE hold.
 */
export declare function keepCompiled(env: Environment): void;
