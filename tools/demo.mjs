import { bootstrap } from './bootstrap.mjs';

// kafkajs 2.2 sets timers in the past; Node would warn about them in the middle of the demo.
await bootstrap('demo.ts', { nodeArgs: ['--disable-warning=TimeoutNegativeWarning'] });
