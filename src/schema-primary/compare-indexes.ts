import type { IndexedRecord, SchemaIndex } from './schema-index.ts';

/** How far both logs are read: everything below is in the index. The copy may be behind; it must not be ahead. */
export interface ReadPositions {
  readonly primary: bigint;
  readonly standby: bigint;
}

/** A key about which the two logs say different things although the copy has passed the place. */
export interface SchemaDifference {
  readonly kind: 'missing' | 'different' | 'extra';
  /** What the key is, in words. */
  readonly label: string;
  readonly primary: DifferentSide | undefined;
  readonly standby: DifferentSide | undefined;
  /** One line: what is different and what it means. */
  readonly explanation: string;
}

export interface DifferentSide {
  readonly offset: bigint;
  /** Of a version. */
  readonly id: number | undefined;
  readonly subject: string | undefined;
  readonly version: number | undefined;
}

export interface SchemaComparison {
  /** In order of their offsets. */
  readonly differences: readonly SchemaDifference[];
  /** Keys whose newest record the copy has not reached. */
  readonly behind: number;
}

interface Unequal {
  /** The difference counts as soon as the copy is read up to here; undefined until it was compared once. */
  due: bigint | undefined;
}

/**
 * Two indexes side by side. Costs what has changed: whoever applies a record says so, and only keys that are unequal are
 * looked at again.
 */
export class IndexComparison {
  readonly #primary: SchemaIndex;
  readonly #standby: SchemaIndex;
  readonly #unequal = new Map<string, Unequal>();

  constructor(primary: SchemaIndex, standby: SchemaIndex) {
    this.#primary = primary;
    this.#standby = standby;
    for (const name of [...primary.records.keys(), ...standby.records.keys()]) this.changed(name);
  }

  /** To be called with the name of every key of which a record was applied to either index. */
  changed(name: string): void {
    const primary = this.#primary.record(name);
    const standby = this.#standby.record(name);
    if (same(primary, standby)) this.#unequal.delete(name);
    else this.#unequal.set(name, { due: undefined });
  }

  /**
   * What differs now. Each call has to come after a new look at the primary, and that after the look at the standby: what
   * the standby has, the primary must have by then. A key that the primary's log does not show may have been cleaned while
   * it was read, because of a record that only the next look shows: it counts from the second call on.
   */
  compare(read: ReadPositions): SchemaComparison {
    const differences: SchemaDifference[] = [];
    let behind = 0;
    for (const [name, unequal] of this.#unequal) {
      const primary = this.#primary.record(name);
      const standby = this.#standby.record(name);
      const first = unequal.due === undefined;
      // Without a record the primary has deleted the key, somewhere below where it is read to.
      unequal.due ??= primary === undefined ? read.primary : primary.offset + 1n;
      if (read.standby < unequal.due || (first && primary === undefined)) behind += 1;
      else differences.push(difference(primary, standby));
    }
    differences.sort(byPlace);
    return { differences, behind };
  }
}

function same(primary: IndexedRecord | undefined, standby: IndexedRecord | undefined): boolean {
  if (primary === undefined || standby === undefined) return primary === standby;
  return primary.offset === standby.offset && primary.fingerprint === standby.fingerprint;
}

function difference(primary: IndexedRecord | undefined, standby: IndexedRecord | undefined): SchemaDifference {
  const common = {
    label: (primary ?? standby)?.key.label ?? '',
    primary: sideOf(primary),
    standby: sideOf(standby),
  };
  if (primary === undefined) return { kind: 'extra', ...common, explanation: explainExtra(standby) };
  if (standby === undefined) return { kind: 'missing', ...common, explanation: explainMissing(primary) };
  return { kind: 'different', ...common, explanation: explainDifferent(primary, standby) };
}

function sideOf(record: IndexedRecord | undefined): DifferentSide | undefined {
  if (record === undefined) return undefined;
  const { entry, offset } = record;
  if (entry.kind !== 'schema') return { offset, id: undefined, subject: undefined, version: undefined };
  return { offset, id: entry.id, subject: entry.subject, version: entry.version };
}

function explainMissing({ key, offset, entry }: IndexedRecord): string {
  const id = entry.kind === 'schema' ? ` (id ${entry.id})` : '';
  const effect = entry.kind === 'schema' ? '; records that name this id cannot be read at the standby' : '';
  return `${key.label}${id} stands at offset ${offset} of the primary and not in the copy, which is read beyond it${effect}`;
}

function explainExtra(record: IndexedRecord | undefined): string {
  if (record === undefined) return '';
  const { key, offset, entry } = record;
  const id = entry.kind === 'schema' ? ` (id ${entry.id})` : '';
  return (
    `${key.label}${id} stands at offset ${offset} of the copy and no longer in the log of the primary: somebody wrote to the copy, ` +
    `or the deletion was compacted away at the primary before it was copied (delete.retention.ms)`
  );
}

function explainDifferent(primary: IndexedRecord, standby: IndexedRecord): string {
  const { label } = primary.key;
  const [left, right] = [primary.entry, standby.entry];
  if (primary.fingerprint === standby.fingerprint) {
    return `${label} says the same at both sites but at other offsets: ${primary.offset} at the primary, ${standby.offset} in the copy`;
  }
  if (left.kind !== 'schema' || right.kind !== 'schema') return `${label} has another value in the copy`;
  if (left.id !== right.id) return `${label} has the id ${left.id} at the primary and ${right.id} in the copy`;
  if (left.digest !== right.digest) return `the id ${left.id} of ${label} stands for another schema in the copy`;
  return `${label} (id ${left.id}) is ${left.deleted ? 'deleted' : 'not deleted'} at the primary and ${right.deleted ? 'deleted' : 'not deleted'} in the copy`;
}

function byPlace(left: SchemaDifference, right: SchemaDifference): number {
  return Number(offsetOf(left) - offsetOf(right)) || (left.label < right.label ? -1 : 1);
}

function offsetOf({ primary, standby }: SchemaDifference): bigint {
  return primary?.offset ?? standby?.offset ?? 0n;
}
