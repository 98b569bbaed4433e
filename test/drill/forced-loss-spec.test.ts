import { expect, test } from 'vitest';
import { drillLevels } from '../../src/drill/level.ts';
import { drillSpecSchema } from '../../src/drill/drill-spec.ts';

const l6 = { name: 'lost', level: 'L6', site: 'b', topics: ['a_orders'] };

function refusals(spec: object): readonly string[] {
  return drillSpecSchema.safeParse(spec).error?.issues.map(({ path }) => path.join('.')) ?? [];
}

test('a forced loss is taken with what it may lose and what becomes of it', () => {
  expect(refusals(l6)).toEqual([]);
  for (const tail of ['discard', 'export', 'replay'])
    expect(refusals({ ...l6, tail, objectives: { rpoRecords: 500 } })).toEqual([]);
});

test('a forced loss names its topics, comes home, and says nothing else of tails', () => {
  expect(refusals({ ...l6, topics: undefined })).toEqual(['topics']);
  expect(refusals({ ...l6, returnTo: 'stay' })).toEqual(['returnTo']);
  expect(refusals({ ...l6, tail: 'merge' })).toEqual(['tail']);
});

test('no other level has tails, or may lose a record', () => {
  for (const level of drillLevels.filter((each) => each !== 'L6')) {
    const topics = level === 'L4' ? { topics: ['a_orders'] } : {};
    const spec = { name: 'other', level, site: 'b', ...topics };
    expect(refusals(spec), level).toEqual([]);
    expect(refusals({ ...spec, tail: 'discard' }), level).toEqual(['tail']);
    expect(refusals({ ...spec, objectives: { rpoRecords: 1 } }), level).toEqual(['objectives.rpoRecords']);
  }
});
