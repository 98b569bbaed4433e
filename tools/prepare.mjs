import { bootstrap } from './bootstrap.mjs';

await bootstrap('prepare.ts');
