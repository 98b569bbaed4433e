import { z } from 'zod';

/**
 * Which site may register schemas. Schema ids are handed out by one writer of one log: if both sites' `_schemas`
 * flowed, the same id would name two schemas. So exactly one site's `_schemas` is copied, the other holds the copy.
 */
export const schemaPrimarySchema = z.strictObject({
  site: z.enum(['a', 'b'], { error: 'must be "a" or "b"' }),
});

export type SchemaPrimary = z.output<typeof schemaPrimarySchema>;

/** The log of the schema registry: a compacted topic of one partition. */
export const schemasTopic = '_schemas';

/**
 * Whether `_schemas` may be copied by the link that leaves `from`.
 * Without a declared schema primary it flows nowhere: nobody has said which site's ids are right.
 */
export function flowsSchemas(primary: SchemaPrimary | undefined, from: SchemaPrimary['site']): boolean {
  return primary?.site === from;
}
