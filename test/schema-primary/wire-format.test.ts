import { describe, expect, test } from 'vitest';
import { judgeSchema, schemaIdOf, schemasOf } from '../../src/schema-primary/wire-format.ts';
import { indexOf, logOf, schemaRecord } from './schema-log.ts';

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const guid = '89791762233641869674299b90a802e2';

describe('how records name their schema', () => {
  test('a zero byte and four bytes of id at the beginning of key or value', () => {
    expect(schemaIdOf(bytes(0, 0, 0, 1, 2, 99))).toEqual({ kind: 'id', id: 258 });
    for (const other of [null, bytes(), bytes(0, 0, 0, 1), bytes(1, 0, 0, 0, 1)])
      expect(schemaIdOf(other)).toBeUndefined();
    expect(schemasOf({ key: bytes(0, 0, 0, 0, 1), value: bytes(0, 0, 0, 0, 2), headers: [] })).toEqual([
      { kind: 'id', id: 1 },
      { kind: 'id', id: 2 },
    ]);
  });

  test('the same bytes inside of a larger buffer', () => {
    expect(schemaIdOf(bytes(9, 9, 0, 0, 0, 0, 7).subarray(2))).toEqual({ kind: 'id', id: 7 });
  });

  test('a header with a one byte and the GUID, before the payload', () => {
    const header: [Buffer, Buffer] = [
      Buffer.from('__value_schema_id'),
      Buffer.concat([bytes(1), Buffer.from(guid, 'hex')]),
    ];
    expect(schemasOf({ key: null, value: bytes(0, 0, 0, 0, 2), headers: [header] })).toEqual([{ kind: 'guid', guid }]);
    const cut: [Buffer, Buffer] = [Buffer.from('__value_schema_id'), bytes(1, 2, 3)];
    expect(schemasOf({ key: null, value: bytes(0, 0, 0, 0, 2), headers: [cut] })).toEqual([{ kind: 'id', id: 2 }]);
  });

  test('an id that only the primary names is waiting; one just above is unknown; far above it is none', () => {
    const primary = indexOf(logOf([schemaRecord('s', 1, { id: 1 }), schemaRecord('s', 2, { id: 2 })])).ids;
    const standby = indexOf(logOf([schemaRecord('s', 1, { id: 1 })])).ids;
    const judge = (id: number): string => judgeSchema({ kind: 'id', id }, primary, standby);
    expect([1, 2, 3, 1002, 1003, 0, -5].map(judge)).toEqual([
      'known',
      'waiting',
      'unknown',
      'unknown',
      'no-id',
      'no-id',
      'no-id',
    ]);
  });

  test('the GUID of a schema is the one its registry wrote, or the MD5 of its text and references', () => {
    const md5 = Buffer.from(guid, 'hex').toString('base64');
    const written = indexOf(logOf([schemaRecord('s', 1, { id: 1, more: { md5 } })])).ids;
    expect(judgeSchema({ kind: 'guid', guid }, written, written)).toBe('known');
    // md5sum of: "string"
    const computed = indexOf(logOf([schemaRecord('s', 1, { id: 1, schema: '"string"' })])).ids;
    const own = { kind: 'guid', guid: '095d71cf12556b9d5e330ad575b3df5d' } as const;
    expect(judgeSchema(own, computed, computed)).toBe('known');
    expect(judgeSchema({ kind: 'guid', guid }, computed, computed)).toBe('unknown');
  });
});
