import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/fixtures/longest-first.ts';

// fast: pure functions, codecs, the API over a stub, the Pulumi program under a mini engine: seconds, no JVM.
// real: Kafka brokers started once per run (test/fixtures), the Pulumi engine, containers.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'fast',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/real/**'],
          testTimeout: 20_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          globalSetup: ['test/fixtures/brokers.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each has brokers of its own (test/fixtures/brokers.ts).
          maxWorkers: 2,
          pool: 'forks',
          isolate: false,
          setupFiles: ['test/fixtures/file-is-over.ts'],
        },
      },
    ],
  },
});
