import { z } from 'zod';
import { cutRecordSchema } from '../operations/cut.ts';
import { siteIdSchema } from '../pair/site.ts';
import { drillLevelSchema } from './level.ts';
import { rehearsalSchema } from './rehearsal-record.ts';
import { scriptSchema } from './script.ts';
import { abortTriggerSchema } from './triggers.ts';

const isoTime = z.iso.datetime();
const text = z.string().max(2_000);
const count = z.int().min(0);
const linesMax = 200;
const problemsMax = 20;

/** It sorts by time. */
export const runIdSchema = z.string().regex(/^drill-[0-9a-z-]{8,80}$/, 'must be the id of a run of a drill');

/** One entry of the journal: a phase, or within a move a step of its operation. */
export const journalEntrySchema = z.strictObject({
  step: z.string(),
  within: z.string().optional(),
  plannedMs: z.int().min(0),
  startedAt: isoTime,
  endedAt: isoTime.optional(),
  result: z.enum(['done', 'failed', 'given up', 'running']),
  note: text.optional(),
});

export type JournalEntry = z.output<typeof journalEntrySchema>;

export const abortRecordSchema = z.strictObject({
  trigger: abortTriggerSchema,
  at: isoTime,
  /** Before the point of no return of the move that was under way, or of all of them. */
  before: z.boolean(),
  reason: text,
});

export type AbortRecord = z.output<typeof abortRecordSchema>;

/** What only the log of a lost site had of a topic, when it had come back. */
export const tailFoundSchema = z.strictObject({
  topic: z.string(),
  /** Records. */
  records: count,
  disposition: z.string().max(500),
  isCanary: z.boolean(),
});

export type TailFound = z.output<typeof tailFoundSchema>;

/** What was found on the way and the report has to say. Grows only. */
export const factsSchema = z.strictObject({
  preconditions: z
    .array(
      z.strictObject({ check: z.string(), result: z.enum(['passed', 'failed', 'warned']), value: text, at: isoTime }),
    )
    .max(linesMax),
  /** By leg, as its plan said. */
  predictions: z
    .array(z.strictObject({ leg: z.int(), seconds: z.number(), records: z.int(), recordsAtMost: z.int() }))
    .max(linesMax),
  /** By canary topic the newest verdict on everything that was acknowledged in the run. */
  proofs: z
    .array(
      z.strictObject({
        topic: z.string(),
        counts: z.strictObject({
          ...{ sent: count, acked: count, once: count, duplicate: count },
          ...{ lost: count, reordered: count, ghost: count, shifted: count },
        }),
        lostSeconds: z.number().min(0),
        problems: z.array(text).max(problemsMax),
      }),
    )
    .max(linesMax),
  /**
   * Of canary topics that are retired when the run is cleaned up, with everything that `_umbra` knows of them: who was their
   * primary when it was judged, and where they were cut.
   */
  roles: z
    .array(z.strictObject({ topic: z.string(), home: siteIdSchema, primary: siteIdSchema, term: count }))
    .max(linesMax)
    .default([]),
  cuts: z.array(cutRecordSchema).max(linesMax).default([]),
  /** Of L3: what was read and restored. */
  rehearsal: rehearsalSchema.optional(),
  /** Of L6: whether a hook has taken the other site away, or it stayed there. */
  loss: z.enum(['made', 'not made']).optional(),
  /** Of L6: by topic what only the lost site had, and what became of it; topics without any are left out. */
  tails: z.array(tailFoundSchema).max(linesMax).default([]),
  /** Why it cannot pass any more. */
  failures: z.array(text).max(linesMax),
  /** Good to know. */
  notes: z.array(text).max(linesMax),
});

export type RunFacts = z.output<typeof factsSchema>;

/**
 * One run of a drill: its journal, in `_umbra` of the site that it runs at. Written before a phase begins to act. The
 * other site reads it, and coordinates the legs that lead there.
 *
 * - `claiming`  it says that it is going to begin: the other site may be saying so, too
 * - `running`   nobody else's drill of the pair runs. When it is over the record is gone
 */
export const runRecordSchema = z.strictObject({
  id: runIdSchema,
  drill: z.string(),
  level: drillLevelSchema,
  site: siteIdSchema,
  state: z.enum(['claiming', 'running']),
  /** Who, or `schedule`. */
  requestedBy: z.string(),
  /** By the schedule; absent where somebody asked for it. */
  plannedFor: isoTime.optional(),
  startedAt: isoTime,
  /** It is given up when it has not ended by then. */
  deadlineAt: isoTime,
  planHash: z.string(),
  script: scriptSchema,
  /** Where it is in `script.phases`. */
  at: z.int().min(0),
  since: isoTime,
  journal: z.array(journalEntrySchema),
  facts: factsSchema,
  /** What stood against it: it never began. */
  blocked: z.array(text).max(linesMax).optional(),
  abort: abortRecordSchema.optional(),
});

export type RunRecord = z.output<typeof runRecordSchema>;

export const noFacts: RunFacts = {
  ...{ preconditions: [], predictions: [], proofs: [] },
  ...{ roles: [], cuts: [], tails: [], failures: [], notes: [] },
};
