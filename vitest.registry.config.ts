import { defineConfig } from 'vitest/config';

// A real schema registry beside real brokers: `npm run test:registry`. Not part of CI, where none can be had.
export default defineConfig({
  test: {
    name: 'registry',
    include: ['test/registry/**/*.spec.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
  },
});
