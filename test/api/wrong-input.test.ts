import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { problemBodySchema } from '../../src/api/problem-json.ts';
import type { Route } from '../../src/api/route.ts';
import { routes } from '../../src/api/routes.ts';
import { createApi } from '../../src/api/server.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { type ProblemCode, problems } from '../../src/worker/problems.ts';
import { expectAsDocumented } from './document.ts';
import { sampleOf, urlOf } from './samples.ts';
import { stubService, type StubService } from './stub-service.ts';

// One table for all: whatever route is added is asked wrongly in each of these ways.

const operator = { authorization: 'Bearer the-token-of-an-operator' };
const viewer = { authorization: 'Bearer the-token-of-a-viewer' };
let service: StubService;
let api: ReturnType<typeof createApi>;

beforeEach(() => {
  service = stubService();
  api = createApi({
    service,
    host: '127.0.0.1',
    logger: pino({ level: 'silent' }),
    tokens: [
      { name: 'ops', role: 'operator', token: new Secret('the-token-of-an-operator') },
      { name: 'board', role: 'viewer', token: new Secret('the-token-of-a-viewer') },
    ],
  });
});

afterEach(async () => {
  await api.close();
});

type Method = Route['method'] | 'PATCH';
interface Asked {
  readonly method?: Method;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string | undefined;
}

/** Asks the route in a way that is right but for what is given. */
async function ask(route: Route, wrong: Asked): Promise<Awaited<ReturnType<typeof api.inject>>> {
  const { params, body } = sampleOf(route);
  const payload = 'payload' in wrong ? wrong.payload : body === undefined ? undefined : JSON.stringify(body);
  return api.inject({
    method: wrong.method ?? route.method,
    url: wrong.url ?? urlOf(route, params),
    headers: {
      ...operator,
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...wrong.headers,
    },
    ...(payload === undefined ? {} : { payload }),
  });
}

async function expectRefused(route: Route, wrong: Asked, code: ProblemCode, named = ''): Promise<void> {
  const answer = await ask(route, wrong);
  const what = `${route.method} ${route.path} asked with ${JSON.stringify(wrong).slice(0, 200)}`;
  expect(answer.headers['content-type'], what).toMatch(/^application\/problem\+json/);
  const body = problemBodySchema.parse(answer.json());
  expect(body, what).toMatchObject({ code, status: problems[code].status, remedy: problems[code].remedy });
  expect(answer.statusCode, what).toBe(problems[code].status);
  expect(body.detail, what).toContain(named);
  expect(service.asked, `${what} reached the service`).toEqual([]);
  if (code === 'METHOD_NOT_ALLOWED') return;
  const contentType = answer.headers['content-type'] as string;
  expectAsDocumented(route, { status: answer.statusCode, contentType, body: answer.body });
}

const table = routes.map((route) => [`${route.method} ${route.path}`, route] as const);
const writing = table.filter(([, { method }]) => method !== 'GET');
const nonsense = '%00%01';

describe.each(table)('%s refuses as a problem', (_name, route) => {
  const good = urlOf(route, sampleOf(route).params);

  test('a query parameter that it does not have', async () => {
    await expectRefused(route, { url: `${good}?nonsense=1` }, 'INVALID_INPUT', 'query.nonsense: unknown field');
  });

  test('a query parameter that is nonsense, or given twice', async () => {
    for (const name of Object.keys(route.query.shape)) {
      await expectRefused(route, { url: `${good}?${name}=${nonsense}` }, 'INVALID_INPUT', `query.${name}`);
      await expectRefused(route, { url: `${good}?${name}=1&${name}=2` }, 'INVALID_INPUT', `query.${name}`);
    }
  });

  test('a path parameter that cannot be', async () => {
    for (const name of Object.keys(route.params.shape)) {
      const params = { ...sampleOf(route).params, [name]: 'x'.repeat(250) };
      await expectRefused(route, { url: urlOf(route, params) }, 'INVALID_INPUT', `path.${name}`);
    }
  });

  test('methods that its path does not take, and names those it takes', async () => {
    const taken = routes.filter(({ path }) => path === route.path).map(({ method }) => method);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      if (method !== 'PATCH' && taken.includes(method)) continue;
      const payload = method === 'GET' ? undefined : 'x';
      const wrong = { method, payload, headers: { 'content-type': 'text/plain' } };
      await expectRefused(route, wrong, 'METHOD_NOT_ALLOWED');
      expect(String((await ask(route, wrong)).headers.allow).split(', ')).toEqual(expect.arrayContaining(taken));
    }
  });

  test('a request without a token, or with a wrong one', async () => {
    if (route.access === 'open') return;
    await expectRefused(route, { headers: { authorization: '' } }, 'UNAUTHENTICATED');
    await expectRefused(route, { headers: { authorization: 'Bearer the-token-of-nobody' } }, 'UNAUTHENTICATED');
  });
});

describe.each(writing)('%s refuses as a problem', (_name, route) => {
  test.each(['[]', '1', '"text"', '{"nonsense":1}'])('the body %s', async (payload) => {
    await expectRefused(route, { payload }, 'INVALID_INPUT', 'body');
  });

  test.each(['{', '', '{"__proto__":{"a":1}}'])('the body "%s", which is no JSON that we take', async (payload) => {
    await expectRefused(route, { payload }, 'INVALID_INPUT');
  });

  test('a body of another type', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
      await expectRefused(route, { payload: 'x', headers: { 'content-type': type } }, 'UNSUPPORTED_MEDIA_TYPE');
    }
  });

  test('a body without its fields, or with one too many', async () => {
    const { body } = sampleOf(route);
    if (body === undefined) return;
    await expectRefused(route, { payload: undefined }, 'INVALID_INPUT', 'body');
    await expectRefused(route, { payload: '{}' }, 'INVALID_INPUT', 'body.');
    const payload = JSON.stringify({ ...body, nonsense: 1 });
    await expectRefused(route, { payload }, 'INVALID_INPUT', 'body.nonsense: unknown field');
  });

  test('a body that is too large', async () => {
    await expectRefused(route, { payload: JSON.stringify({ a: 'x'.repeat(70_000) }) }, 'BODY_TOO_LARGE');
  });

  test("a viewer's token, before it looks at anything else", async () => {
    await expectRefused(route, { headers: viewer }, 'FORBIDDEN', 'board');
    await expectRefused(route, { headers: viewer, payload: '{' }, 'FORBIDDEN');
  });
});

test('a viewer reads everything', async () => {
  const ending = table.filter(([, { method, answer }]) => method === 'GET' && answer.kind !== 'stream');
  for (const [name, route] of ending) {
    expect((await ask(route, { headers: viewer })).statusCode, name).toBe(200);
  }
});

test('whatever changes something asks for an operator', () => {
  expect(writing.filter(([, { access }]) => access !== 'operator')).toEqual([]);
});

test.each(['/', '/v1', '/v1/nothing', '/healthz/', '/v1/topics/a/b'])(
  '%s does not exist, for any method',
  async (url) => {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'] as const) {
      const answer = await api.inject({ method, url, headers: operator });
      expect(problemBodySchema.parse(answer.json())).toMatchObject({ code: 'NOT_FOUND' });
      expect((await api.inject({ method, url })).statusCode).toBe(401);
    }
  },
);
