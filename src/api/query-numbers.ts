import { z } from 'zod';

/** A whole number of a query, written in digits and nothing else; both bounds included. */
export function wholeNumber({ min, max }: { readonly min: number; readonly max: number }): z.ZodType<number, string> {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string({ error })
    .regex(/^\d{1,16}$/, error)
    .transform(Number)
    .pipe(z.int().min(min, error).max(max, error))
    .meta({ type: 'integer', minimum: min, maximum: max });
}
