import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeAssignment,
  decodeMemberData,
  encodeAssignment,
  encodeMemberData,
} from '../../../src/worker/group/member-data.ts';

const incarnation = 'abcdefghij01';
const url = 'http://127.0.0.1:8080/';
const setsAnyhow = fc
  .dictionary(fc.stringMatching(/^a_[a-z.]{1,9}$/), fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 30 }))
  .map((sets) => new Map(Object.entries(sets).map(([topic, numbers]) => [topic, numbers.toSorted((l, r) => l - r)])));

describe('what workers tell each other through the group', () => {
  it('arrives as it was said', () => {
    fc.assert(
      fc.property(setsAnyhow, fc.nat(), (sets, turn) => {
        const data = { version: 1, incarnation, url, holds: sets, generation: 3, turn } as const;
        expect(decodeMemberData(encodeMemberData(data))).toEqual(data);
        const controller = { incarnation, url };
        const assignment = { version: 1, incarnation, controller, stateEnd: '12', copies: sets } as const;
        expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment);
      }),
    );
  });

  it('stays small: ten thousand partitions in a thousand topics take less than 20 KB', () => {
    const numbers = Array.from({ length: 10 }, (_, partition) => partition * 3);
    const holds = new Map(Array.from({ length: 1_000 }, (_, topic) => [`a_orders.region-${topic}.v1`, numbers]));
    expect(encodeMemberData({ version: 1, incarnation, url, holds, generation: 3, turn: 0 }).length).toBeLessThan(
      20_000,
    );
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.from('ffffff00', 'hex')],
    ['another shape', deflateRawSync('{"version":2}')],
    ['ranges out of order', packed({ holds: { a_x: '4-2' } })],
    ['a partition twice', packed({ holds: { a_x: '1,1' } })],
    ['a range without end', packed({ holds: { a_x: '0-9999999' } })],
  ])('is not believed when it is %s', (_what, bytes) => {
    expect(decodeMemberData(bytes)).toBeUndefined();
  });
});

function packed(part: object): Buffer {
  return deflateRawSync(JSON.stringify({ version: 1, incarnation, url, holds: {}, generation: 0, turn: 0, ...part }));
}
