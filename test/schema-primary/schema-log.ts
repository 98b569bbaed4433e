import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type SchemaLogRecord } from '../../src/schema-primary/log-entry.ts';
import { type Hashes } from '../../src/schema-primary/schema-digest.ts';
import { SchemaIndex } from '../../src/schema-primary/schema-index.ts';

export const hashes: Hashes = {
  sha256: (text) => createHash('sha256').update(text).digest('hex'),
  md5: (bytes) => createHash('md5').update(bytes).digest('hex'),
};

export interface KeyValue {
  readonly key: string | undefined;
  readonly value: string | undefined;
}

export function schemaKey(subject: string, version: number): string {
  return JSON.stringify({ keytype: 'SCHEMA', subject, version, magic: 1 });
}

export interface SchemaText {
  readonly id: number;
  readonly schema?: string;
  readonly deleted?: boolean;
  readonly more?: object;
}

export function schemaRecord(
  subject: string,
  version: number,
  { id, schema = `"schema ${id}"`, deleted = false, more = {} }: SchemaText,
): KeyValue {
  return {
    key: schemaKey(subject, version),
    value: JSON.stringify({ subject, version, id, schema, deleted, ...more }),
  };
}

export function tombstone(subject: string, version: number): KeyValue {
  return { key: schemaKey(subject, version), value: undefined };
}

export function deleteSubject(subject: string, version: number): KeyValue {
  return {
    key: JSON.stringify({ keytype: 'DELETE_SUBJECT', subject, magic: 0 }),
    value: JSON.stringify({ subject, version }),
  };
}

export function config(subject: string | undefined, compatibilityLevel: string): KeyValue {
  const key = { keytype: 'CONFIG', ...(subject === undefined ? {} : { subject }), magic: 0 };
  return { key: JSON.stringify(key), value: JSON.stringify({ compatibilityLevel }) };
}

export function mode(subject: string | undefined, value: string): KeyValue {
  const key = { keytype: 'MODE', ...(subject === undefined ? {} : { subject }), magic: 0 };
  return { key: JSON.stringify(key), value: JSON.stringify({ mode: value }) };
}

export const noop: KeyValue = { key: '{"keytype":"NOOP","magic":0}', value: undefined };

/** With offsets from 0. */
export function logOf(records: readonly KeyValue[]): readonly SchemaLogRecord[] {
  return records.map((record, index) => ({ offset: BigInt(index), ...record }));
}

export function indexOf(log: Iterable<SchemaLogRecord>): SchemaIndex {
  const index = new SchemaIndex(hashes);
  for (const record of log) index.apply(record);
  return index;
}

/** What a cleaner leaves: of each key the last record below `upTo`; tombstones may go too. */
export function compact(
  log: readonly SchemaLogRecord[],
  upTo: bigint,
  tombstones: 'kept' | 'removed',
): readonly SchemaLogRecord[] {
  const last = new Map<string | undefined, bigint>();
  for (const { key, offset } of log) last.set(key, offset);
  return log.filter(
    ({ key, value, offset }) =>
      offset >= upTo || (last.get(key) === offset && (value !== undefined || tombstones === 'kept')),
  );
}

/** Few subjects, versions and ids, so that records of one log meet; with things that no registry wrote. */
export const anyRecord: fc.Arbitrary<KeyValue> = (() => {
  const subject = fc.constantFrom('orders', 'a_users-value', ':.other:orders', '');
  const version = fc.integer({ min: 1, max: 4 });
  const schema = fc
    .tuple(
      subject,
      version,
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom('"a"', '{"b": 1}', 'message M {}'),
      fc.boolean(),
    )
    .map(([name, number, id, text, deleted]) => schemaRecord(name, number, { id, schema: text, deleted }));
  const level = fc.constantFrom('NONE', 'BACKWARD');
  const scope = fc.option(subject, { nil: undefined });
  return fc.oneof(
    { weight: 6, arbitrary: schema },
    { weight: 2, arbitrary: fc.tuple(subject, version).map(([name, number]) => tombstone(name, number)) },
    { weight: 2, arbitrary: fc.tuple(subject, version).map(([name, number]) => deleteSubject(name, number)) },
    { weight: 1, arbitrary: fc.tuple(scope, level).map(([name, value]) => config(name, value)) },
    { weight: 1, arbitrary: fc.tuple(scope, level).map(([name, value]) => mode(name, value)) },
    { weight: 1, arbitrary: fc.constant(noop) },
    {
      weight: 2,
      arbitrary: fc.record({
        key: fc.constantFrom(
          undefined,
          '',
          '7',
          'nonsense',
          '{"keytype":"SCHEMA"}',
          '{"keytype":"WAT","x":1}',
          schemaKey('orders', 1),
        ),
        value: fc.constantFrom(undefined, '', '{}', 'nonsense', '{"subject":"orders","version":2,"id":1,"schema":"s"}'),
      }),
    },
  );
})();

/** Everything an index says of the log as it stands. */
export function stateOf(index: SchemaIndex): unknown {
  return {
    records: [...index.records.entries()].sort(([left], [right]) => (left < right ? -1 : 1)),
    counts: index.counts,
    digest: index.digest(),
    gaps: index.ids.gaps(),
    collisions: index.ids.collisions,
    contexts: index.ids.contexts().flatMap(({ context, ids, highest }) => (ids > 0 ? [{ context, ids, highest }] : [])),
    malformed: index.malformed,
    deleted: [...index.records.values()]
      .flatMap(({ entry }) =>
        entry.kind === 'schema' && index.isDeleted(entry.subject, entry.version)
          ? [`${entry.subject}/${entry.version}`]
          : [],
      )
      .sort(),
  };
}
