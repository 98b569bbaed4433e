import { connect } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { type ApiToken, assertBindable } from '../../src/api/access.ts';
import { problemBodySchema } from '../../src/api/problem-json.ts';
import { routes } from '../../src/api/routes.ts';
import { createApi } from '../../src/api/server.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { type Problem } from '../../src/worker/problems.ts';
import { stubService } from './stub-service.ts';

type Api = ReturnType<typeof createApi>;
const secret = '0123456789abcdef';
const tokens: readonly ApiToken[] = [{ name: 'operator', role: 'operator', token: new Secret(secret) }];
const opened: Api[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((api) => api.close()));
});

function start(options: { tokens?: readonly ApiToken[]; host?: string } = {}): Api {
  const api = createApi({ service: stubService(), host: '127.0.0.1', logger: pino({ level: 'silent' }), ...options });
  opened.push(api);
  return api;
}

async function codeFor(api: Api, headers: Record<string, string>, url = '/v1/pair'): Promise<string> {
  const answer = await api.inject({ url, headers });
  return answer.statusCode === 200 ? 'OK' : problemBodySchema.parse(answer.json()).code;
}

describe('where the API may be bound', () => {
  test.each(['127.0.0.1', '::1', 'localhost'])('%s needs no token', (host) => {
    expect(() => {
      assertBindable(host, []);
    }).not.toThrow();
  });

  test.each(['0.0.0.0', '::', '10.0.0.4', 'example.org', '', '127.0.0.1.example.org'])(
    '"%s" is refused without a token and allowed with one',
    (host) => {
      expect(() => {
        assertBindable(host, []);
      }).toThrow(expect.objectContaining({ name: 'Problem', code: 'INVALID_INPUT' }) as Problem);
      expect(() => {
        assertBindable(host, tokens);
      }).not.toThrow();
    },
  );

  test('an API for a host it may not be bound to is never built', () => {
    expect(() => start({ host: '0.0.0.0' })).toThrow(/api\.host.*api\.token/);
  });
});

describe('without a token', () => {
  test.each(['127.0.0.1:8080', 'localhost', 'localhost:80', 'LocalHost:1', '[::1]:8080', '[::1]'])(
    'Host %s is this machine',
    async (host) => {
      expect(await codeFor(start(), { host })).toBe('OK');
    },
  );

  test.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
    '10.0.0.4:8080',
    'localhost:8080:80',
  ])('Host "%s" is refused on every route: the name was rebound', async (host) => {
    const api = start();
    for (const { method, path } of routes) {
      const answer = await api.inject({ method, url: path, headers: { host } });
      expect(problemBodySchema.parse(answer.json()).code).toBe('FORBIDDEN_HOST');
    }
  });

  test('a page of the same origin may ask, a page of another may not', async () => {
    const api = start();
    const host = '127.0.0.1:8080';
    expect(await codeFor(api, { host, origin: 'http://127.0.0.1:8080' })).toBe('OK');
    const foreign = [
      'http://127.0.0.1:9090',
      'http://localhost:8080',
      'https://127.0.0.1:8080',
      'https://evil.example',
    ];
    for (const origin of [...foreign, 'null', '']) {
      expect(await codeFor(api, { host, origin }), origin).toBe('FORBIDDEN_HOST');
    }
  });

  test('a request without Host is refused as a problem', async () => {
    const api = start();
    await api.listen({ host: '127.0.0.1', port: 0 });
    expect(await rawAnswer(api, 'GET /v1/pair HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 403[^]*application\/problem\+json[^]*FORBIDDEN_HOST/,
    );
  });

  test('bytes that are not HTTP are answered as a problem', async () => {
    const api = start();
    await api.listen({ host: '127.0.0.1', port: 0 });
    expect(await rawAnswer(api, 'rubbish\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400[^]*application\/problem\+json[^]*INVALID_INPUT/,
    );
  });
});

describe('with a token', () => {
  const good = { authorization: 'Bearer 0123456789abcdef' };

  test('health, readiness and the description of the API are open, everything else asks for the token', async () => {
    const api = start({ tokens });
    for (const { method, path, access } of routes) {
      const answer = await api.inject({ method, url: path });
      expect(answer.statusCode === 401, path).toBe(access !== 'open');
      if (access === 'open') continue;
      expect(problemBodySchema.parse(answer.json()).code).toBe('UNAUTHENTICATED');
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    const open = routes.filter(({ access }) => access === 'open').map(({ path }) => path);
    expect(open).toEqual(['/healthz', '/readyz', '/v1/openapi.json']);
  });

  test('the right token opens', async () => {
    expect(await codeFor(start({ tokens }), good)).toBe('OK');
    expect(await codeFor(start({ tokens }), { authorization: 'bearer  0123456789abcdef' })).toBe('OK');
  });

  test.each([
    'Bearer 0123456789abcdeg',
    'Bearer 0123456789abcde',
    'Bearer 0123456789abcdef0',
    'Bearer',
    'Bearer ',
    'Basic 0123456789abcdef',
    '0123456789abcdef',
    '',
  ])('authorization "%s" does not', async (authorization) => {
    expect(await codeFor(start({ tokens }), { authorization })).toBe('UNAUTHENTICATED');
  });

  test('what exists is not told without the token', async () => {
    const api = start({ tokens });
    expect(await codeFor(api, {}, '/v1/nothing')).toBe('UNAUTHENTICATED');
    expect(await codeFor(api, {}, '/healthz/../v1/pair')).toBe('UNAUTHENTICATED');
    expect((await api.inject({ method: 'POST', url: '/v1/pair' })).statusCode).toBe(401);
  });

  test('the name it is called by does not matter', async () => {
    expect(await codeFor(start({ tokens, host: '0.0.0.0' }), { ...good, host: 'umbra.example:8080' })).toBe('OK');
  });
});

/** What the server writes back to raw bytes until it closes the connection. */
async function rawAnswer(api: Api, bytes: string): Promise<string> {
  const address = api.server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const socket = connect(address.port, address.address);
  socket.setTimeout(5_000, () => socket.destroy(new Error('no answer within 5 s')));
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}
