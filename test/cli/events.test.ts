import { tmpdir } from 'node:os';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { defaultStreamPace } from '../../src/api/live-streams.ts';
import { createApi } from '../../src/api/server.ts';
import { eventsReportSchema } from '../../src/cli/events-text.ts';
import { interruptedExit } from '../../src/cli/failure.ts';
import { runCli } from '../../src/cli/program.ts';
import type { UmbraEvent } from '../../src/worker/events/event.ts';
import { Problem } from '../../src/worker/problems.ts';
import type { WorkerService } from '../../src/worker/service.ts';
import { stubEvents, stubService } from '../api/stub-service.ts';
import { eventually } from '../fixtures/wait.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

type Api = ReturnType<typeof createApi>;

function worker(overrides: Partial<WorkerService> = {}): Api {
  const api = createApi({
    ...{ service: stubService(overrides), host: '127.0.0.1', logger: pino({ level: 'silent' }) },
    streams: { pace: { ...defaultStreamPace, lookMs: 5 } },
  });
  closing.push(() => api.close());
  return api;
}

function listen(api: Api, port = 0): Promise<string> {
  return api.listen({ host: '127.0.0.1', port });
}

/** A site whose events a test adds to. */
function site(name: 'a' | 'b', events: UmbraEvent[]): Partial<WorkerService> {
  return {
    events: ({ after = 0, limit }) => ({
      ...{ site: name, newest: events.at(-1)?.id ?? 0, missed: false },
      events: events.filter(({ id }) => id > after).slice(-limit),
    }),
  };
}

interface Said {
  readonly out: string[];
  readonly err: string[];
}

async function umbra(args: readonly string[], said: Said, signal = AbortSignal.timeout(15_000)): Promise<number> {
  const io = {
    ...{ out: (line: string) => said.out.push(line), err: (line: string) => said.err.push(line) },
    ...{ colour: false, cwd: tmpdir(), env: {} },
  };
  return runCli(args, io, signal);
}

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 2, 3, 4, seconds)).toISOString();
function told(id: number, message: string): UmbraEvent {
  return { ...{ id, at: at(id), type: 'system', kind: 'copies made', level: 'info' }, link: 'a-b', message };
}

test('the events of all sites stand in the order of their times, and those that several workers know once', async () => {
  const b = site('b', [told(1, 'a_orders'), told(3, 'a_\u001b[31mred')]);
  const urls = await Promise.all(
    [worker(b), worker(b), worker(site('a', [told(2, 'b_stock')]))].map((api) => listen(api)),
  );
  const said: Said = { out: [], err: [] };
  expect(await umbra(['events', ...urls.flatMap((url) => ['--api', url])], said)).toBe(0);
  expect(said.out.join('\n').split('\n')).toEqual([
    '2026-01-02 03:04:01Z  b  copies made: a_orders',
    '2026-01-02 03:04:02Z  a  copies made: b_stock',
    '2026-01-02 03:04:03Z  b  copies made: a_[31mred',
  ]);
});

test('a change says what, how it ended, who and from where', async () => {
  const url = await listen(worker(site('b', [...stubEvents])));
  const said: Said = { out: [], err: [] };
  await umbra(['events', '--api', url, '--limit', '2'], said);
  expect(said.out.join('\n')).toContain('link a-b: done, by ops from 127.0.0.1');
});

test('as JSON it is of the documented shape, and a worker that does not answer is named there', async () => {
  const broken = worker({ events: () => Promise.reject(new Problem('NOT_READY', 'nobody leads')) as never });
  const urls = await Promise.all([worker(site('b', [...stubEvents])), broken].map((api) => listen(api)));
  const said: Said = { out: [], err: [] };
  expect(await umbra(['events', '--json', ...urls.flatMap((url) => ['--api', url])], said)).toBe(6);
  const report = eventsReportSchema.parse(JSON.parse(said.out.join('\n')));
  expect(report.events.map((event) => [event.site, event.id])).toEqual([
    ['b', 7],
    ['b', 8],
  ]);
  expect(report.silent).toMatchObject([{ state: 'silent', problem: { code: 'NOT_READY' } }]);
});

test.each(['0', '1001', 'many', '-1'])('--limit %s is refused', async (limit) => {
  const said: Said = { out: [], err: [] };
  expect(await umbra(['events', '--api', 'http://127.0.0.1:9', '--limit', limit], said)).toBe(2);
  expect(said.err.join('\n')).toContain('option.limit: must be a number from 1 to 1000');
});

test('--follow goes on with what happens, over an interruption of the worker, until Ctrl-C', async () => {
  const happened = [told(1, 'a_orders')];
  const first = worker(site('b', happened));
  const url = await listen(first);
  const said: Said = { out: [], err: [] };
  const ctrlC = new AbortController();
  const running = umbra(['events', '--follow', '--json', '--api', url], said, ctrlC.signal);
  const messages = (): unknown[] => said.out.map((line) => (JSON.parse(line) as { message: string }).message);
  await eventually('the past is shown', () => (said.out.length === 1 ? true : undefined));
  happened.push(told(2, 'a_invoices'));
  await eventually('what happens is shown', () => (said.out.length === 2 ? true : undefined));
  await first.close();
  happened.push(told(3, 'a_meanwhile'));
  await listen(worker(site('b', happened)), Number(new URL(url).port));
  await eventually('what happened meanwhile is shown', () => (said.out.length === 3 ? true : undefined));
  ctrlC.abort(new DOMException('Ctrl-C', 'AbortError'));
  expect(await running).toBe(interruptedExit);
  expect(messages()).toEqual(['a_orders', 'a_invoices', 'a_meanwhile']);
});

test('--follow of workers that all refuse says why', async () => {
  const url = await listen(worker({ events: () => Promise.reject(new Problem('NOT_READY', 'nobody leads')) as never }));
  const said: Said = { out: [], err: [] };
  expect(await umbra(['events', '--follow', '--api', url], said)).toBe(6);
  expect(said.err.join('\n')).toContain('nobody leads');
});
