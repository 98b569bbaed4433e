import { z } from 'zod';
import type { SiteState, StateSection } from '../state/state.ts';

/**
 * What the new primary has made of the tail of its old one, in its own `_umbra`. `running` is written before the first
 * record is appended, so that whoever goes on after a crash knows from where on to look for what is there already.
 */
export const replayRecordSchema = z.strictObject({
  topic: z.string(),
  /** The promotion that cut the tail off. A tail is appended once, however often it is reconciled. */
  operation: z.string(),
  state: z.enum(['running', 'done']),
  /** Where the topic ended before, by partition, which stand at their number. */
  from: z.array(z.string().regex(/^\d+$/)),
  /** Under which it is appended: a life of its own may have another one. */
  producerIds: z.array(z.string().regex(/^\d+$/)),
  /** Appended, when it is done. */
  records: z.int().min(0),
  /** Why it does not go on. */
  trouble: z.string().max(1_000).optional(),
});

export type ReplayRecord = z.output<typeof replayRecordSchema>;

export function replaySection(state: Pick<SiteState, 'section'>): StateSection<ReplayRecord> {
  return state.section('replay/', replayRecordSchema);
}
