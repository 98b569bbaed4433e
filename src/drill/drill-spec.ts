import { z } from 'zod';
import { siteIdSchema } from '../pair/site.ts';
import { abortIfSchema, blockIfSchema } from './conditions.ts';
import { durationSchema, parseDuration } from './duration.ts';
import { type DrillLevel, drillLevelSchema, looksOnly, movesRealTopics, movesRoles } from './level.ts';
import { drillScheduleSchema } from './schedule/schedule-spec.ts';
import { tailChoiceSchema } from './script.ts';

export const drillNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}');

const topicName = z
  .string()
  .regex(/^[a-zA-Z0-9._-]{1,249}$/, 'must be the name of a topic: 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-"');
const person = z.string().min(1).max(100);
const text = z.string().max(2_000);
const topicsMax = 200;

/** By which a pair says that it may be lost on purpose. */
export const nonProduction = 'non-production';

const fields = z.strictObject({
  name: drillNameSchema,
  level: drillLevelSchema,
  /** Where it runs: the site that is activated, for the other one is to be missed. */
  site: siteIdSchema,
  /** Real topics that are home at the other site: what L4 and L6 move, and whose copies L3 reads; L5 moves all. Undefined below L3. */
  topics: z
    .union([z.literal('all'), z.array(topicName).min(1).max(topicsMax)], {
      error: `must be "all" or the names of 1 to ${topicsMax} topics`,
    })
    .optional(),
  /** Without one it runs when somebody asks. */
  schedule: drillScheduleSchema.optional(),
  /** Only below L2: it also runs when what is declared of the pair has changed, or which real topics are away from home. */
  onChange: z.boolean().optional(),
  blockIf: blockIfSchema.optional(),
  abortIf: abortIfSchema.optional(),
  objectives: z
    .strictObject({
      /** Acknowledged records that may be missing. Above 0 only at L6. */
      rpoRecords: z.int().min(0).max(1_000_000_000).default(0),
      /** From the begin of a move to the first acknowledged write at the new primary. Default 60 s. */
      rto: durationSchema('1s', '1h').default('60s'),
    })
    .prefault({}),
  /** How long canaries have to be green before. Default 5 s at L2, else 1 min. */
  baseline: durationSchema('0s', '1h').optional(),
  /** How long the topics stay away. Default 1 s at L2, else 30 s. */
  hold: durationSchema('0s', '7d').optional(),
  /** `stay`: nobody brings the topics home but people. Not at L2. */
  returnTo: z.enum(['home', 'stay'], { error: 'must be "home" or "stay"' }).default('home'),
  /** Only at L6: what becomes of what real topics had at the lost site alone (docs/reconcile.md). Default `discard`. Canary topics' is always discarded. */
  tail: tailChoiceSchema.optional(),
  /** A move that drains for longer is given up. */
  drainTimeout: durationSchema('1s', '20s').default('20s'),
  /** A run that has not ended by then is given up, or carried to the nearest safe state. Beside `hold`. */
  deadMan: durationSchema('30s', '24h').default('10m'),
  /** A pass of the lower level has to be as recent. Default 7 days for L4 and L6, 90 for L5. */
  recentPass: durationSchema('1m', '400d').optional(),
  /** Since real topics last changed their primary. Default 10 min from L4 on. */
  apart: durationSchema('0s', '30d').optional(),
  approvals: z
    .strictObject({
      min: z.int().min(1).max(10),
      /** Each of them has to be among those who approve. */
      roles: z.array(person).max(10).default([]),
      validFor: durationSchema('1m', '30d').default('24h'),
    })
    .optional(),
  /** So many runs one after the other may be skipped or blocked; more are a finding. */
  maxSkips: z.int().min(0).max(1_000).default(3),
  /** Of findings. */
  owner: person.default('nobody'),
  /** Until a finding is due. */
  due: durationSchema('1h', '400d').default('30d'),
  scenario: z
    .strictObject({
      id: z.string().max(100),
      text,
      severity: z.string().max(100).default('not said'),
      biaRef: text.optional(),
      assumptions: z.array(text).max(50).default([]),
    })
    .optional(),
  people: z
    .strictObject({
      operators: z.array(person).max(50).default([]),
      observers: z.array(person).max(50).default([]),
      excludedOnPurpose: z.array(person).max(50).default([]),
    })
    .optional(),
});

/** One drill, as it is declared: a section of the spec of the site that it runs at. Durations stay text: see {@link drillTimes}. */
export const drillSpecSchema = fields.superRefine((spec, context) => {
  for (const { path, message } of contradictions(spec)) context.addIssue({ code: 'custom', path: [...path], message });
});

export type DrillSpec = z.output<typeof drillSpecSchema>;
export type DrillSpecInput = z.input<typeof drillSpecSchema>;

const drillsMax = 100;

/** One name is one drill, at whatever site: it is what a person types. */
export const drillListSchema = z
  .array(drillSpecSchema)
  .max(drillsMax)
  .superRefine((drills, context) => {
    for (const [index, { name }] of drills.entries()) {
      if (drills.findIndex((other) => other.name === name) === index) continue;
      context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of another drill, too' });
    }
  });

interface Contradiction {
  readonly path: readonly string[];
  readonly message: string;
}

function contradictions({
  level,
  topics,
  onChange,
  objectives,
  returnTo,
  tail,
  approvals,
}: z.output<typeof fields>): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const say = (path: readonly string[], message: string): void => void found.push({ path, message });
  if (movesRealTopics(level)) {
    if (level !== 'L5' && topics === undefined)
      say(['topics'], `is required: ${level} moves real topics; name them, or say "all"`);
    if (level === 'L5' && topics !== undefined && topics !== 'all')
      say(['topics'], 'must be "all", or left out: L5 evacuates the whole site');
  } else if (topics !== undefined && level !== 'L3')
    say(['topics'], `must be left out: ${level} neither moves nor reads real topics`);
  if (onChange === true && !looksOnly(level))
    say(['onChange'], `must be left out: ${level} does more than look, and begins when somebody or a schedule says so`);
  if (objectives.rpoRecords > 0 && level !== 'L6')
    say(['objectives', 'rpoRecords'], `must be 0: nothing may be lost by a drill of ${level}`);
  if (level === 'L2' && returnTo === 'stay') say(['returnTo'], 'must be "home": canary topics are made anew after L2');
  if (level === 'L6' && returnTo === 'stay')
    say(['returnTo'], 'must be "home": what was lost on purpose is put back, or the pair stays without protection');
  if (level !== 'L6' && tail !== undefined) say(['tail'], `must be left out: ${level} leaves no tails`);
  if (approvals !== undefined && approvals.roles.length > approvals.min)
    say(['approvals', 'roles'], `are more than "min" (${approvals.min}): each needs somebody`);
  return found;
}

/** The lower level of which a recent pass is asked. What L0 and L1 would show L2 looks at itself. */
export const lowerLevel: Readonly<Partial<Record<DrillLevel, DrillLevel>>> = { L4: 'L2', L5: 'L4', L6: 'L2' };

export interface DrillTimes {
  readonly baselineMs: number;
  readonly holdMs: number;
  readonly drainMs: number;
  readonly deadManMs: number;
  readonly rtoMs: number;
  readonly recentPassMs: number;
  readonly apartMs: number;
  readonly dueMs: number;
  /** For so long an approval counts. */
  readonly approvalMs: number;
}

/** Its durations in ms, with what they are where nothing is said. Pure. */
export function drillTimes(spec: DrillSpec): DrillTimes {
  const { level } = spec;
  const real = movesRealTopics(level);
  const holdMs = parseDuration(spec.hold ?? (real ? '30s' : '1s'));
  return {
    baselineMs: parseDuration(spec.baseline ?? (real ? '1m' : '5s')),
    holdMs,
    drainMs: parseDuration(spec.drainTimeout),
    deadManMs: parseDuration(spec.deadMan) + (movesRoles(level) ? holdMs * 2 : 0),
    rtoMs: parseDuration(spec.objectives.rto),
    recentPassMs: parseDuration(spec.recentPass ?? (level === 'L5' ? '90d' : '7d')),
    apartMs: parseDuration(spec.apart ?? (real ? '10m' : '0s')),
    dueMs: parseDuration(spec.due),
    approvalMs: parseDuration(spec.approvals?.validFor ?? '24h'),
  };
}
