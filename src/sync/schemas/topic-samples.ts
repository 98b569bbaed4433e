import type { IdTable } from '../../schema-primary/id-table.ts';
import { judgeSchema, type NamedSchema, type SchemaVerdict } from '../../schema-primary/wire-format.ts';

/** Schemas that are not here, of one topic, as far as samples show. */
export interface TopicSamplesView {
  readonly topic: string;
  /** Sampled records that name one of them. */
  readonly records: number;
  readonly schemas: readonly MissingSchemaView[];
}

export interface MissingSchemaView {
  /** The id in digits, or the GUID. */
  readonly schema: string;
  /** `waiting`: registered at the primary, not here yet. `unknown`: neither site's log shows it. */
  readonly verdict: 'waiting' | 'unknown';
  readonly records: number;
  /** ISO 8601. */
  readonly firstSeenAt: string;
}

interface Missing {
  readonly named: NamedSchema;
  readonly firstSeenAt: Date;
  records: number;
}

/** Of one topic so many schemas are named; more are only counted. */
export const schemasPerTopicMax = 50;

/** What samples of one topic have shown since the start. */
export class TopicSamples {
  readonly topic: string;
  sampled = 0;
  named = 0;
  waiting = 0;
  unknown = 0;
  readonly #missing = new Map<string, Missing>();

  constructor(topic: string) {
    this.topic = topic;
  }

  /** One record, with the schemas that it names. */
  add(judged: readonly (readonly [NamedSchema, SchemaVerdict])[], now: Date): void {
    this.sampled += 1;
    const verdicts = new Set(judged.map(([, verdict]) => verdict));
    if (['known', 'waiting', 'unknown'].some((verdict) => verdicts.has(verdict as SchemaVerdict))) this.named += 1;
    if (verdicts.has('waiting')) this.waiting += 1;
    if (verdicts.has('unknown')) this.unknown += 1;
    for (const [named, verdict] of judged) if (verdict === 'waiting' || verdict === 'unknown') this.#note(named, now);
  }

  /** Those that are missing still; undefined when all have arrived. Forgets the others. */
  open(primary: IdTable, here: IdTable): TopicSamplesView | undefined {
    const schemas: MissingSchemaView[] = [];
    for (const [schema, { named, records, firstSeenAt }] of this.#missing) {
      const verdict = judgeSchema(named, primary, here);
      if (verdict === 'waiting' || verdict === 'unknown') {
        schemas.push({ schema, verdict, records, firstSeenAt: firstSeenAt.toISOString() });
      } else this.#missing.delete(schema);
    }
    if (schemas.length === 0) return undefined;
    return { topic: this.topic, records: schemas.reduce((sum, { records }) => sum + records, 0), schemas };
  }

  #note(named: NamedSchema, now: Date): void {
    const schema = textOf(named);
    const known = this.#missing.get(schema);
    if (known !== undefined) known.records += 1;
    else if (this.#missing.size < schemasPerTopicMax) {
      this.#missing.set(schema, { named, firstSeenAt: now, records: 1 });
    }
  }
}

function textOf(named: NamedSchema): string {
  switch (named.kind) {
    case 'id':
      return String(named.id);
    case 'guid':
      return named.guid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
}
