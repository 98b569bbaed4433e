import { bootstrap } from '../tools/bootstrap.mjs';

await bootstrap('../bench/main.ts');
