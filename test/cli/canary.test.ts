import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { observerConfigSchema } from '../../src/canary/observer-config.ts';
import { renderCanarySummary } from '../../src/cli/canary-text.ts';
import { type PrimaryWatch, watchPrimaries } from '../../src/cli/primary-watch.ts';
import { runCli } from '../../src/cli/program.ts';
import { Problem } from '../../src/worker/problems.ts';
import type { BootstrapAnswer } from '../../src/worker/bootstrap/bootstrap-view.ts';
import { termSchema } from '../../src/pair/ownership.ts';
import type { SiteId } from '../../src/pair/site.ts';
import { eventually } from '../fixtures/wait.ts';

const config = {
  ...{ pair: 'test', vantage: 'outside', workers: ['http://127.0.0.1:1'], ledgerFolder: 'ledger' },
  clusters: { a: { bootstrapServers: ['127.0.0.1:1'] }, b: { bootstrapServers: ['127.0.0.1:2'] } },
};

describe('the configuration', () => {
  test('takes what is needed, and one record per second where nothing is said', () => {
    expect(observerConfigSchema.parse(config)).toMatchObject({ rate: 1 });
  });

  test('refuses the name of a site, a rate without bound and an unknown field', () => {
    for (const wrong of [{ vantage: 'a' }, { rate: 1_000 }, { workers: [] }, { ledger: 'x' }])
      expect(observerConfigSchema.safeParse({ ...config, ...wrong }).success).toBe(false);
  });
});

describe('who is primary', () => {
  const site = { bootstrapServers: ['h:1'], brokers: [] };
  const settled = (primary: SiteId, term: number): BootstrapAnswer => ({
    ...{ topic: 't', state: 'settled', term: termSchema.parse(term), proven: true, primary, ...site },
    standby: { site: primary === 'a' ? 'b' : 'a', ...site },
  });
  const prefixes: BootstrapAnswer = {
    prefixes: [
      { ...settled('a', 0), prefix: 'a_' },
      { ...settled('b', 0), prefix: 'b_' },
    ] as never,
  };

  function watched(answers: readonly (() => BootstrapAnswer)[]): PrimaryWatch {
    const workers = answers.map((answer) => ({
      bootstrap: (topic?: string) => Promise.resolve(topic === undefined ? prefixes : answer()),
    }));
    const watch = watchPrimaries({ workers, topics: () => ['t'], troubled: () => true });
    onTestFinished(() => watch.stop());
    return watch;
  }

  test('the highest term of all workers is believed, and one that is silent or behind changes nothing', async () => {
    let newest = settled('a', 0);
    const watch = watched([
      () => newest,
      () => settled('a', 0),
      () => {
        throw new Problem('UNREACHABLE', 'gone');
      },
    ]);
    await eventually('it is known', () => watch.primaryOf('t'));
    expect(watch.prefixes()).toEqual({ a: 'a_', b: 'b_' });
    newest = settled('b', 1);
    await eventually('it has moved', () => watch.primaryOf('t')?.site === 'b' || undefined);
    newest = { topic: 't', state: 'split', term: termSchema.parse(2), proven: true };
    await eventually('it is asked again', () => watch.primaryOf('t'));
    expect(watch.primaryOf('t')).toEqual({ site: 'b', term: 1 });
  });
});

test('a summary has a line per topic, and says what fails', () => {
  const written = {
    ...{ topic: 'a_umbra-canary-000001', link: 'a-b', sent: 1_240, acked: 1_234, refused: 5, unanswered: 1 },
    ...{
      lastAckAt: 1,
      lastAckMs: 3.2,
      sinceTroubleMs: 2_500,
      trouble: 'TOPIC_AUTHORIZATION_FAILED',
      longestGapMs: 4_000,
    },
  };
  const read = {
    ...{ topic: written.topic, link: 'a-b', records: 9, lastReadAt: 1, lastReadMs: 7 },
    ...{ sinceTroubleMs: undefined, trouble: undefined },
  };
  expect(renderCanarySummary({ life: 'life-1', written: [written], read: [read] })).toBe(
    'a_umbra-canary-000001: 1,234 acknowledged, 5 refused, 1 unanswered, the newest in 3 ms, read after 7 ms; ' +
      'longest gap 4.0 s; FAILING for 2.5 s: TOPIC_AUTHORIZATION_FAILED',
  );
  expect(renderCanarySummary({ life: 'life-1', written: [], read: [] })).toBe('no canary topic is known yet');
});

test('the verb names what is wrong with its file, and ends with 2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'canary-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'canary.json'), JSON.stringify({ ...config, rate: -1 }));
  const errors: string[] = [];
  const io = { out: () => undefined, err: (line: string) => errors.push(line), colour: false, cwd: folder, env: {} };
  const run = (...args: string[]): Promise<number> => runCli(['canary', ...args], io, new AbortController().signal);
  expect(await run('run', '--config', 'canary.json')).toBe(2);
  expect(errors[0]).toContain('config.rate');
  expect(await run('run')).toBe(2);
  expect(await run('sing', '--config', 'canary.json')).toBe(2);
});
