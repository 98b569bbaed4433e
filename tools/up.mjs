import { bootstrap } from './bootstrap.mjs';

await bootstrap('up.ts');
