import { bootstrap } from './bootstrap.mjs';

await bootstrap('pin-kafka-jars.ts');
