import { expect, test } from 'vitest';
import { tailSchema } from '../../../src/quarantine/manifest.ts';
import { prepareCopy } from '../../../src/worker/reconcile/make-copy-in-place.ts';

const signal = AbortSignal.timeout(10_000);
const tail = tailSchema.parse({
  ...{ operation: 'failover-20260102-0304-ab12', term: 2, site: 'b', cuts: ['5'], method: 'in-place' },
});

/** Nothing of it is asked: the topic is not home here. */
const notAsked = new Proxy({} as Parameters<typeof prepareCopy>[0], {
  get: (_, name) => {
    throw new Error(`${String(name)} is not asked`);
  },
});

test('what a promotion had granted here is taken from the fence of the operation that ended it, before the log is a copy', async () => {
  const forgotten: string[] = [];
  const forgetGrants = (operation: string, topic: string): Promise<void> => {
    forgotten.push(`${operation} ${topic}`);
    return Promise.resolve();
  };
  const ports = Object.create(notAsked, {
    isHome: { value: () => false },
    forgetGrants: { value: forgetGrants },
  }) as Parameters<typeof prepareCopy>[0];
  await prepareCopy(ports, { topic: 'a_orders', tail }, signal);
  expect(forgotten).toEqual(['failover-20260102-0304-ab12 a_orders']);
});

test('a fence that cannot forget keeps the log from becoming a copy', async () => {
  const ports = Object.create(notAsked, {
    isHome: { value: () => true },
    forgetGrants: { value: () => Promise.reject(new Error('the brokers 1 are behind')) },
  }) as Parameters<typeof prepareCopy>[0];
  await expect(prepareCopy(ports, { topic: 'a_orders', tail }, signal)).rejects.toThrow('behind');
});
