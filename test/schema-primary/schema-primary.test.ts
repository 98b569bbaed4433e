import { describe, expect, it } from 'vitest';
import { flowsSchemas, schemaPrimarySchema, schemasTopic } from '../../src/schema-primary/schema-primary.ts';

describe('the schema primary', () => {
  it('lets exactly one of the two sites send its schemas', () => {
    for (const site of ['a', 'b'] as const) {
      expect((['a', 'b'] as const).filter((from) => flowsSchemas({ site }, from))).toEqual([site]);
    }
  });

  it('lets no schemas flow while nobody declared it', () => {
    expect(flowsSchemas(undefined, 'a')).toBe(false);
    expect(flowsSchemas(undefined, 'b')).toBe(false);
  });

  it('speaks of the topic that registries write', () => {
    expect(schemasTopic).toBe('_schemas');
  });

  it('is refused when it names no site, an unknown one, or more than one', () => {
    for (const wrong of [{}, { site: 'c' }, { site: ['a', 'b'] }, { site: 'a', also: 'b' }, 'a']) {
      expect(schemaPrimarySchema.safeParse(wrong).success).toBe(false);
    }
    expect(schemaPrimarySchema.safeParse({ site: 'c' }).error?.issues[0]).toMatchObject({
      path: ['site'],
      message: 'must be "a" or "b"',
    });
  });
});
