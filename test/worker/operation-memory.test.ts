import { describe, expect, test } from 'vitest';
import type { CutRecord } from '../../src/operations/cut.ts';
import type { OperationRecord, PartState, Step } from '../../src/operations/operation.ts';
import { type RoleRecord, termSchema } from '../../src/pair/ownership.ts';
import { OperationMemory, operationsKeptMax, partsToForget } from '../../src/worker/state/operation-memory.ts';
import { rememberedEntries } from '../fixtures/state-entries.ts';

const signal = AbortSignal.timeout(60_000);
const at = (second: number): string => new Date(Date.UTC(2026, 0, 2, 0, 0, second)).toISOString();

function operation(number: number, step: Step = { kind: 'done', remarks: [] }): OperationRecord {
  return {
    ...{ id: idOf(number), kind: 'failover', link: 'a-b', to: 'b', topics: 1, planHash: '', step },
    ...{ startedAt: at(number), since: at(number), unconfirmed: true, withoutIdBarrier: false },
  };
}

function idOf(number: number): string {
  return `failover-${String(number).padStart(6, '0')}`;
}

function role(topic: string, term: number): RoleRecord {
  return { topic, home: 'a', primary: 'b', term: termSchema.parse(term) };
}

function cut(topic: string, number: number, term: number): CutRecord {
  return {
    ...{ topic, operation: idOf(number), term, primary: 'b', at: at(number), remarks: [] },
    ...{ sourceTopicId: 'old', topicId: 'new', partitions: [{ offset: '0' }] },
  };
}

/** One topic each, one after the other. */
async function promoted(
  memory: OperationMemory,
  number: number,
  { topic, term = 1 }: { topic: string; term?: number },
) {
  await memory.begin(operation(number, { kind: 'fencing' }), [topic], signal);
  await memory.promote(
    { operation: operation(number), roles: [role(topic, term)], cuts: [cut(topic, number, term)] },
    signal,
  );
}

describe('operations that are over', () => {
  test('are kept as long as a topic is primary by them, however many: a site that was away fences by them alone', async () => {
    const { entries } = rememberedEntries();
    const memory = new OperationMemory(entries);
    const many = operationsKeptMax + 20;
    for (let number = 0; number < many; number++) await promoted(memory, number, { topic: `a_${number}` });
    expect(memory.operations()).toHaveLength(many);
    expect(memory.topicsOf(idOf(0))).toEqual(['a_0']);
  });

  test('are forgotten with the names of their topics when those moved again, all but the newest', async () => {
    const { entries, keys } = rememberedEntries();
    const memory = new OperationMemory(entries);
    for (let number = 0; number < 3 * operationsKeptMax; number++)
      await promoted(memory, number, { topic: 'a_orders', term: number + 1 });
    expect(memory.operations().map(({ id }) => id)).toContain(idOf(3 * operationsKeptMax - 1));
    expect(memory.operations()).toHaveLength(operationsKeptMax);
    expect(keys().filter((key) => key.startsWith('operation-topics/'))).toHaveLength(operationsKeptMax);
  });
});

test('that a copy was level is forgotten when it is no copy any more', async () => {
  const { entries, keys } = rememberedEntries();
  const memory = new OperationMemory(entries);
  await memory.putLevel([{ topic: 'a_orders', copyTopicId: 'new' }], signal);
  await promoted(memory, 1, { topic: 'a_orders' });
  expect(keys().filter((key) => key.startsWith('level/'))).toEqual([]);
});

describe('a part in an operation', () => {
  const part = (number: number, state: PartState) => ({
    operation: idOf(number),
    link: 'a-b',
    state,
    since: at(number),
  });
  const enough = Array.from({ length: operationsKeptMax }, (_, index) => operation(index + 10));

  test('is forgotten when it is over and its coordinator has forgotten the operation', () => {
    const parts = [part(1, 'returned'), part(2, 'restored'), part(3, 'reversed'), part(11, 'returned')];
    expect(partsToForget({ parts, operations: enough })).toEqual([idOf(1), idOf(2), idOf(3)]);
  });

  test('is kept while it is not over, and where the list of operations may not be whole', () => {
    expect(partsToForget({ parts: [part(1, 'sealed'), part(2, 'fencing')], operations: enough })).toEqual([]);
    expect(partsToForget({ parts: [part(1, 'returned')], operations: enough.slice(1) })).toEqual([]);
    expect(partsToForget({ parts: [part(1, 'returned')], operations: [] })).toEqual([]);
  });

  test('goes from `_umbra`', async () => {
    const { entries, keys } = rememberedEntries();
    const memory = new OperationMemory(entries);
    for (const number of [1, 2]) await memory.putPart(part(number, 'returned'), signal);
    await memory.forgetParts([idOf(1)], signal);
    expect(keys()).toEqual([`part/${idOf(2)}`]);
  });
});
