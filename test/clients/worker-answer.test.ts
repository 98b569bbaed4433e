import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { createApi } from '../../src/api/server.ts';
import { followPrimary } from '../../src/clients/kafkajs/follow-primary.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { termSchema } from '../../src/pair/ownership.ts';
import type { BootstrapView } from '../../src/worker/bootstrap/bootstrap-view.ts';
import { stubBootstrap, stubService } from '../api/stub-service.ts';
import { eventually } from '../fixtures/wait.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

test('what a worker answers is understood as it is, and a state without one primary is no move', async () => {
  let view: BootstrapView = stubBootstrap;
  const asked: object[] = [];
  const service = stubService({
    bootstrapView: (query) => {
      asked.push(query);
      return view;
    },
  });
  const token = new Secret('the-token-of-a-viewer');
  const tokens = [{ name: 'apps', role: 'viewer', token } as const];
  const api = createApi({ service, host: '127.0.0.1', logger: pino({ level: 'silent' }), tokens });
  closing.push(() => api.close());
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  const follower = followPrimary({ topic: 'a_orders', workers: [url], token: token.reveal(), pollMs: 10 });
  closing.push(follower.stop);
  const { bootstrapServers, brokers, standby } = stubBootstrap as Extract<BootstrapView, { state: 'settled' }>;
  expect(await follower.ready()).toEqual({
    ...{ site: 'a', term: 0, proven: true, places: { bootstrapServers, brokers } },
    standby: { bootstrapServers: standby.bootstrapServers, brokers: standby.brokers },
  });
  expect(asked[0]).toEqual({ topic: 'a_orders' });
  view = { topic: 'a_orders', state: 'mixed', term: termSchema.parse(5), proven: true };
  const before = asked.length;
  await eventually('it has asked again', () => asked.length > before + 2 || undefined);
  expect(follower.current()).toMatchObject({ site: 'a', term: 0 });
});
