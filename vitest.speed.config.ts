import { defineConfig } from 'vitest/config';

// How long it takes to move many topics: `npm run test:speed`. It proves nothing that test/real does not, and prints times.
export default defineConfig({
  test: {
    name: 'speed',
    include: ['test/speed/**/*.spec.ts'],
    globalSetup: ['test/fixtures/brokers.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
  },
});
