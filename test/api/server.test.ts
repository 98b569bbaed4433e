import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { problemBodySchema, problemBody, type ProblemBody } from '../../src/api/problem-json.ts';
import { createApi, type ApiOptions } from '../../src/api/server.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { Problem, problems, type ProblemCode } from '../../src/worker/problems.ts';
import type { WorkerService } from '../../src/worker/service.ts';
import { stubBootstrap, stubLink, stubPair, stubService, stubTopic, stubTopicDetail } from './stub-service.ts';

type Api = ReturnType<typeof createApi>;
type Injected = Awaited<ReturnType<Api['inject']>>;

const opened: Api[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((api) => api.close()));
});

function start(options: Partial<ApiOptions> = {}): Api {
  const logger = pino({ level: 'silent' });
  const api = createApi({ service: stubService(), host: '127.0.0.1', logger, ...options });
  opened.push(api);
  return api;
}

function expectProblem(answer: Injected, code: ProblemCode): ProblemBody {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const body = problemBodySchema.parse(answer.json());
  expect(body).toMatchObject({ code, status: problems[code].status, remedy: problems[code].remedy });
  expect(answer.statusCode).toBe(problems[code].status);
  return body;
}

describe('reading', () => {
  test.each([
    ['/v1/pair', stubPair],
    ['/v1/links', { links: [stubLink] }],
    ['/v1/bootstrap?topic=a_orders', stubBootstrap],
    ['/v1/topics', { topics: [stubTopic] }],
    ['/v1/topics/a_orders', stubTopicDetail],
    ['/healthz', { healthy: true }],
    ['/readyz', { ready: true, reason: 'both clusters answered' }],
  ])('GET %s answers what the service says', async (url, expected) => {
    const answer = await start().inject({ url });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual(expected);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('metrics are Prometheus text', async () => {
    const answer = await start().inject({ url: '/metrics' });
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain('umbra_stub 1');
  });

  test('a topic with the longest legal name is found, a longer one is a wrong input', async () => {
    const seen: string[] = [];
    const api = start({
      service: stubService({
        topicView: (name) => {
          seen.push(name);
          return Promise.resolve(stubTopicDetail);
        },
      }),
    });
    const longest = `a_${'x'.repeat(247)}`;
    expect((await api.inject({ url: `/v1/topics/${longest}` })).statusCode).toBe(200);
    expect(seen).toEqual([longest]);
    const body = expectProblem(await api.inject({ url: `/v1/topics/${longest}x` }), 'INVALID_INPUT');
    expect(body.detail).toContain('path.name');
  });

  test('who is primary is answered by every worker itself, whoever leads', async () => {
    const controller: WorkerService['controller'] = () => ({ kind: 'unknown', reason: 'its cluster is gone' });
    const api = start({ service: stubService({ controller }) });
    expect((await api.inject({ url: '/v1/bootstrap?prefix=a_' })).json()).toEqual(stubBootstrap);
    expectProblem(await api.inject({ url: '/v1/pair' }), 'NOT_READY');
  });

  test('who is primary is asked of a topic or a prefix, not of both', async () => {
    const body = expectProblem(await start().inject({ url: '/v1/bootstrap?topic=a_x&prefix=a_' }), 'INVALID_INPUT');
    expect(body.detail).toContain('query.prefix: must not stand beside "topic"');
  });

  test('a worker that is not ready says what is missing', async () => {
    const service = stubService({ readiness: () => ({ ready: false, reason: 'site a never answered' }) });
    const body = expectProblem(await start({ service }).inject({ url: '/readyz' }), 'NOT_READY');
    expect(body.detail).toBe('site a never answered');
  });

  test('a worker that is not healthy says so', async () => {
    const service = stubService({ healthy: () => false });
    expectProblem(await start({ service }).inject({ url: '/healthz' }), 'NOT_READY');
  });
});

describe('changing', () => {
  test('each section of the spec reaches the service as it was sent', async () => {
    const service = stubService();
    const api = start({ service });
    const puts = [
      ['/v1/spec/prefix-policy', { a: 'a_', b: 'b_' }, 204],
      ['/v1/spec/schema-primary', { site: 'b' }, 204],
      ['/v1/spec/links/a-b', { from: 'a', to: 'b' }, 200],
    ] as const;
    for (const [url, payload, status] of puts) {
      expect((await api.inject({ method: 'PUT', url, payload })).statusCode).toBe(status);
    }
    expect(service.asked).toEqual([
      ['prefix-policy', { owners: { a: 'a_', b: 'b_' }, unowned: 'report', applications: { a: [], b: [] } }],
      ['schema-primary', { site: 'b' }],
      ['link', { from: 'a', to: 'b' }],
    ]);
  });

  test('a link is deleted in the careful way unless asked otherwise', async () => {
    const service = stubService();
    const api = start({ service });
    for (const query of ['', '?mode=refuse', '?mode=detach']) {
      expect((await api.inject({ method: 'DELETE', url: `/v1/spec/links/a-b${query}` })).statusCode).toBe(204);
    }
    expect(service.asked).toEqual([
      ['delete', 'a-b', 'refuse'],
      ['delete', 'a-b', 'refuse'],
      ['delete', 'a-b', 'detach'],
    ]);
  });

  test('the signal given to the service stays quiet while the caller waits, body or not', async () => {
    const aborted: boolean[] = [];
    const service = stubService({
      putLink: async (_link, signal) => {
        // Long enough for the request's own stream to be read and closed.
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        aborted.push(signal.aborted);
        return stubLink;
      },
    });
    const api = start({ service });
    const url = await api.listen({ host: '127.0.0.1', port: 0 });
    const answer = await fetch(`${url}/v1/spec/links/a-b`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"from":"a","to":"b"}',
    });
    expect(answer.status).toBe(200);
    expect(aborted).toEqual([false]);
  });

  test('the signal given to the service fires when the caller goes away', async () => {
    const caller = new AbortController();
    const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
    const service = stubService({
      putLink: (_link, signal) => {
        signal.addEventListener('abort', () => {
          resolve(undefined);
        });
        caller.abort();
        return new Promise<never>(() => undefined);
      },
    });
    const url = await start({ service }).listen({ host: '127.0.0.1', port: 0 });
    const call = fetch(`${url}/v1/spec/links/a-b`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"from":"a","to":"b"}',
      signal: caller.signal,
    });
    await expect(call).rejects.toThrow('abort');
    await aborted;
  });
});

describe('wrong input', () => {
  test.each([
    ['PUT', '/v1/spec/prefix-policy', {}, ['body.owners']],
    ['PUT', '/v1/spec/prefix-policy', { owners: { a: 'a_', b: 'a_x' } }, ['body.owners.b']],
    ['PUT', '/v1/spec/prefix-policy', { a: '', b: 'b_' }, ['body.owners.a']],
    ['PUT', '/v1/spec/prefix-policy', { a: 1, b: 'b_' }, ['body.owners.a']],
    ['PUT', '/v1/spec/prefix-policy', { a: 'a_', b: 'b_', c: 'c_' }, ['body.owners.c: unknown field']],
    ['PUT', '/v1/spec/prefix-policy?force=1', { a: 'a_', b: 'b_' }, ['query.force: unknown field']],
    ['PUT', '/v1/spec/schema-primary', { site: 'c' }, ['body.site']],
    ['PUT', '/v1/spec/schema-primary', { site: 'a', extra: 1 }, ['body.extra: unknown field']],
    ['PUT', '/v1/spec/links/a-b', { from: 'a', to: 'a' }, ['body.to']],
    ['PUT', '/v1/spec/links/a-b', { from: 'x', to: 'b' }, ['body.from']],
    ['PUT', '/v1/spec/links/a-b', { from: 'b', to: 'a' }, ['path.id', 'b-a']],
    ['PUT', '/v1/spec/links/a-b', undefined, ['body']],
    ['PUT', '/v1/spec/links/a-b', ['a', 'b'], ['body']],
    ['DELETE', '/v1/spec/links/a-b?mode=force', undefined, ['query.mode']],
    ['DELETE', '/v1/spec/links/a-b?mode=detach&mode=refuse', undefined, ['query.mode']],
    ['DELETE', '/v1/spec/links/a-b?yes=1', undefined, ['query.yes: unknown field']],
    ['GET', '/v1/pair?verbose=1', undefined, ['query.verbose: unknown field']],
    ['GET', '/v1/links?x=1', undefined, ['query.x: unknown field']],
    ['GET', '/v1/topics?x=1', undefined, ['query.x: unknown field']],
    ['GET', '/v1/topics/a_orders?x=1', undefined, ['query.x: unknown field']],
  ] as const)('%s %s with %j is refused and names the field', async (method, url, payload, named) => {
    const service = stubService();
    const body = payload === undefined ? {} : { payload: payload as object };
    const answer = await start({ service }).inject({ method, url, ...body });
    const { detail } = expectProblem(answer, 'INVALID_INPUT');
    for (const name of named) expect(detail).toContain(name);
    expect(service.asked).toEqual([]);
  });

  test.each([
    ['application/json', '{"a":', 'INVALID_INPUT'],
    ['application/json', '', 'INVALID_INPUT'],
    ['application/json', '{"__proto__":{"a":"a_"}}', 'INVALID_INPUT'],
    ['text/plain', '{"a":"a_","b":"b_"}', 'UNSUPPORTED_MEDIA_TYPE'],
    ['application/x-www-form-urlencoded', 'a=a_&b=b_', 'UNSUPPORTED_MEDIA_TYPE'],
    ['application/json', `{"a":"${'x'.repeat(70_000)}"}`, 'BODY_TOO_LARGE'],
  ] as const)('a body of type %s holding %.30s is refused as %3$s', async (type, payload, code) => {
    const headers = { 'content-type': type };
    const answer = await start().inject({ method: 'PUT', url: '/v1/spec/prefix-policy', headers, payload });
    expectProblem(answer, code);
  });

  test('a list of wrong fields is bounded', async () => {
    const payload = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field${index}`, 1]));
    const answer = await start().inject({ method: 'PUT', url: '/v1/spec/prefix-policy', payload });
    const { detail } = expectProblem(answer, 'INVALID_INPUT');
    expect(detail).toMatch(/and \d+ more$/);
    expect(detail.length).toBeLessThan(1_000);
  });

  test.each(['/', '/v1', '/v1/nothing', '/healthz/'])('%s does not exist', async (url) => {
    expectProblem(await start().inject({ url }), 'NOT_FOUND');
  });

  test('a URL that cannot be decoded is a wrong input', async () => {
    expectProblem(await start().inject({ url: '/v1/topics/%zz' }), 'INVALID_INPUT');
  });
});

describe('errors of the service', () => {
  test.each(Object.keys(problems) as ProblemCode[])('%s is answered with its own status and remedy', async (code) => {
    const service = stubService({
      pairView: () => {
        throw new Problem(code, 'what happened and where');
      },
    });
    const body = expectProblem(await start({ service }).inject({ url: '/v1/pair' }), code);
    expect(body).toEqual(problemBody(new Problem(code, 'what happened and where')));
  });

  test('an unexpected error is logged in full and tells the caller nothing', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
    const boom: Partial<WorkerService> = {
      deleteLink: () => Promise.reject(new TypeError('boom at /secret/path')),
      metrics: () => Promise.reject(new TypeError('boom at /secret/path')),
    };
    const api = start({ service: stubService(boom), logger });
    for (const request of [{ method: 'DELETE', url: '/v1/spec/links/a-b' } as const, { url: '/metrics' }]) {
      const answer = await api.inject(request);
      expectProblem(answer, 'INTERNAL');
      expect(answer.body).not.toMatch(/boom|secret|TypeError|\.ts/);
    }
    expect(lines.filter((line) => line.includes('boom at /secret/path') && line.includes('TypeError'))).toHaveLength(2);
  });

  test('the log of a request never holds the token', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    const service = stubService({ deleteLink: () => Promise.reject(new Error('boom')) });
    const token = new Secret('a-very-secret-token');
    const api = start({ service, logger, tokens: [{ name: 'operator', role: 'operator', token }] });
    const headers = { authorization: 'Bearer a-very-secret-token' };
    await api.inject({ method: 'DELETE', url: '/v1/spec/links/a-b', headers });
    expect(lines.join('')).toContain('boom');
    expect(lines.join('')).not.toContain('a-very-secret-token');
  });
});
