import { z } from 'zod';

/** Registrations that may be lost together with their records: a registry that gives out more between two copies is rare. */
export const idReserve = 1_000;
export const idReserveMax = 1_000_000;

/**
 * Which site may register schemas. Schema ids are handed out by one writer of one log: if both sites' `_schemas`
 * flowed, the same id would name two schemas. So exactly one site's `_schemas` is copied, the other holds the copy.
 */
export const schemaPrimarySchema = z.strictObject({
  site: z.enum(['a', 'b'], { error: 'must be "a" or "b"' }),
  /** How far above the highest id that was seen ids go on after a failover (`id-leap.ts`). Default {@link idReserve}. */
  idReserve: z
    .int()
    .min(1)
    .max(idReserveMax, { error: `must be at most ${idReserveMax}: ids have 31 bits, and each failover uses some` })
    .optional(),
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
