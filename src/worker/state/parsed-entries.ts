import { z } from 'zod';
import { stateTopic } from '../../prefix-policy/internal-names.ts';

interface Parsed {
  readonly text: string;
  readonly schema: z.ZodType;
  /** Goes with the next collection where nobody holds it: most entries are history, and history is seldom asked for. */
  readonly record: WeakRef<object>;
}

/**
 * What the entries of `_umbra` say. Many are asked for at each look, many times between two changes: one that is still in
 * memory is not parsed again, and everybody who asks is given the same object, which nobody can change.
 */
export class ParsedEntries {
  readonly #entries: ReadonlyMap<string, string>;
  readonly #parsed = new Map<string, Parsed>();

  /** `entries` may change at any time. */
  constructor(entries: ReadonlyMap<string, string>) {
    this.#entries = entries;
  }

  /** Throws an Error that names the entry where it does not fit. */
  read<Schema extends z.ZodType>(key: string, schema: Schema): z.output<Schema> | undefined {
    const text = this.#entries.get(key);
    return text === undefined ? undefined : this.#parse(key, text, schema);
  }

  /** Those whose keys begin so, in the order in which they were first written. Throws as {@link read} does. */
  all<Schema extends z.ZodType>(prefix: string, schema: Schema): z.output<Schema>[] {
    return [...this.#entries]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, text]) => this.#parse(key, text, schema));
  }

  /** So many parsed entries are in memory: about as many as there are entries. */
  get kept(): number {
    return this.#parsed.size;
  }

  #parse<Schema extends z.ZodType>(key: string, text: string, schema: Schema): z.output<Schema> {
    const known = this.#parsed.get(key);
    const record = known?.text === text && known.schema === schema ? known.record.deref() : undefined;
    if (record !== undefined) return record as z.output<Schema>;
    const parsed = deepFrozen(parse(key, text, schema));
    if (typeof parsed === 'object' && parsed !== null) {
      this.#parsed.set(key, { text, schema, record: new WeakRef(parsed) });
      if (this.#parsed.size > 2 * this.#entries.size) this.#forgetRemoved();
    }
    return parsed;
  }

  #forgetRemoved(): void {
    for (const key of this.#parsed.keys()) if (!this.#entries.has(key)) this.#parsed.delete(key);
  }
}

function parse<Schema extends z.ZodType>(key: string, text: string, schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new Error(
    `the entry ${key} of ${stateTopic} was written by another version or by somebody else: ${z.prettifyError(parsed.error)}`,
  );
}

/** What is neither a plain object nor an array stays as it is. */
function deepFrozen<T>(value: T): T {
  if (Array.isArray(value) || isPlain(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFrozen(part);
  }
  return value;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
