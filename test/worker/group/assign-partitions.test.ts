import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignPartitions } from '../../../src/worker/group/assign-partitions.ts';
import { countPartitions, type PartitionSets } from '../../../src/worker/group/partition-sets.ts';

type Members = ReadonlyMap<string, PartitionSets>;

describe('sharing out partitions', () => {
  it('gives a single worker everything', () => {
    const { of, moving } = assignPartitions({ members: idle('one'), wanted: topics(2, 3), mayHandOut: true });
    expect(of.get('one')).toEqual(topics(2, 3));
    expect(moving).toBe(0);
  });

  it('spreads the partitions of a topic', () => {
    const { of } = assignPartitions({ members: idle('one', 'two', 'three'), wanted: topics(4, 12), mayHandOut: true });
    for (const sets of of.values()) for (const partitions of sets.values()) expect(partitions).toHaveLength(4);
  });

  it('moves a third to a third worker, and nothing between the others', () => {
    const before = settle(idle('one', 'two'), topics(10, 6));
    const after = settle(new Map([...before, ['three', new Map()]]), topics(10, 6));
    expect([...after.values()].map(countPartitions)).toEqual([20, 20, 20]);
    for (const id of ['one', 'two']) {
      const kept = keys(after.get(id)!).filter((key) => keys(before.get(id)!).includes(key));
      expect(kept).toHaveLength(20);
    }
  });

  it('moves only what a lost worker had', () => {
    const before = settle(idle('one', 'two', 'three'), topics(10, 6));
    const left = new Map([...before].filter(([id]) => id !== 'two'));
    const after = settle(left, topics(10, 6));
    for (const [id, sets] of left) expect(keys(after.get(id)!)).toEqual(expect.arrayContaining(keys(sets)));
  });

  it('never gives away what a member holds, whoever asks, and nobody two of the same', () => {
    fc.assert(
      fc.property(membersAnyhow, wantedAnyhow, fc.boolean(), (members, wanted, mayHandOut) => {
        const { of } = assignPartitions({ members, wanted, mayHandOut });
        const given = [...of].flatMap(([id, sets]) => keys(sets).map((key) => ({ id, key })));
        expect(new Set(given.map(({ key }) => key)).size).toBe(given.length);
        const wantedKeys = new Set(keys(wanted));
        for (const { id, key } of given) {
          expect(wantedKeys.has(key)).toBe(true);
          const holders = [...members].filter(([, sets]) => keys(sets).includes(key)).map(([holder]) => holder);
          if (holders.length > 0) expect(holders).toEqual([id]);
          else expect(mayHandOut).toBe(true);
        }
      }),
    );
  });

  it('comes to rest with everything given out evenly, in as many rounds as it takes to give back and to get', () => {
    fc.assert(
      fc.property(membersAnyhow, wantedAnyhow, (members, wanted) => {
        fc.pre(members.size > 0);
        const after = settle(members, wanted);
        const counts = [...after.values()].map(countPartitions);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(countPartitions(wanted));
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        const { of, moving } = assignPartitions({ members: after, wanted, mayHandOut: true });
        expect([of, moving]).toEqual([after, 0]);
      }),
    );
  });
});

/** Generations one after the other, each worker doing what it is told, until nobody has to give anything back. */
function settle(members: Members, wanted: PartitionSets): Members {
  let held = members;
  for (let round = 0; round < 3; round++) {
    const { of, moving } = assignPartitions({ members: held, wanted, mayHandOut: true });
    held = of;
    if (moving === 0) return held;
  }
  throw new Error('still moving after three generations');
}

function idle(...ids: readonly string[]): Members {
  return new Map(ids.map((id) => [id, new Map()]));
}

function topics(count: number, partitions: number): PartitionSets {
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  return new Map(Array.from({ length: count }, (_, topic) => [`a_${topic}`, numbers]));
}

function keys(sets: PartitionSets): string[] {
  return [...sets].flatMap(([topic, partitions]) => partitions.map((partition) => `${topic}/${partition}`));
}

const topicAnyhow = fc.constantFrom('a_0', 'a_1', 'a_2');
const partitionsAnyhow = fc
  .uniqueArray(fc.nat(7), { minLength: 1, maxLength: 8 })
  .map((numbers) => numbers.toSorted((left, right) => left - right));
const setsAnyhow = fc.array(fc.tuple(topicAnyhow, partitionsAnyhow), { maxLength: 3 }).map((sets) => new Map(sets));
const wantedAnyhow = setsAnyhow;
const membersAnyhow = fc
  .array(setsAnyhow, { minLength: 1, maxLength: 4 })
  .map((holdings) => new Map(holdings.map((sets, index) => [`w${index}`, sets])));
