import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import type { ApiToken } from '../../src/api/access.ts';
import { createApi } from '../../src/api/server.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { stubService, type StubService } from './stub-service.ts';

const operator: ApiToken = { name: 'ops', role: 'operator', token: new Secret('the-token-of-an-operator') };
const viewer: ApiToken = { name: 'board', role: 'viewer', token: new Secret('the-token-of-a-viewer') };
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

type Api = ReturnType<typeof createApi>;

/** A worker that leads its site, and another one that passes on to it. */
async function twoWorkers(tokens: {
  readonly leads: readonly ApiToken[];
  readonly other: readonly ApiToken[];
}): Promise<{
  readonly other: Api;
  readonly service: StubService;
  readonly passing: StubService;
}> {
  const logger = pino({ level: 'silent' });
  const service = stubService();
  const leads = createApi({ service, host: '127.0.0.1', logger, tokens: tokens.leads });
  closing.push(() => leads.close());
  const url = await leads.listen({ host: '127.0.0.1', port: 0 });
  const passing = stubService({ controller: () => ({ kind: 'elsewhere', url }) });
  const other = createApi({ service: passing, host: '127.0.0.1', logger, tokens: tokens.other });
  closing.push(() => other.close());
  return { other, service, passing };
}

async function declareLink(api: Api, { token }: ApiToken): Promise<[number, string | undefined]> {
  const answer = await api.inject({
    ...{ method: 'PUT', url: '/v1/spec/links/a-b', payload: { from: 'a', to: 'b' } },
    headers: { authorization: `Bearer ${token.reveal()}` },
  });
  return [answer.statusCode, answer.json<{ code?: string }>().code];
}

test("the worker that leads sees the caller's own token", async () => {
  const { other, service, passing } = await twoWorkers({ leads: [operator, viewer], other: [operator, viewer] });
  expect(await declareLink(other, operator)).toEqual([200, undefined]);
  expect(passing.asked).toEqual([]);
  expect(service.asked).toEqual([['link', { from: 'a', to: 'b' }]]);
});

test('a viewer changes nothing by way of another worker', async () => {
  const { other, service } = await twoWorkers({ leads: [operator, viewer], other: [operator, viewer] });
  expect(await declareLink(other, viewer)).toEqual([403, 'FORBIDDEN']);
  expect(service.asked).toEqual([]);
});

test('whom another worker takes for an operator is judged anew by the worker that leads', async () => {
  const demoted: ApiToken = { ...operator, role: 'viewer' };
  const { other, service } = await twoWorkers({ leads: [demoted], other: [operator] });
  expect(await declareLink(other, operator)).toEqual([403, 'FORBIDDEN']);
  const stranger = await twoWorkers({ leads: [viewer], other: [operator] });
  expect(await declareLink(stranger.other, operator)).toEqual([401, 'UNAUTHENTICATED']);
  expect([...service.asked, ...stranger.service.asked]).toEqual([]);
});

test('what is wrong with a request is said without asking the worker that leads', async () => {
  const service = stubService({ controller: () => ({ kind: 'unknown', reason: 'nobody leads' }) });
  const api = createApi({ service, host: '127.0.0.1', logger: pino({ level: 'silent' }) });
  closing.push(() => api.close());
  expect((await api.inject({ url: '/v1/links?x=1' })).json()).toMatchObject({ code: 'INVALID_INPUT' });
  expect((await api.inject({ url: '/v1/links' })).json()).toMatchObject({ code: 'NOT_READY', detail: 'nobody leads' });
});
