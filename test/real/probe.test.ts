import { inspect } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import type { Attempt } from '../../src/worker/repoint/attempt.ts';
import { probePrimary } from '../../src/worker/repoint/probe-primary.ts';
import { type Move, type ProbeHook, repointSchema } from '../../src/worker/repoint/repoint-spec.ts';
import { consumeWhole } from '../fixtures/consumed-records.ts';
import { createTopic, logEnds } from '../fixtures/kafkajs.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';
import { sendIn, transactionalProducer } from '../fixtures/transactions.ts';

// The probe of a promotion at a broker with passwords and ACLs, as the application `app` of the shared sites.
const { app, admin } = sharedSites().a;
/** An application may write the first at site a; the second is a copy there, whose WRITE is withheld. */
const [own, copy] = ['a_probe', 'b_probe'] as const;
const move: Move = {
  ...{ operationId: 'failover-000017', kind: 'failover', topics: [own, copy], from: 'b', to: 'a', term: 4 },
  ...{
    startedAt: '2026-11-22T04:33:00.000Z',
    terms: new Map([
      [own, 4],
      [copy, 4],
    ]),
  },
  bootstrapServers: app.bootstrapServers,
};

function probe(topic: string, hook: { timeoutMs?: number; sasl?: object } = {}): Promise<Attempt> {
  const { sasl = app.sasl, ...rest } = hook;
  const [parsed] = repointSchema.parse([{ kind: 'probe', topic, client: { sasl }, ...rest }]);
  return probePrimary(parsed as ProbeHook, move, new AbortController().signal); // as: what was parsed says so
}

beforeAll(async () => {
  await createTopic(admin, own, { partitions: 3 });
  await createTopic(admin, copy);
});

test('a probe writes a record that tells of its operation, and reads it where it was told that it is', async () => {
  const probed = await probe(own);
  expect(probed).toMatchObject({ kind: 'done' });
  const shown = probed.kind === 'done' ? (probed.shown ?? '') : '';
  expect(shown).toMatch(/^wrote a_probe\/[012] at offset 0 and read it back in \d+ ms$/);
  const records = (await consumeWhole(app, { topics: [own], groupId: 'a_probe-reader' })).get(own);
  expect(records?.map(({ partition, offset, key }) => [partition, offset, key])).toEqual([
    [Number(/\/(\d)/.exec(shown)?.[1]), 0n, move.operationId],
  ]);
  expect(JSON.parse(records?.[0]?.value ?? '')).toEqual({
    ...{ probe: 'umbra', operationId: move.operationId, kind: 'failover', from: 'b', to: 'a', term: 4 },
    at: expect.stringMatching(/^20.*Z$/) as string,
  });
});

test('a probe that may not write says so, and has written nothing', async () => {
  expect(await probe(copy)).toEqual({ kind: 'failed', reason: `writing ${copy}: TOPIC_AUTHORIZATION_FAILED` });
  expect(await logEnds(admin, copy)).toEqual([0n]);
});

test('a probe behind an open transaction does not say that consumers get what it wrote', async () => {
  const producer = transactionalProducer(app, 'a_probe-open');
  await producer.connect();
  // Its coordinator's topic may only be made for it.
  const open = await eventually('a transaction begins', () => producer.transaction());
  try {
    const messages = [0, 1, 2].map((partition) => ({ partition, value: 'open' }));
    await sendIn(open, { topic: own, messages });
    expect(await probe(own, { timeoutMs: 700 })).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^reading a_probe\/[012] at offset \d: no answer within 700 ms$/) as string,
    });
  } finally {
    await open.abort();
    await producer.disconnect();
  }
  expect(await probe(own)).toMatchObject({ kind: 'done' });
});

test('a password that is refused is told as such, and shown nowhere', async () => {
  const probed = await probe(own, { sasl: { ...app.sasl, password: 'do-not-print-me' } });
  expect(probed).toEqual({ kind: 'failed', reason: `writing ${own}: SASL_AUTHENTICATION_FAILED` });
  expect(inspect(probed)).not.toContain('do-not-print-me');
});
