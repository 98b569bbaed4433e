/**
 * The format of the log that Confluent's registry and Karapace keep: JSON keys with a `keytype`, JSON values, null values
 * as deletions. The log belongs to others and grows with their versions, so nothing here throws: what is not understood
 * becomes an entry that says so. Source: the storage classes of both registries (Confluent 8.4, Karapace 6.2).
 */
import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';

/** One record of the log, decoded as UTF-8. */
export interface SchemaLogRecord {
  readonly offset: bigint;
  /** Absent: a compacted topic refuses it, another one does not. */
  readonly key: string | undefined;
  /** Absent: a tombstone, the key is deleted. */
  readonly value: string | undefined;
}

export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** What the newest record of a key says. */
export type SchemaLogEntry =
  | SchemaVersionEntry
  /** Soft delete: the versions up to `upTo` that were registered before it are deleted, and still answered by id. */
  | { readonly kind: 'delete-subject'; readonly subject: string; readonly upTo: number }
  /** Without subject: of all subjects. */
  | { readonly kind: 'config'; readonly subject: string | undefined; readonly compatibility: string | undefined }
  | { readonly kind: 'mode'; readonly subject: string | undefined; readonly mode: string }
  /** Kinds that change no schema (NOOP, CONTEXT, CLEAR_SUBJECT, ASSOC), and those of later versions. */
  | { readonly kind: 'other'; readonly keytype: string }
  | { readonly kind: 'malformed'; readonly why: string };

export interface SchemaVersionEntry {
  readonly kind: 'schema';
  /** With its context, as registered. */
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  /** AVRO, JSON, PROTOBUF, or what a plug-in of the registry calls its own. */
  readonly schemaType: string;
  /** As registered. */
  readonly schema: string;
  readonly references: readonly SchemaReference[];
  /** Canonical JSON of what is part of the schema beside its text; undefined where there is none. */
  readonly metadata: string | undefined;
  readonly ruleSet: string | undefined;
  /** The registry's own hash of all this, where it wrote one: 16 bytes in base 64. */
  readonly md5: string | undefined;
  /** Deleted by this very record; a `delete-subject` may do it too. */
  readonly deleted: boolean;
}

/** Identity of a key, however its JSON is ordered or spaced, and how it is called in messages. */
export interface SchemaLogKey {
  readonly name: string;
  readonly label: string;
}

/** Kinds of records that mean something here; all others are carried as they are. */
const subjectKinds = ['CONFIG', 'MODE', 'DELETE_SUBJECT', 'CLEAR_SUBJECT'] as const;
const idMax = 2 ** 31 - 1;
const version = z.int().min(1).max(idMax);

const keySchema = z.looseObject({ keytype: z.string().min(1) });
const schemaKeySchema = z.looseObject({ subject: z.string(), version });
const subjectKeySchema = z.looseObject({ subject: z.string().nullish() });

const schemaValueSchema = z.looseObject({
  subject: z.string(),
  version,
  id: z.int().min(0).max(idMax),
  schema: z.string(),
  schemaType: z.string().nullish(),
  references: z.array(z.looseObject({ name: z.string(), subject: z.string(), version: z.int() })).nullish(),
  metadata: z.unknown().optional(),
  ruleSet: z.unknown().optional(),
  md5: z.string().nullish(),
  deleted: z.boolean().nullish(),
});
const deleteValueSchema = z.looseObject({ subject: z.string(), version });
const modeValueSchema = z.looseObject({ mode: z.string() });
const configValueSchema = z.looseObject({ compatibilityLevel: z.string().nullish() });

interface ParsedKey extends SchemaLogKey {
  readonly keytype: string | undefined;
  readonly subject: string | undefined;
  readonly version: number | undefined;
  /** Why it is no key of this format. */
  readonly wrong: string | undefined;
}

export interface ParsedRecord {
  readonly key: SchemaLogKey;
  /** Undefined for a deletion. */
  readonly entry: SchemaLogEntry | undefined;
}

export function parseRecord({ key: keyText, value }: SchemaLogRecord): ParsedRecord {
  const key = parseKey(keyText);
  if (value === undefined) return { key, entry: undefined };
  if (key.wrong !== undefined) return { key, entry: { kind: 'malformed', why: key.wrong } };
  return { key, entry: parseEntry(key, value) };
}

function parseKey(text: string | undefined): ParsedKey {
  const none = { keytype: undefined, subject: undefined, version: undefined };
  if (text === undefined) return { ...none, name: 'no key', label: 'records without key', wrong: 'it has no key' };
  const bare = { ...none, name: `raw ${text}`, label: `the key ${shorten(text)}` };
  const json = parseJson(text);
  const common = keySchema.safeParse(json);
  if (!common.success) return { ...bare, wrong: 'its key is no JSON object with a keytype' };
  const { keytype } = common.data;
  if (keytype === 'SCHEMA') {
    const parsed = schemaKeySchema.safeParse(json);
    if (!parsed.success) return { ...bare, wrong: `its key has a wrong ${fieldOf(parsed.error)}` };
    const { subject } = parsed.data;
    const label = `subject ${JSON.stringify(subject)} version ${parsed.data.version}`;
    const name = nameOf(keytype, subject, parsed.data.version);
    return { keytype, subject, version: parsed.data.version, name, label, wrong: undefined };
  }
  if (!subjectKinds.some((kind) => kind === keytype)) return { ...bare, keytype, wrong: undefined };
  const parsed = subjectKeySchema.safeParse(json);
  if (!parsed.success) return { ...bare, wrong: `its key has a wrong ${fieldOf(parsed.error)}` };
  const subject = parsed.data.subject ?? undefined;
  const label = `${keytype} of ${subject === undefined ? 'all subjects' : `subject ${JSON.stringify(subject)}`}`;
  return { keytype, subject, version: undefined, name: nameOf(keytype, subject), label, wrong: undefined };
}

/** Key of a version in an index. */
export function versionName(subject: string, number: number): string {
  return nameOf('SCHEMA', subject, number);
}

function nameOf(...parts: readonly (string | number | undefined)[]): string {
  return JSON.stringify(parts.map((part) => part ?? null));
}

function parseEntry(key: ParsedKey, text: string): SchemaLogEntry {
  const json = parseJson(text);
  if (json === undefined) return { kind: 'malformed', why: 'its value is no JSON' };
  switch (key.keytype) {
    case 'SCHEMA':
      return parseSchema(key, json);
    case 'DELETE_SUBJECT': {
      const parsed = deleteValueSchema.safeParse(json);
      if (!parsed.success) return wrongValue(parsed.error);
      if (parsed.data.subject !== key.subject) return contradiction('subject');
      return { kind: 'delete-subject', subject: parsed.data.subject, upTo: parsed.data.version };
    }
    case 'CONFIG': {
      const parsed = configValueSchema.safeParse(json);
      if (!parsed.success) return wrongValue(parsed.error);
      return { kind: 'config', subject: key.subject, compatibility: parsed.data.compatibilityLevel ?? undefined };
    }
    case 'MODE': {
      const parsed = modeValueSchema.safeParse(json);
      return parsed.success ? { kind: 'mode', subject: key.subject, mode: parsed.data.mode } : wrongValue(parsed.error);
    }
    default:
      return { kind: 'other', keytype: key.keytype ?? 'none' };
  }
}

function parseSchema(key: ParsedKey, json: unknown): SchemaLogEntry {
  const parsed = schemaValueSchema.safeParse(json);
  if (!parsed.success) return wrongValue(parsed.error);
  const { data } = parsed;
  if (data.subject !== key.subject) return contradiction('subject');
  if (data.version !== key.version) return contradiction('version');
  return {
    kind: 'schema',
    subject: data.subject,
    version: data.version,
    id: data.id,
    schemaType: data.schemaType ?? 'AVRO',
    schema: data.schema,
    references: (data.references ?? []).map(({ name, subject, version: number }) => ({
      name,
      subject,
      version: number,
    })),
    metadata: besides(data.metadata),
    ruleSet: besides(data.ruleSet),
    md5: data.md5 ?? undefined,
    deleted: data.deleted ?? false,
  };
}

function besides(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : canonicalJson(JSON.stringify(value));
}

function wrongValue(error: z.ZodError): SchemaLogEntry {
  return { kind: 'malformed', why: `its value has a wrong ${fieldOf(error)}` };
}

function contradiction(field: string): SchemaLogEntry {
  return { kind: 'malformed', why: `key and value name another ${field}` };
}

function fieldOf({ issues: [issue] }: z.ZodError): string {
  return issue === undefined || issue.path.length === 0 ? 'form' : issue.path.map(String).join('.');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const shownMax = 120;

function shorten(text: string): string {
  return JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);
}
