import { canonicalJson } from './canonical-json.ts';
import { IdTable } from './id-table.ts';
import {
  parseRecord,
  type SchemaLogEntry,
  type SchemaLogKey,
  type SchemaLogRecord,
  type SchemaVersionEntry,
  versionName,
} from './log-entry.ts';
import { type Hashes, schemaDigest, schemaGuid } from './schema-digest.ts';
import { qualify } from './subject.ts';
import { SubjectTable } from './subject-table.ts';

/** A registered version without its text. */
export interface IndexedVersion {
  readonly kind: 'schema';
  readonly subject: string;
  readonly version: number;
  readonly context: string;
  readonly id: number;
  readonly schemaType: string;
  readonly references: SchemaVersionEntry['references'];
  readonly digest: string;
  readonly guid: string | undefined;
  readonly deleted: boolean;
}

/** The newest record of one key. */
export interface IndexedRecord {
  readonly key: SchemaLogKey;
  readonly offset: bigint;
  /** Equal for records that say the same. */
  readonly fingerprint: string;
  readonly entry: Exclude<SchemaLogEntry, SchemaVersionEntry> | IndexedVersion;
}

/** What a log says, in numbers. */
export interface SchemaCounts {
  readonly subjects: number;
  readonly versions: number;
  /** Of these, soft-deleted ones: their ids are still answered. */
  readonly softDeleted: number;
  readonly ids: number;
  readonly malformed: number;
}

/**
 * What a registry's log says, folded record by record: for each key its newest record. It is what the log says after
 * the cleaner has been through it as well as before, since nothing here depends on records that a later one of the same
 * key has replaced. (A registry that runs for long may know more: it remembers deletions that were overwritten.)
 *
 * Not modelled: CLEAR_SUBJECT. The registry deletes every version that it would clear by a tombstone before it writes it.
 */
export class SchemaIndex {
  readonly #hashes: Hashes;
  readonly #records = new Map<string, IndexedRecord>();
  readonly #subjects = new SubjectTable();
  readonly ids = new IdTable();
  readonly #malformed = new Map<string, IndexedRecord>();
  #digest: string | undefined;

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
  }

  /** Takes the next record of the log; answers the name of its key. Never throws on what others have written. */
  apply(record: SchemaLogRecord): string {
    const { key, entry } = parseRecord(record);
    const before = this.#records.get(key.name);
    if (before !== undefined) this.#forget(before);
    if (entry !== undefined) this.#remember(this.#indexed(key, entry, record));
    return key.name;
  }

  record(name: string): IndexedRecord | undefined {
    return this.#records.get(name);
  }

  version(subject: string, version: number): IndexedRecord | undefined {
    return this.#records.get(versionName(subject, version));
  }

  get records(): ReadonlyMap<string, IndexedRecord> {
    return this.#records;
  }

  /** Records of which something could not be understood, in order of their offsets. */
  get malformed(): readonly IndexedRecord[] {
    return [...this.#malformed.values()].sort((left, right) => Number(left.offset - right.offset));
  }

  get counts(): SchemaCounts {
    const { subjects, versions, softDeleted } = this.#subjects;
    return { subjects, versions, softDeleted, ids: this.ids.size, malformed: this.#malformed.size };
  }

  /** Whether the version is deleted softly, by its own record or by one for its subject. */
  isDeleted(subject: string, version: number): boolean {
    return this.#subjects.isDeleted(subject, version);
  }

  /** One hash over `id → digest` of all contexts: equal for two logs whose ids stand for the same schemas. */
  digest(): string {
    this.#digest ??= this.#hashes.sha256(this.ids.lines().join('\n'));
    return this.#digest;
  }

  #indexed(key: SchemaLogKey, entry: SchemaLogEntry, { offset, value = '' }: SchemaLogRecord): IndexedRecord {
    if (entry.kind !== 'schema') {
      const fingerprint = this.#hashes.sha256(canonicalJson(value) ?? value);
      return { key, offset, fingerprint, entry };
    }
    const { subject, version, id, schemaType, references, deleted } = entry;
    const digest = schemaDigest(entry, this.#hashes);
    return {
      key,
      offset,
      fingerprint: JSON.stringify([id, digest, deleted]),
      entry: {
        kind: 'schema',
        subject,
        version,
        context: qualify(subject).context,
        id,
        schemaType,
        references,
        digest,
        guid: schemaGuid(entry, this.#hashes),
        deleted,
      },
    };
  }

  #remember(record: IndexedRecord): void {
    const { entry, key, offset } = record;
    this.#records.set(key.name, record);
    if (entry.kind === 'malformed') this.#malformed.set(key.name, record);
    if (entry.kind === 'delete-subject') this.#subjects.deletedUpTo(entry.subject, { upTo: entry.upTo, offset });
    if (entry.kind !== 'schema') return;
    this.#subjects.add(entry, offset);
    this.ids.add(entry);
    this.#digest = undefined;
  }

  #forget({ entry, key }: IndexedRecord): void {
    this.#records.delete(key.name);
    this.#malformed.delete(key.name);
    if (entry.kind === 'delete-subject') this.#subjects.deletedUpTo(entry.subject, undefined);
    if (entry.kind !== 'schema') return;
    this.#subjects.remove(entry);
    this.ids.remove(entry);
    this.#digest = undefined;
  }
}
