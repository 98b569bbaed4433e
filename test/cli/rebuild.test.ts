import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApi } from '../../src/api/server.ts';
import type { Io } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { rebuildReportSchema } from '../../src/cli/verbs/rebuild.ts';
import { Problem } from '../../src/worker/problems.ts';
import type { RebuildPlan, RebuildView } from '../../src/worker/rebuild/rebuild-view.ts';
import type { WorkerService } from '../../src/worker/service.ts';
import { type StubService, stubService } from '../api/stub-service.ts';

const topic = 'a_orders';
const hash = 'ab'.repeat(32);
const plan: RebuildPlan = {
  ...{ topic, link: 'a-b', copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's', hash },
  ...{
    faults: [],
    partitions: [],
    folder: '/q',
    neededBytes: 1,
    freeBytes: 2,
    groups: 0,
    groupsHidden: [],
    autoCreated: false,
  },
};
const startedAt = '2026-01-02T03:04:05.000Z';
const done: RebuildView = {
  step: 'done',
  hash,
  startedAt,
  quarantine: '/q/one',
  at: startedAt,
  copy: 'level',
  remarks: [],
};

let folder = '';
let close: () => Promise<unknown> = () => Promise.resolve();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-cli-'));
});
afterEach(async () => {
  await close();
  await rm(folder, { recursive: true });
});

/** Runs the verb against a stub whose rebuild shows these steps, one per question, the last one for ever. */
async function rebuild(
  steps: readonly RebuildView[],
  args: readonly string[],
  answer?: string,
  more: Partial<WorkerService> = {},
): Promise<{ code: number; out: string; err: string; service: StubService }> {
  const shown = [...steps];
  const overrides: Partial<WorkerService> = {
    rebuildView: () => Promise.resolve((shown.length > 1 ? shown.shift() : shown[0]) ?? { step: 'none' }),
    ...more,
  };
  const service = stubService(overrides);
  const api = createApi({ service, host: '127.0.0.1', logger: pino({ level: 'silent' }) });
  close = () => api.close();
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  const said = { out: '', err: '' };
  const io: Io = {
    out: (line) => (said.out += `${line}\n`),
    err: (line) => (said.err += `${line}\n`),
    ...(answer === undefined ? {} : { ask: () => Promise.resolve(answer) }),
    ...{ colour: false, cwd: folder, env: {} },
  };
  const code = await runCli(['--api', url, 'rebuild', topic, ...args], io, AbortSignal.timeout(15_000));
  return { code, ...said, service };
}

const ordered = ({ asked }: StubService): boolean => asked.some((each) => Array.isArray(each) && each[0] === 'rebuild');
const planned: RebuildView = { step: 'planned', plan };

describe('umbra rebuild', () => {
  test('shows the plan and touches nothing with --plan', async () => {
    const { code, out, service } = await rebuild([planned], ['--plan']);
    expect(code).toBe(0);
    expect(out).toContain(`plan ${hash}`);
    expect(ordered(service)).toBe(false);
  });

  test.each<[string, readonly string[], string | undefined]>([
    ['nobody is there to ask', [], undefined],
    ['another name is typed', [], 'a_order'],
    ['nothing is typed', [], ''],
    ['the plan has another hash', ['--confirm', 'cd'.repeat(32)], topic],
  ])('orders nothing when %s', async (_, args, answer) => {
    const { code, err, service } = await rebuild([planned], args, answer);
    expect(code).toBe(5);
    expect(err).toContain('nothing was touched');
    expect(ordered(service)).toBe(false);
  });

  test.each<[string, readonly string[], string | undefined]>([
    ['its name was typed', [], topic],
    ['its hash was given', ['--confirm', hash], undefined],
    ['it was told not to ask', ['--yes'], undefined],
  ])('orders exactly that plan when %s, and names the quarantine', async (_, args, answer) => {
    const { code, out, service } = await rebuild([planned, done], args, answer);
    expect(code).toBe(0);
    expect(service.asked).toContainEqual(['rebuild', topic, hash]);
    expect(out).toContain('npx umbra quarantine show /q/one');
  });

  test('sends the confirmation again when its answer was lost: it may have been taken up', async () => {
    let orders = 0;
    const executeRebuild: WorkerService['executeRebuild'] = () => {
      orders += 1;
      return orders === 1 ? Promise.reject(new Problem('NOT_READY', 'late')) : Promise.resolve(done);
    };
    expect((await rebuild([planned, done], ['--yes'], undefined, { executeRebuild })).code).toBe(0);
    expect(orders).toBe(2);
  });

  test('says why it stopped', async () => {
    const stopped: RebuildView = { step: 'stopped', at: startedAt, reason: 'somebody still writes', copy: 'kept' };
    const { code, err } = await rebuild([planned, stopped], ['--yes']);
    expect(code).toBe(1);
    expect(err).toContain('somebody still writes');
  });

  test('never says that a copy is untouched whose deletion had been sent', async () => {
    const stopped: RebuildView = { step: 'stopped', at: startedAt, reason: 'no answer', copy: 'unknown' };
    const { code, err } = await rebuild([planned, stopped], ['--yes']);
    expect(code).toBe(1);
    expect(err).toContain('whether it is gone is not known');
    expect(err).not.toContain('as it was');
  });

  test('ends with exit code 1 when the new copy is faulted as well', async () => {
    const { code, out } = await rebuild([planned, { ...done, copy: 'faulted' }], ['--yes']);
    expect(code).toBe(1);
    expect(out).toContain('the new one is faulted');
  });

  test('answers one JSON document of the documented shape', async () => {
    const { out } = await rebuild([planned, done], ['--yes', '--json']);
    expect(rebuildReportSchema.parse(JSON.parse(out))).toEqual({ topic, rebuild: done });
  });
});
