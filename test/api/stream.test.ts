import { request } from 'node:http';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { defaultStreamPace, type StreamPace } from '../../src/api/live-streams.ts';
import { problemBodySchema } from '../../src/api/problem-json.ts';
import { createApi } from '../../src/api/server.ts';
import type { UmbraEvent } from '../../src/worker/events/event.ts';
import { Problem } from '../../src/worker/problems.ts';
import type { WorkerService } from '../../src/worker/service.ts';
import { eventually } from '../fixtures/wait.ts';
import { stubEvents, stubLink, stubPair, stubService, stubTopic } from './stub-service.ts';

const pace: StreamPace = { ...defaultStreamPace, lookMs: 5 };
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function listen(overrides: Partial<WorkerService> = {}, changed: Partial<StreamPace> = {}): Promise<string> {
  const api = createApi({
    ...{ service: stubService(overrides), host: '127.0.0.1', logger: pino({ level: 'silent' }) },
    streams: { pace: { ...pace, ...changed } },
  });
  closing.push(() => api.close());
  return api.listen({ host: '127.0.0.1', port: 0 });
}

/** A journal that a test adds to. */
function journal(kept: readonly UmbraEvent[] = stubEvents): {
  readonly add: (id: number) => void;
  readonly events: WorkerService['events'];
} {
  const all = [...kept];
  const [, system] = stubEvents;
  return {
    add: (id) => {
      if (system !== undefined) all.push({ ...system, id });
    },
    events: ({ after, limit }) => ({
      site: 'b',
      events: after === undefined ? all.slice(-limit) : all.filter(({ id }) => id > after).slice(0, limit),
      newest: all.at(-1)?.id ?? 0,
      missed: after !== undefined && after < (all[0]?.id ?? 1) - 1,
    }),
  };
}

interface Open {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: () => string;
  readonly ended: Promise<unknown>;
  readonly close: () => void;
}

/** What a reader has got so far. With `pause` it takes nothing in. */
function open(url: string, { headers = {}, pause = false } = {}): Promise<Open> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (answer) => {
      let text = '';
      if (!pause) answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      const ended = new Promise((done) => answer.once('close', done));
      answer.on('error', () => undefined);
      const type = answer.headers['content-type'];
      resolve({ status: answer.statusCode ?? 0, type, text: () => text, ended, close: () => asked.destroy() });
    });
    asked.on('error', reject).end();
    closing.push(() => Promise.resolve(asked.destroy()));
  });
}

/** The messages of one type so far, as JSON. */
function messages(of: Open, type: string): readonly unknown[] {
  const parts = of.text().split('\n\n').slice(0, -1);
  return parts
    .filter((part) => part.includes(`event: ${type}\n`))
    .map((part) => JSON.parse(part.split('\ndata: ')[1] ?? '') as unknown);
}

function has(of: Open, type: string, count = 1): Promise<true> {
  return eventually(`${count} of ${type}`, () => (messages(of, type).length >= count ? true : undefined), 5_000);
}

describe('a stream', () => {
  test('shows every view at once, as the other routes do, and no event that is past', async () => {
    const stream = await open(`${await listen()}/v1/stream`);
    expect([stream.status, stream.type]).toEqual([200, 'text/event-stream']);
    for (const view of ['pair', 'links', 'topics']) await has(stream, view);
    expect(messages(stream, 'pair')[0]).toEqual(stubPair);
    expect(messages(stream, 'links')[0]).toEqual({ links: [stubLink] });
    expect(messages(stream, 'topics')[0]).toEqual({ topics: [stubTopic] });
    expect(messages(stream, 'event')).toEqual([]);
  });

  test('shows a view again when it changed, and only then', async () => {
    let looks = 0;
    const linkViews = (): Promise<[typeof stubLink]> => {
      looks += 1;
      return Promise.resolve([{ ...stubLink, state: looks < 10 ? 'following' : 'degraded' }]);
    };
    const stream = await open(`${await listen({ linkViews })}/v1/stream?views=links`);
    await has(stream, 'links', 2);
    await eventually('some more looks', () => (looks > 20 ? true : undefined));
    expect(messages(stream, 'links')).toMatchObject([
      { links: [{ state: 'following' }] },
      { links: [{ state: 'degraded' }] },
    ]);
    expect(messages(stream, 'pair')).toEqual([]);
  });

  test('shows what happens from now on, each with its number', async () => {
    const { events, add } = journal();
    const stream = await open(`${await listen({ events })}/v1/stream?views=none`);
    add(9);
    add(10);
    await has(stream, 'event', 2);
    expect(messages(stream, 'event')).toMatchObject([{ id: 9 }, { id: 10 }]);
    expect(stream.text()).toContain('id: 10\nevent: event\ndata: {"');
  });

  test('begins behind the last event that its reader has, and says when some may be gone', async () => {
    const { events } = journal();
    const url = `${await listen({ events })}/v1/stream?views=none`;
    const asked = await open(`${url}&after=7`);
    await has(asked, 'event');
    expect(messages(asked, 'event')).toMatchObject([{ id: 8 }]);
    const anew = await open(`${url}&after=3`, { headers: { 'last-event-id': '6' } });
    await has(anew, 'event', 2);
    expect(messages(anew, 'event')).toMatchObject([{ id: 7 }, { id: 8 }]);
    expect(messages(anew, 'missed')).toEqual([]);
    const late = await open(`${url}&after=3`);
    await has(late, 'event', 2);
    expect(messages(late, 'missed')).toEqual([{ after: 3 }]);
  });

  test('shows that it lives when there is nothing to show', async () => {
    const stream = await open(`${await listen({}, { heartbeatMs: 10 })}/v1/stream?views=none`);
    await eventually('three heartbeats', () => (stream.text().split('\n\n:').length > 3 ? true : undefined));
  });

  test.each([
    ['?views=everything', {}, 'query.views'],
    ['?after=yesterday', {}, 'query.after'],
    ['', { 'last-event-id': 'x' }, 'Last-Event-ID'],
  ])('asked with %s %j is refused as a problem', async (query, headers, named) => {
    const answer = await fetch(`${await listen()}/v1/stream${query}`, { headers });
    const body = problemBodySchema.parse(await answer.json());
    expect(body).toMatchObject({ code: 'INVALID_INPUT', detail: expect.stringContaining(named) as string });
  });
});

describe('streams end', () => {
  test('when the worker cannot answer for its site any more, and say why', async () => {
    let leads = true;
    const linkViews = (): Promise<[typeof stubLink]> =>
      leads ? Promise.resolve([stubLink]) : Promise.reject(new Problem('NOT_READY', 'another worker leads the site'));
    const stream = await open(`${await listen({ linkViews })}/v1/stream?views=links`);
    await has(stream, 'links');
    leads = false;
    await stream.ended;
    expect(messages(stream, 'closed')).toMatchObject([{ code: 'NOT_READY', detail: 'another worker leads the site' }]);
  });

  test('when the worker stops: it does not wait for their readers', async () => {
    const api = createApi({ service: stubService(), host: '127.0.0.1', logger: pino({ level: 'silent' }) });
    const stream = await open(`${await api.listen({ host: '127.0.0.1', port: 0 })}/v1/stream`);
    await has(stream, 'pair');
    await api.close();
    await stream.ended;
  });

  test('for who takes in nothing', async () => {
    let looks = 0;
    const topicViews = (): Promise<[typeof stubTopic]> => {
      looks += 1;
      return Promise.resolve([{ ...stubTopic, name: `a_${looks}_${'x'.repeat(4_000_000)}` }]);
    };
    const url = await listen({ topicViews }, { slowMs: 1_000 });
    // Where this process is slow it may be cut off before it has seen the answer begin.
    const stream = await open(`${url}/v1/stream?views=topics`, { pause: true }).catch(() => undefined);
    await eventually('no more looks', async () => {
      const before = looks;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return before > 0 && looks === before ? true : undefined;
    });
    stream?.close();
  });

  test('never: one more than there may be is refused, until one is closed', async () => {
    const url = `${await listen({}, { streamsMax: 2 })}/v1/stream?views=none`;
    const [first] = await Promise.all([open(url), open(url)]);
    const refused = await fetch(url);
    expect(problemBodySchema.parse(await refused.json())).toMatchObject({ code: 'TOO_MANY_STREAMS', status: 429 });
    first.close();
    await eventually('there is room', async () => ((await open(url)).status === 200 ? true : undefined));
  });
});

describe('of another worker', () => {
  test('a stream is passed on, and so is its end', async () => {
    const { events, add } = journal();
    const api = createApi({
      ...{ service: stubService({ events }), host: '127.0.0.1', logger: pino({ level: 'silent' }) },
      streams: { pace },
    });
    const url = await api.listen({ host: '127.0.0.1', port: 0 });
    const other = await listen({ controller: () => ({ kind: 'elsewhere', url }) });
    const stream = await open(`${other}/v1/stream?views=links`, { headers: { 'last-event-id': '7' } });
    await has(stream, 'links');
    await has(stream, 'event');
    add(9);
    await has(stream, 'event', 2);
    expect(messages(stream, 'event')).toMatchObject([{ id: 8 }, { id: 9 }]);
    await api.close();
    await stream.ended;
  });

  test('a stream that is passed on ends with the worker that passes it on, and is counted there', async () => {
    const url = await listen();
    const api = createApi({
      ...{ service: stubService({ controller: () => ({ kind: 'elsewhere', url }) }), host: '127.0.0.1' },
      ...{ logger: pino({ level: 'silent' }), streams: { pace: { ...pace, streamsMax: 1 } } },
    });
    const other = await api.listen({ host: '127.0.0.1', port: 0 });
    const stream = await open(`${other}/v1/stream?views=links`);
    await has(stream, 'links');
    expect(await (await fetch(`${other}/v1/stream`)).json()).toMatchObject({ code: 'TOO_MANY_STREAMS' });
    await api.close();
    await stream.ended;
  });

  test('a refusal is passed on as what it is, and one that does not answer is unreachable', async () => {
    const full = await listen({}, { streamsMax: 0 });
    const other = await listen({ controller: () => ({ kind: 'elsewhere', url: full }) });
    expect(await (await fetch(`${other}/v1/stream`)).json()).toMatchObject({ code: 'TOO_MANY_STREAMS' });
    const dead = await listen({ controller: () => ({ kind: 'elsewhere', url: 'http://127.0.0.1:9' }) });
    expect(await (await fetch(`${dead}/v1/stream`)).json()).toMatchObject({ code: 'UNREACHABLE' });
  });
});
