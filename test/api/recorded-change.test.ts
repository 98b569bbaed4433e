import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import type { ApiToken } from '../../src/api/access.ts';
import { routes } from '../../src/api/routes.ts';
import { createApi } from '../../src/api/server.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { Problem } from '../../src/worker/problems.ts';
import type { WorkerService } from '../../src/worker/service.ts';
import { sampleOf, urlOf } from './samples.ts';
import { stubService } from './stub-service.ts';

const tokens: readonly ApiToken[] = [
  { name: 'night-shift', role: 'operator', token: new Secret('the-token-of-an-operator') },
  { name: 'board', role: 'viewer', token: new Secret('the-token-of-a-viewer') },
];
const headers = { authorization: 'Bearer the-token-of-an-operator' };
const opened: ReturnType<typeof createApi>[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((api) => api.close()));
});

/** The API over a stub that notes in order: what began, what was asked of the service, what ended. */
function start(
  overrides: Partial<WorkerService> = {},
  with_: readonly ApiToken[] = tokens,
): {
  readonly api: ReturnType<typeof createApi>;
  readonly noted: unknown[];
  readonly log: string[];
} {
  const noted: unknown[] = [];
  const log: string[] = [];
  const service = stubService({
    beginChange: (intent) => {
      noted.push(['begin', intent]);
      return Promise.resolve({
        end: (outcome) => {
          noted.push(['end', outcome]);
          return Promise.resolve();
        },
      });
    },
    putSchemaPrimary: (primary) => {
      noted.push(['asked', primary]);
      return Promise.resolve();
    },
    ...overrides,
  });
  const logger = pino({ level: 'info' }, { write: (line: string) => log.push(line) });
  const api = createApi({ service, host: '127.0.0.1', logger, tokens: with_ });
  opened.push(api);
  return { api, noted, log };
}

const put = { method: 'PUT', url: '/v1/spec/schema-primary', payload: { site: 'b' } } as const;

test('a change is noted with who, from where and what, before it is done and when it is over', async () => {
  const { api, noted } = start();
  await api.inject({ ...put, headers, remoteAddress: '10.0.0.7' });
  expect(noted).toEqual([
    [
      'begin',
      {
        ...{ who: 'night-shift', address: '10.0.0.7', method: 'PUT', path: '/v1/spec/schema-primary' },
        subject: 'schema primary: site b',
      },
    ],
    ['asked', { site: 'b' }],
    ['end', { outcome: 'done', status: 204 }],
  ]);
});

test('without tokens it was somebody on this machine', async () => {
  const { api, noted } = start({}, []);
  await api.inject(put);
  expect(noted[0]).toMatchObject(['begin', { who: 'local', address: '127.0.0.1' }]);
});

test('for whom a worker passed it on is noted as that worker says it; nothing else is taken for it', async () => {
  const { api, noted } = start();
  await api.inject({ ...put, headers: { ...headers, 'x-umbra-passed-on': '192.0.2.9' } });
  await api.inject({ ...put, headers: { ...headers, 'x-umbra-passed-on': '<script>' } });
  expect(noted[0]).toMatchObject(['begin', { address: '127.0.0.1', forwardedFor: '192.0.2.9' }]);
  expect(noted[3]).not.toMatchObject(['begin', { forwardedFor: expect.anything() as string }]);
});

test.each([
  [new Problem('POLICY_IN_USE', 'no'), { outcome: 'refused', status: 409, code: 'POLICY_IN_USE' }],
  [new Problem('UNREACHABLE', 'gone'), { outcome: 'failed', status: 502, code: 'UNREACHABLE' }],
  [new TypeError('a bug'), { outcome: 'failed', status: 500, code: 'INTERNAL' }],
])('what ends in %s is noted with its code', async (thrown, outcome) => {
  const { api, noted } = start({ putSchemaPrimary: () => Promise.reject(thrown) });
  expect((await api.inject({ ...put, headers })).statusCode).toBe(outcome.status);
  expect(noted[1]).toEqual(['end', outcome]);
});

test('what cannot be noted is not done', async () => {
  const { api, noted } = start({ beginChange: () => Promise.reject(new Problem('NOT_READY', 'not written down')) });
  expect((await api.inject({ ...put, headers })).json()).toMatchObject({ code: 'NOT_READY' });
  expect(noted).toEqual([]);
});

test('what is refused at the door changes nothing and is in the log with its name, not in the events', async () => {
  const { api, noted, log } = start();
  await api.inject({ ...put, headers: { authorization: 'Bearer the-token-of-a-viewer' } });
  await api.inject({ ...put, headers, payload: { site: 'c' } });
  expect(noted).toEqual([]);
  expect(log.find((line) => line.includes('"who":"board"'))).toContain('"status":403');
});

test('every route that an operator alone may call is a change, but for what workers tell each other', () => {
  const silent = routes.filter(({ access, changes }) => (access === 'operator') !== changes);
  expect(silent.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /v1/worker/faults']);
});

test('every change says in words what it is about', async () => {
  const { api, noted } = start();
  for (const route of routes.filter(({ changes }) => changes)) {
    const { params, body } = sampleOf(route);
    const payload = body === undefined ? {} : { payload: body };
    await api.inject({ method: route.method, url: urlOf(route, params), headers, ...payload });
  }
  const subjects = noted.flatMap((note) => (note as [string, { subject?: string }])[1].subject ?? []);
  expect(subjects).toEqual([
    'plan for rebuilding a_orders',
    'rebuild of a_orders by plan 000000000000',
    'plan for reconciling a_orders (export)',
    'reconciliation of a_orders by plan 000000000000',
    'plan of the drill canary',
    'run of the drill canary, asked for by ann',
    'skip of the drill canary: a freeze',
    'approval of the drill canary by ann (sre)',
    'abort of drill-20261122-101500-canary-ab12: enough',
    'freeze of drills until 2027-01-04T00:00:00Z by ann: end of year',
    'end of the freeze of drills',
    'finding canary-skipped: closed: seen to',
    'drill canary (L2)',
    'deletion of the drill canary',
    'pause of topic a_orders',
    'resumption of topic a_orders',
    'pause of link a-b',
    'resumption of link a-b',
    'plan for a failover of topic a_orders',
    'failover of all topics by plan 000000000000',
    'abort of failover-20261122-0433-ab12',
    'release of what was fenced for failover-20261122-0433-ab12',
    'prefix policy: a "a_", b "b_"',
    'schema primary: site a',
    'link a-b',
    'deletion of link a-b (refuse)',
  ]);
});
