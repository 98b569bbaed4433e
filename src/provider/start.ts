// What the plugin's launcher starts: the provider, from its compiled form where there is one.
import { keepCompiled } from '../local/compile-cache.mjs';

keepCompiled(process.env);
await import('./main.ts');
