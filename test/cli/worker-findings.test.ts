import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeWorkers, quarantineFindings, type WorkerSight } from '../../src/cli/worker-findings.ts';
import { Problem } from '../../src/worker/problems.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';
import { testFolder } from '../fixtures/test-root.ts';

const worker = { url: 'http://127.0.0.1:1', site: 'a' } as const;
const sight = (said: WorkerSight['said'], aheadMs = 0): WorkerSight => ({ worker, said, aheadMs });

test('a worker that is silent, not ready, without a leader, of another version or with another clock is named', () => {
  const codes = (seen: WorkerSight): (string | undefined)[] =>
    judgeWorkers([seen], '1.0.0').flatMap(({ code }) => code ?? []);
  expect(codes(sight({ kind: 'ready', version: '1.0.0' }))).toEqual([]);
  expect(codes(sight({ kind: 'silent', problem: new Problem('UNREACHABLE', 'gone') }))).toEqual(['WORKER_SILENT']);
  expect(codes(sight({ kind: 'not-ready', reason: 'joining' }))).toEqual(['WORKER_NOT_READY']);
  expect(codes(sight({ kind: 'leaderless', reason: 'nobody' }))).toEqual(['NO_LEADER']);
  expect(codes(sight({ kind: 'ready', version: '0.9.0' }))).toEqual(['WORKER_VERSIONS']);
  expect(codes(sight({ kind: 'ready', version: '1.0.0' }, 60_000))).toEqual(['CLOCK_APART']);
});

test('a quarantine folder that cannot be made is named with the worker whose it is', async () => {
  const home = testFolder('quarantine');
  await mkdir(home, { recursive: true });
  const config = (quarantineFolder?: string): Parameters<typeof quarantineFindings>[0][number] => ({
    file: join(home, 'worker.json'),
    config: workerConfigSchema.parse({
      ...{ pair: 'test', site: 'a', api: { port: 1 } },
      clusters: { a: { bootstrapServers: ['x:1'] }, b: { bootstrapServers: ['y:1'] } },
      ...(quarantineFolder === undefined ? {} : { quarantineFolder }),
    }),
  });
  expect(await quarantineFindings([config()])).toEqual([]);
  // Below a file there can be no folder, whoever asks.
  expect(await quarantineFindings([config('/dev/null/quarantine')])).toMatchObject([
    { code: 'QUARANTINE_FOLDER', site: 'a' },
  ]);
});
