import { z } from 'zod';
import { siteIdSchema } from '../pair/site.ts';

/** One thing `umbra doctor` looked at. Everything but `ok` has a remedy: the next thing to do. */
export const findingSchema = z.strictObject({
  level: z.enum(['ok', 'warn', 'error']),
  /** Stable; docs/doctor.md lists all. Absent where everything is in order. */
  code: z.string().optional(),
  /** Absent when it concerns both sites, or none. */
  site: siteIdSchema.optional(),
  /** What was looked at: "connection", "rights", "config", "clock", "worker", … */
  subject: z.string(),
  message: z.string(),
  remedy: z.string().optional(),
});

export type Finding = z.output<typeof findingSchema>;
