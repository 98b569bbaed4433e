import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  anyRecord,
  compact,
  config,
  deleteSubject,
  indexOf,
  logOf,
  mode,
  noop,
  schemaKey,
  schemaRecord,
  stateOf,
  tombstone,
} from './schema-log.ts';

const logs = fc.array(anyRecord, { maxLength: 60 }).map(logOf);

describe('the index of a registry log', () => {
  test('says the same of a log and of what a cleaner has left of it, wherever it stood', () => {
    fc.assert(
      fc.property(logs, fc.nat(60), fc.constantFrom('kept', 'removed'), (log, upTo, tombstones) => {
        expect(stateOf(indexOf(compact(log, BigInt(upTo), tombstones)))).toEqual(stateOf(indexOf(log)));
      }),
    );
  });

  test('never throws on what others have written, and counts it', () => {
    const text = fc.option(
      fc.oneof(fc.string(), fc.json(), fc.constant('{"keytype":"SCHEMA","subject":"s","version":1}')),
      {
        nil: undefined,
      },
    );
    fc.assert(
      fc.property(fc.array(fc.record({ key: text, value: text })), (records) => {
        expect(indexOf(logOf(records)).counts.malformed).toBeLessThanOrEqual(records.length);
      }),
    );
  });

  test('counts live subjects, versions, soft deletes and ids', () => {
    const index = indexOf(
      logOf([
        schemaRecord('orders', 1, { id: 1 }),
        schemaRecord('orders', 2, { id: 2 }),
        schemaRecord('users', 1, { id: 1 }),
        schemaRecord('gone', 1, { id: 4 }),
        noop,
        config(undefined, 'NONE'),
        mode('orders', 'READONLY'),
        deleteSubject('users', 1),
        tombstone('gone', 1),
      ]),
    );
    expect(index.counts).toEqual({ subjects: 1, versions: 3, softDeleted: 1, ids: 2, malformed: 0 });
    expect(index.isDeleted('users', 1)).toBe(true);
    expect(index.ids.contexts()).toEqual([{ context: '.', ids: 2, highest: 2, highestSeen: 4 }]);
  });

  test('a version registered after its subject was deleted is not deleted; one with deleted:true is', () => {
    const index = indexOf(
      logOf([
        schemaRecord('orders', 1, { id: 1 }),
        deleteSubject('orders', 2),
        schemaRecord('orders', 2, { id: 2 }),
        schemaRecord('orders', 3, { id: 3, deleted: true }),
      ]),
    );
    expect([1, 2, 3].map((version) => index.isDeleted('orders', version))).toEqual([true, false, true]);
    expect(index.counts).toMatchObject({ subjects: 1, versions: 3, softDeleted: 2 });
  });

  test('ids are per context, and gaps are named', () => {
    const index = indexOf(
      logOf([
        schemaRecord('orders', 1, { id: 2 }),
        schemaRecord('orders', 2, { id: 1003, deleted: true }),
        schemaRecord(':.other:orders', 1, { id: 2, schema: '"another"' }),
      ]),
    );
    expect(index.ids.gaps()).toEqual([
      { context: '.', from: 1, to: 1 },
      { context: '.', from: 3, to: 1002 },
      { context: '.other', from: 1, to: 1 },
    ]);
    expect(index.ids.collisions).toEqual([]);
    expect(index.ids.highestSeen).toBe(1003);
  });

  test('one id for two schemas of a context is a collision, and none any more when one of them is gone', () => {
    const records = [schemaRecord('orders', 1, { id: 1 }), schemaRecord('users', 1, { id: 1, schema: '"other"' })];
    expect(indexOf(logOf(records)).ids.collisions).toMatchObject([{ context: '.', id: 1 }]);
    expect(indexOf(logOf([...records, tombstone('users', 1)])).ids.collisions).toEqual([]);
  });

  test('order of keys and blanks of a JSON schema make no difference, numbers as written and references do', () => {
    const digestOf = (schema: string, more: object = {}): string =>
      indexOf(logOf([schemaRecord('s', 1, { id: 1, schema, more })])).digest();
    expect(digestOf('{"type":"int","a":[1, 2]}')).toBe(digestOf('{ "a": [1,2], "type": "int" }'));
    expect(digestOf('{"default":9007199254740993}')).not.toBe(digestOf('{"default":9007199254740992}'));
    expect(digestOf('["a","b"]')).not.toBe(digestOf('["b","a"]'));
    const reference = { name: 'n', subject: 'other', version: 1 };
    expect(digestOf('{}', { references: [reference] })).not.toBe(digestOf('{}'));
    expect(digestOf('{}', { schemaType: 'JSON' })).not.toBe(digestOf('{}'));
    expect(digestOf('message A {}', { schemaType: 'PROTOBUF' })).not.toBe(
      digestOf('message  A {}', { schemaType: 'PROTOBUF' }),
    );
  });

  test('a schema too deep to be walked is taken as text', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect(indexOf(logOf([schemaRecord('s', 1, { id: 1, schema: deep })])).counts.ids).toBe(1);
  });

  test('malformed records are named with the reason, and forgotten when their key is written anew', () => {
    const wrong = [
      { key: undefined, value: '{}' },
      { key: 'no json', value: '{}' },
      { key: schemaKey('s', 1), value: 'no json' },
      { key: schemaKey('s', 2), value: '{"subject":"s","version":2,"schema":"x"}' },
      { key: schemaKey('s', 3), value: '{"subject":"t","version":3,"id":1,"schema":"x"}' },
    ];
    expect(indexOf(logOf(wrong)).malformed.map(({ key, entry }) => [key.label, entry])).toEqual([
      ['records without key', { kind: 'malformed', why: 'it has no key' }],
      ['the key "no json"', { kind: 'malformed', why: 'its key is no JSON object with a keytype' }],
      ['subject "s" version 1', { kind: 'malformed', why: 'its value is no JSON' }],
      ['subject "s" version 2', { kind: 'malformed', why: 'its value has a wrong id' }],
      ['subject "s" version 3', { kind: 'malformed', why: 'key and value name another subject' }],
    ]);
    expect(indexOf(logOf([...wrong, schemaRecord('s', 1, { id: 1 })])).malformed).toHaveLength(4);
  });

  test('keys are the same however their JSON is ordered: older versions of Karapace order them otherwise', () => {
    const index = indexOf(
      logOf([
        schemaRecord('s', 1, { id: 1 }),
        { key: '{"magic":1,"version":1,"subject":"s","keytype":"SCHEMA"}', value: undefined },
      ]),
    );
    expect(index.counts.versions).toBe(0);
  });

  test('kinds of later versions are carried, not counted as malformed', () => {
    const index = indexOf(logOf([{ key: '{"keytype":"ASSOC","resourceId":"r"}', value: '{"guid":"g"}' }]));
    expect(index.counts.malformed).toBe(0);
    expect([...index.records.values()]).toMatchObject([{ entry: { kind: 'other', keytype: 'ASSOC' } }]);
  });
});
