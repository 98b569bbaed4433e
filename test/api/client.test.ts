import { createServer, type RequestListener } from 'node:http';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import type { ApiToken } from '../../src/api/access.ts';
import { createApiClient } from '../../src/api/client.ts';
import { createApi } from '../../src/api/server.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { Problem } from '../../src/worker/problems.ts';
import type { WorkerService } from '../../src/worker/service.ts';
import { stubLink, stubPair, stubService, stubTopic, stubTopicDetail, type StubService } from './stub-service.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function worker(
  overrides: Partial<WorkerService> = {},
  tokens: readonly ApiToken[] = [],
): Promise<StubService & { url: string }> {
  const service = stubService(overrides);
  const api = createApi({ service, host: '127.0.0.1', logger: pino({ level: 'silent' }), tokens });
  closing.push(() => api.close());
  return Object.assign(service, { url: await api.listen({ host: '127.0.0.1', port: 0 }) });
}

/** Something that listens and is no worker. */
async function stranger(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  closing.push(() => server[Symbol.asyncDispose]());
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.listen(0, '127.0.0.1', () => {
    resolve(undefined);
  });
  await promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return `http://127.0.0.1:${address.port}`;
}

async function problemFrom(call: Promise<unknown>): Promise<Problem> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Problem);
  return thrown as Problem;
}

describe('against a worker', () => {
  test('every view arrives as the service gave it', async () => {
    const client = createApiClient({ url: (await worker()).url });
    expect(await client.pair()).toEqual(stubPair);
    expect(await client.links()).toEqual([stubLink]);
    expect(await client.topics()).toEqual([stubTopic]);
    expect(await client.topic('a_orders')).toEqual(stubTopicDetail);
    expect(await client.ready()).toEqual({ ready: true, reason: 'both clusters answered' });
  });

  test('every change arrives as it was called', async () => {
    const service = await worker();
    const client = createApiClient({ url: `${service.url}/` });
    await client.putPrefixPolicy({ a: 'a_', b: 'b_' });
    await client.putSchemaPrimary({ site: 'a' });
    expect(await client.putLink({ from: 'a', to: 'b' })).toEqual(stubLink);
    await client.deleteLink('a-b', 'detach');
    expect(service.asked).toEqual([
      ['prefix-policy', { owners: { a: 'a_', b: 'b_' }, unowned: 'report', applications: { a: [], b: [] } }],
      ['schema-primary', { site: 'a' }],
      ['link', { from: 'a', to: 'b' }],
      ['delete', 'a-b', 'detach'],
    ]);
  });

  test('a refusal keeps its code and its sentence', async () => {
    const { url } = await worker({
      deleteLink: () => Promise.reject(new Problem('LINK_FOLLOWS', 'link a-b: a_orders follows')),
    });
    const client = createApiClient({ url });
    expect(await problemFrom(client.deleteLink('a-b', 'refuse'))).toMatchObject({
      code: 'LINK_FOLLOWS',
      message: 'link a-b: a_orders follows',
    });
    expect((await problemFrom(client.topic('a_nothing'))).code).toBe('NOT_FOUND');
    expect((await problemFrom(client.topic('../pair'))).code).toBe('NOT_FOUND');
  });

  test('a worker that is not ready is an answer', async () => {
    const { url } = await worker({ readiness: () => ({ ready: false, reason: 'site b never answered' }) });
    expect(await createApiClient({ url }).ready()).toEqual({ ready: false, reason: 'site b never answered' });
  });

  test('the token is sent, and its absence is a refusal', async () => {
    const { url } = await worker({}, [{ name: 'operator', role: 'operator', token: new Secret('0123456789abcdef') }]);
    expect(await createApiClient({ url, token: new Secret('0123456789abcdef') }).links()).toEqual([stubLink]);
    expect((await problemFrom(createApiClient({ url }).links())).code).toBe('UNAUTHENTICATED');
  });

  test('a view that is not of the expected form is refused with the field named', async () => {
    const wrong = { ...stubPair, site: 'c' } as unknown as typeof stubPair;
    const { url } = await worker({ pairView: () => Promise.resolve(wrong) });
    const problem = await problemFrom(createApiClient({ url }).pair());
    expect(problem.code).toBe('BAD_ANSWER');
    expect(problem.message).toContain('answer.site');
  });
});

describe('against nothing or a stranger', () => {
  test('a port nobody listens on is unreachable, in one line that names the URL', async () => {
    const url = await stranger(() => undefined);
    await closing.pop()?.();
    const problem = await problemFrom(createApiClient({ url }).pair());
    expect(problem.code).toBe('UNREACHABLE');
    expect(problem.message).toContain(url);
    expect(problem.message).toContain('ECONNREFUSED');
    expect(problem.message).not.toContain('\n');
  });

  test('an answer that never comes ends at the timeout', async () => {
    const url = await stranger(() => undefined);
    const problem = await problemFrom(createApiClient({ url, timeoutMs: 50 }).pair());
    expect(problem).toMatchObject({ code: 'UNREACHABLE' });
    expect(problem.message).toContain('did not answer within 0.05 s');
  });

  test('an answer that stops half way ends at the timeout', async () => {
    const url = await stranger((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
    });
    expect((await problemFrom(createApiClient({ url, timeoutMs: 50 }).pair())).code).toBe('UNREACHABLE');
  });

  test("the caller's own abort is passed on as it is", async () => {
    const caller = new AbortController();
    const url = await stranger(() => {
      caller.abort(new Error('enough'));
    });
    await expect(createApiClient({ url }).pair(caller.signal)).rejects.toThrow('enough');
  });

  test.each([
    ['a page', 200, 'text/html', '<html></html>'],
    ['an error page', 404, 'text/html', '<html></html>'],
    ['foreign JSON', 200, 'application/json', '{"a":1}'],
    ['a foreign problem', 500, 'application/problem+json', '{"type":"about:blank"}'],
    ['a problem with a code of another version', 409, 'application/problem+json', problemJson('SOMETHING_NEW')],
    ['nothing', 204, 'application/json', ''],
  ])('%s is a bad answer', async (_what, status, type, body) => {
    const url = await stranger((_request, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    expect((await problemFrom(createApiClient({ url }).pair())).code).toBe('BAD_ANSWER');
  });

  test('a redirect is not followed: the token stays with its URL', async () => {
    const asked: string[] = [];
    const elsewhere = await stranger((request, response) => {
      asked.push(request.headers.authorization ?? 'none');
      response.end('{}');
    });
    const url = await stranger((_request, response) => {
      response.writeHead(307, { location: elsewhere }).end();
    });
    const client = createApiClient({ url, token: new Secret('0123456789abcdef') });
    expect((await problemFrom(client.pair())).code).toBe('UNREACHABLE');
    expect(asked).toEqual([]);
  });

  test.each([
    '',
    'localhost:8080',
    'ftp://localhost',
    'http://user:pw@localhost:1',
    'http://localhost/?a=1',
    'nonsense',
  ])('"%s" is not the URL of a worker', (url) => {
    expect(() => createApiClient({ url })).toThrow(/http:\/\/host:port/);
  });
});

function problemJson(code: string): string {
  return JSON.stringify({ type: 'urn:x', title: 't', status: 409, code, detail: 'd', remedy: 'r' });
}
