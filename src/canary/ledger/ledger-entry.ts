import { z } from 'zod';
import { siteIdSchema } from '../../pair/site.ts';
import { sha256Schema } from '../canary-record.ts';

const count = z.int().min(0);
const errorText = z.string().max(300);

const common = {
  /** ms since 1970, by the clock of the observer. */
  at: z.number(),
  /** The same by its monotonic clock, in ms: comparable within one life only. */
  mono: z.number(),
  topic: z.string(),
  link: z.string(),
  partition: count,
  sequence: count,
  /** Who was asked to write it, as the primary in this term. */
  site: siteIdSchema,
  term: count,
};

/**
 * What becomes of one record, in the order in which it is written down:
 *
 * - `sent`        before it goes out; `hash` of its value
 * - `acked`       a broker has said that it is at `offset`, `ms` after it was sent
 * - `refused`     it was not written, and that is certain
 * - `unanswered`  nothing is known: it may be there, now or later. So it is where a life ends behind `sent`.
 */
export const ledgerEventSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sent'), ...common, hash: sha256Schema }),
  z.strictObject({
    ...{ kind: z.literal('acked'), ...common },
    offset: z
      .string()
      .regex(/^\d{1,19}$/)
      .transform(BigInt),
    ms: z.number().min(0),
  }),
  z.strictObject({ kind: z.literal('refused'), ...common, error: errorText }),
  z.strictObject({ kind: z.literal('unanswered'), ...common, error: errorText }),
]);

export type LedgerEvent = z.output<typeof ledgerEventSchema>;

/** An event with whose it is. */
export type LedgerEntry = LedgerEvent & { readonly vantage: string; readonly life: string };

export type SentEntry = Extract<LedgerEntry, { kind: 'sent' }>;
export type AckedEntry = Extract<LedgerEntry, { kind: 'acked' }>;

/** Longer texts of errors are cut off. */
export const errorCharsMax = 300;
