import { expect, test } from 'vitest';
import {
  firstPointer,
  lateBecause,
  type PointedMove,
  pointerBytesMax,
  pointerOf,
  type PrimaryPointer,
  primaryPointerSchema,
} from '../../src/pair/primary-pointer.ts';

const prefix = 'a_';
const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 22, 4, 33 + minutes)).toISOString();

function moveOf(terms: Readonly<Record<string, number>>, rest: Partial<PointedMove> = {}): PointedMove {
  const common = { operationId: 'failover-1', startedAt: at(0), to: 'b', bootstrapServers: ['b-1:9096'] } as const;
  return { ...common, terms: new Map(Object.entries(terms)), ...rest };
}

/** As a reader has it. */
function text(move: PointedMove, of = prefix): PrimaryPointer {
  return primaryPointerSchema.parse(JSON.parse(JSON.stringify(pointerOf(of, move))));
}

function many(count: number, term: number): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`a_${String(index).padStart(5, '0')}`, term]));
}

test('a pointer tells of its prefix alone: the highest term, and each', () => {
  expect(text(moveOf({ a_y: 2, a_x: 3, b_z: 9 }))).toEqual({
    ...{ prefix, primary: 'b', term: 3, bootstrapServers: ['b-1:9096'], operation: 'failover-1', startedAt: at(0) },
    ...{ topics: 2, terms: { a_x: 3, a_y: 2 } },
  });
});

test('the text does not depend on the order of the topics', () => {
  const [one, other] = [moveOf({ a_x: 1, a_y: 2 }), moveOf({ a_y: 2, a_x: 1 })].map((move) =>
    JSON.stringify(pointerOf(prefix, move)),
  );
  expect(one).toBe(other);
});

test('what stands there at first is older than every move', () => {
  expect(
    lateBecause(firstPointer('a', prefix, ['a-1:9096']), prefix, moveOf({ a_x: 1 }, { startedAt: at(-9e6) })),
  ).toBe(undefined);
});

test('a move is late if one of its own topics has moved on', () => {
  const there = text(moveOf({ a_x: 4 }, { operationId: 'switchover-2', to: 'a', startedAt: at(1) }));
  expect(lateBecause(there, prefix, moveOf({ a_x: 3, a_y: 3 }))).toBe(
    'switchover-2 has moved a_x with term 4, this is 3',
  );
  // The clock of the other site may be behind.
  expect(lateBecause(there, prefix, moveOf({ a_x: 3 }, { startedAt: at(30) }))).toMatch(/a_x/);
});

test('a move is not late for the terms of other topics', () => {
  const drill = text(moveOf({ a_drill: 20 }, { operationId: 'switchover-2', startedAt: at(1) }));
  expect(lateBecause(drill, prefix, moveOf({ a_x: 2, a_y: 2 }))).toBeUndefined();
});

test('a move is not late for its own text, nor for an older term of its topics', () => {
  expect(lateBecause(text(moveOf({ a_x: 3 })), prefix, moveOf({ a_x: 3 }))).toBeUndefined();
  const before = text(moveOf({ a_x: 2 }, { operationId: 'failover-0', startedAt: at(1) }));
  expect(lateBecause(before, prefix, moveOf({ a_x: 3 }))).toBeUndefined();
});

test('clusters that were made anew begin with term 1, and are not late', () => {
  for (const topics of [1, 10_000]) {
    const old = text(moveOf(many(topics, 7), { operationId: 'switchover-2' }));
    expect(lateBecause(old, prefix, moveOf(many(topics, 1), { startedAt: at(61) }))).toBeUndefined();
    expect(lateBecause(old, prefix, moveOf(many(topics, 1), { startedAt: at(-1) }))).toMatch(/a_00000/);
  }
});

test('of topics that the text has no room to name, the operation that began later counts', () => {
  const there = text(moveOf(many(10_000, 7), { operationId: 'switchover-2', startedAt: at(0) }));
  const unnamed = { a_09999: 6 };
  expect(lateBecause(there, prefix, moveOf(unnamed, { startedAt: at(-1) }))).toMatch(
    'switchover-2 began later and may have moved a_09999, too, with a term of up to 7',
  );
  expect(lateBecause(there, prefix, moveOf(unnamed, { startedAt: at(1) }))).toBeUndefined();
  expect(lateBecause(there, prefix, moveOf({ a_09999: 8 }, { startedAt: at(-1) }))).toBeUndefined();
});

test('a text that is not of this shape yet is never later', () => {
  const old: PrimaryPointer = { ...firstPointer('a', prefix, []), term: 20, operation: 'failover-0', topics: 1 };
  expect(lateBecause(old, prefix, moveOf({ a_x: 3 }))).toBeUndefined();
});

test.each([
  ['short', 2, 12],
  ['long', 249, 253],
])('a text fits into a parameter, however many topics and brokers there are: %s names', (_, nameBytes, hostBytes) => {
  for (const [topics, brokers] of [
    [1, 1],
    [10_000, 1],
    [1, 30],
    [10_000, 30],
    [10_000, 50],
  ] as const) {
    for (const of of [prefix, 'a_'.padEnd(Math.max(2, nameBytes - 5), 'x')]) {
      const terms = Object.fromEntries(
        Array.from({ length: topics }, (_unused, index) => [
          `${of}${String(index).padStart(nameBytes - of.length, '0')}`,
          21,
        ]),
      );
      const bootstrapServers = Array.from({ length: brokers }, (_unused, index) => {
        return `${`b-${index}.`.padEnd(hostBytes, 'h')}:65535`;
      });
      const move = moveOf(terms, { operationId: `switchover-${'x'.repeat(48)}`, bootstrapServers });
      const bytes = Buffer.byteLength(JSON.stringify(pointerOf(of, move)));
      expect(bytes).toBeLessThanOrEqual(pointerBytesMax);
      const pointer = text(move, of);
      expect(pointer).toMatchObject({ topics, term: 21 });
      expect(pointer.bootstrapServers.length).toBeGreaterThan(0);
      const named = Object.keys(pointer.terms ?? {}).length;
      expect(named).toBeGreaterThan(0);
      expect(named).toBeLessThanOrEqual(50);
    }
  }
});
