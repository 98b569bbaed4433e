import { bootstrap } from './bootstrap.mjs';

await bootstrap('down.ts');
