// What the launcher starts: the server, from its compiled form where there is one.
import { keepCompiled } from '../../src/local/compile-cache.mjs';

keepCompiled(process.env);
await import('./server.ts');
