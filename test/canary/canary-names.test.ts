import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canaryKey,
  decodeCanary,
  encodeCanary,
  lifeOf,
  parseCanaryKey,
  vantageSchema,
} from '../../src/canary/canary-record.ts';
import { canaryTopicName, canaryTopicOf, newestCanaryTopics } from '../../src/canary/canary-topic.ts';

const owners = { a: 'a_', b: 'b.' };

describe('the name of a canary topic', () => {
  test('says whose it is and which generation', () => {
    fc.assert(
      fc.property(fc.constantFrom('a' as const, 'b' as const), fc.nat(999_999), (home, generation) => {
        const name = canaryTopicName(owners[home], generation);
        expect(canaryTopicOf(name, owners)).toEqual({ home, generation });
      }),
    );
    expect(canaryTopicName('a_', 7)).toBe('a_umbra-canary-000007');
  });

  test('is no other name', () => {
    for (const name of ['umbra-canary-000001', 'c_umbra-canary-000001', 'a_umbra-canary-1', 'a_x-umbra-canary-000001'])
      expect(canaryTopicOf(name, owners)).toBeUndefined();
    expect(() => canaryTopicName('a_', 1_000_000)).toThrow('0 to 999999');
  });

  test('of each home the newest generation is written', () => {
    const names = ['a_umbra-canary-000001', 'a_umbra-canary-000010', 'b.umbra-canary-000002', 'a_orders'];
    expect(newestCanaryTopics(names, owners)).toEqual([
      { home: 'a', generation: 10, name: 'a_umbra-canary-000010' },
      { home: 'b', generation: 2, name: 'b.umbra-canary-000002' },
    ]);
  });
});

describe('a canary record', () => {
  const record = {
    ...{ pair: 'test', link: 'a-b', term: 3, vantage: 'outside', life: 'life-1', partition: 2, sequence: 9 },
    ...{ wallMs: 1_700_000_000_000.5, monoMs: 12.25, previous: 'f'.repeat(64) },
  };

  test('is read as it was written, and as nothing else', () => {
    const value = encodeCanary(record);
    expect(decodeCanary(value)).toEqual({ v: 1, ...record });
    expect(decodeCanary(value.slice(0, -1))).toBeUndefined();
    expect(decodeCanary(value.replace('"v":1', '"v":2'))).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => decodeCanary(text) === undefined));
  });

  test('has its place in its key', () => {
    const id = { vantage: 'outside', life: 'life-1', partition: 2, sequence: 9 };
    expect(parseCanaryKey(canaryKey(id))).toEqual(id);
    for (const key of ['', 'a', 'a/life-1/x/1', 'a/life-1/1', '../life-1/1/1', 'a/life-1/1/1/1'])
      expect(parseCanaryKey(key)).toBeUndefined();
  });

  test('of a life says when it began', () => {
    expect(lifeOf(new Date('2026-01-02T03:04:05.678Z'), 'ab12cd34')).toBe('20260102t030405z-ab12cd34');
    expect(vantageSchema.safeParse('../etc').success).toBe(false);
  });
});
