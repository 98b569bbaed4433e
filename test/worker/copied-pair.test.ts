import { describe, expect, it } from 'vitest';
import { copiedPair } from '../../src/worker/copying/copied-pair.ts';
import { partitionToScan } from '../../src/worker/rebuild/scan-topic.ts';
import { type ShadowRecord, shadowRecordSchema } from '../../src/worker/state/shadow-record.ts';

const written = {
  ...{ topic: 'a_t', link: 'b-a', sourceTopicId: 's', state: { kind: 'ours', shadowTopicId: 'c' }, faults: [] },
  ownBelow: ['12', '0', '9223372036854775807'],
};

const parsed = (more: object = {}): ShadowRecord => shadowRecordSchema.parse({ ...written, ...more });

describe('a copy that its site was primary of before', () => {
  it('is copied from where both logs ended, each partition by its number', () => {
    expect(copiedPair(parsed())?.ownBelow).toEqual(
      new Map([
        [0, 12n],
        [1, 0n],
        [2, 2n ** 63n - 1n],
      ]),
    );
  });

  it('is searched for what only it has with that in mind', () => {
    const { topic, link, ownBelow } = parsed();
    const ids = { topic, link, ownBelow, copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's' };
    expect(partitionToScan(ids, 0, { source: 4, compacted: false })).toMatchObject({ ownBelow: 12n });
    // One that was added since.
    expect(partitionToScan(ids, 3, { source: 4, compacted: false })).not.toHaveProperty('ownBelow');
  });

  it('is another thing than one that the link filled, and than an offset that is none', () => {
    const { ownBelow: _, ...filled } = written;
    expect(copiedPair(shadowRecordSchema.parse(filled))).not.toHaveProperty('ownBelow');
    expect(copiedPair(parsed({ state: { kind: 'creating' } }))).toBeUndefined();
    expect(copiedPair(undefined)).toBeUndefined();
    for (const offset of ['-1', '1.5', '', '0x10', 12]) expect(() => parsed({ ownBelow: [offset] })).toThrow();
  });
});
