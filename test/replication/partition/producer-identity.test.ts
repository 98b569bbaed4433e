import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  linkProducerId,
  sequenceAfter,
  sequenceForOffset,
} from '../../../src/replication/partition/producer-identity.ts';

const topicId = '00112233445566778899aabbccddeeff';
const anyTopicId = fc.string({
  unit: fc.constantFrom(...Array.from('0123456789abcdef')),
  minLength: 32,
  maxLength: 32,
});

describe('the producer id of a link', () => {
  it('is the same for ever: copies that exist were written with it', () => {
    expect(linkProducerId('a-to-b', topicId, 0)).toBe(8_148_781_268_553_348n);
    expect(linkProducerId('a-to-b', topicId, 7)).toBe(6_052_792_784_683_445n);
  });

  it('stays out of reach of the ids that brokers hand out, and within what every client can hold', () => {
    fc.assert(
      fc.property(fc.string(), anyTopicId, fc.nat(), (link, id, partition) => {
        const producerId = linkProducerId(link, id, partition);
        expect(producerId >= 2n ** 52n && producerId < 2n ** 53n).toBe(true);
        const digest = createHash('sha256').update(`${link}\n${id}\n${partition}`).digest('hex');
        expect(producerId - 2n ** 52n).toBe(BigInt(`0x${digest.slice(3, 16)}`)); // the lower 52 of its first 64 bits
      }),
    );
  });

  it('differs between links, topics and partitions', () => {
    const ids = ['a-to-b', 'b-to-a'].flatMap((link) =>
      [topicId, topicId.toUpperCase(), '0'.repeat(32)].flatMap((id) =>
        Array.from({ length: 100 }, (_, partition) => linkProducerId(link, id, partition)),
      ),
    );
    expect(new Set(ids).size).toBe(600);
  });
});

describe('sequences', () => {
  it.each([
    [0, 1, 1],
    [2 ** 31 - 1, 1, 0],
    [2 ** 31 - 3, 5, 2],
    [5, 0, 5],
  ])('go on from %i by %i records at %i', (sequence, records, expected) => {
    expect(sequenceAfter(sequence, records)).toBe(expected);
  });

  it('begin at the offset, modulo 2^31', () => {
    expect(sequenceForOffset(0n)).toBe(0);
    expect(sequenceForOffset(2n ** 31n - 1n)).toBe(2 ** 31 - 1);
    expect(sequenceForOffset(2n ** 31n)).toBe(0);
    expect(sequenceForOffset(3n * 2n ** 31n + 17n)).toBe(17);
  });

  it('reach the same number by records as by offsets, so that two starters collide', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.nat(), (offset, records) => {
        expect(sequenceAfter(sequenceForOffset(offset), records)).toBe(sequenceForOffset(offset + BigInt(records)));
      }),
    );
  });
});
