import { expect, test } from 'vitest';
import { drillSpecSchema, lowerLevel } from '../../src/drill/drill-spec.ts';
import { movesRealTopics, movesRoles } from '../../src/drill/level.ts';
import { drillListSchema, needsCanaries } from '../../src/provider/resources/drill-settings.ts';

const spec = { name: 'weekly-rehearsal', level: 'L3', site: 'b' } as const;

test('a rehearsal is declared with the topics whose copies it reads, or without', () => {
  for (const topics of [undefined, 'all', ['a_orders']]) {
    const declared = topics === undefined ? spec : { ...spec, topics };
    expect(drillSpecSchema.parse(declared)).toMatchObject(declared);
    expect(drillListSchema.safeParse([declared]).success).toBe(true);
  }
  expect(drillSpecSchema.safeParse({ ...spec, topics: [] }).success).toBe(false);
  for (const level of ['L0', 'L1', 'L2'])
    expect(drillSpecSchema.safeParse({ ...spec, level, topics: ['a_orders'] }).success).toBe(false);
});

test('it moves nothing, needs no canaries, asks for no pass, and nobody asks for one of it', () => {
  expect(movesRoles('L3') || movesRealTopics('L3') || needsCanaries(spec)).toBe(false);
  expect(lowerLevel.L3).toBeUndefined();
  expect(Object.values(lowerLevel)).not.toContain('L3');
  expect(needsCanaries({ level: 'L2' })).toBe(true);
});
