import { z } from 'zod';
import { type DrillSpec, drillSpecSchema } from '../../drill/drill-spec.ts';
import { type DrillLevel, drillLevelSchema, drillVerdictSchema, looksOnly } from '../../drill/level.ts';
import { type RunRecord, runIdSchema, runRecordSchema } from '../../drill/run-record.ts';
import { siteIdSchema } from '../../pair/site.ts';
import type { StateEntries } from './operation-memory.ts';

const isoTime = z.iso.datetime();
const text = z.string().max(2_000);

const keys = {
  spec: 'drill/spec/',
  run: 'drill/run/',
  past: 'drill/past/',
  cursor: 'drill/cursor/',
  pass: 'drill/pass/',
  answer: 'drill/answer/',
  canary: 'drill/canary/',
  approval: 'drill/approval/',
  freeze: 'drill/freeze',
  finding: 'finding/',
} as const;

/** What `_umbra` keeps by the name of a topic. */
const ofTopics = ['shadow/', 'level/', 'role/', 'cut/', 'config/', 'deletion/', 'rebuild/'] as const;

/** Of runs that are over this many are remembered, the newest; the evidence of all of them stays where it is written. */
export const pastRunsMax = 300;
/** Of those that look only, which are many: the others are not to be pushed out by them. */
export const pastLooksMax = 50;
const reasonsKept = 5;

/** A run that is over, in short. */
export const pastRunSchema = z.strictObject({
  id: runIdSchema,
  drill: z.string(),
  level: drillLevelSchema,
  site: siteIdSchema,
  requestedBy: z.string(),
  plannedFor: isoTime.optional(),
  startedAt: isoTime,
  endedAt: isoTime,
  verdict: drillVerdictSchema,
  reasons: z.array(text).max(reasonsKept),
  /** Of its worst move: from its begin to the first acknowledged write. */
  rtoMs: z.number().min(0).optional(),
  /** Records that were acknowledged and are missing. */
  rpoRecords: z.int().min(0).optional(),
  phases: z.record(z.string(), z.number().min(0)).optional(),
  evidence: z.strictObject({ sequence: z.int().min(1), hash: z.string() }).optional(),
});

export type PastRun = z.output<typeof pastRunSchema>;

/** Up to when a drill's schedule has been followed. */
export const cursorSchema = z.strictObject({
  drill: z.string(),
  handledTo: isoTime,
  /** One after the other, until now. */
  skips: z.int().min(0),
  /** Hash of what was declared of the pair when a change of it last began a run; absent where none has. */
  declared: z.string().optional(),
});

export type DrillCursor = z.output<typeof cursorSchema>;

const count = z.int().min(0);

/** What has become of the log of a topic at the site that a drill had lost: it is a copy again. */
const tailDoneSchema = z.strictObject({
  topic: z.string(),
  /** `none`: nothing was there to be decided. */
  decision: z.enum(['none', 'discard', 'export', 'replay']),
  copy: z.enum(['level', 'faulted']),
  /** Records that the log held, those of them that the new primary has, and those that it has not. */
  ...{ acknowledged: count, present: count, quarantined: count },
  /** Name of the folder in the site's quarantine. */
  quarantine: text.optional(),
});

export type TailDone = z.output<typeof tailDoneSchema>;

/** What a site says of a run that the other one has begun. */
export const runAnswerSchema = z.strictObject({
  run: runIdSchema,
  /** The phase that it has seen: it begins nothing of an earlier one any more. */
  seen: z.int().min(0),
  checks: z.array(
    z.strictObject({ check: z.string(), result: z.enum(['passed', 'failed', 'warned']), value: text, at: isoTime }),
  ),
  refusals: z.array(z.strictObject({ leg: z.int().min(0), reason: text })),
  /** While topics were away: who else than the link may write the copies here. */
  leak: text.optional(),
  /** Where this site was lost on purpose and is back: topics that are copies again, and what is under way, or in its way. */
  tails: z.strictObject({ done: z.array(tailDoneSchema), now: text.optional() }).optional(),
  /** Nothing of the run is left here. */
  clean: z.boolean(),
});

export type RunAnswer = z.output<typeof runAnswerSchema>;

/** The canary topic of a site that is in use. The topic id is known once it is made. */
export const canaryGenerationSchema = z.strictObject({
  generation: z.int().min(1),
  topic: z.string(),
  topicId: z.string().optional(),
  since: isoTime,
  /** Of earlier generations those that still have to be deleted here. */
  former: z.array(z.strictObject({ topic: z.string(), topicId: z.string() })).max(100),
});

export type CanaryGeneration = z.output<typeof canaryGenerationSchema>;

const passSchema = z.strictObject({ level: drillLevelSchema, run: runIdSchema, at: isoTime });

export const approvalSchema = z.strictObject({
  drill: z.string(),
  name: z.string().max(100),
  role: z.string().max(100),
  at: isoTime,
  until: isoTime,
  /** Hash of what was declared then: it counts for nothing else. */
  declaration: z.string().optional(),
});

export type Approval = z.output<typeof approvalSchema>;

/** By somebody's word no drill begins that does more than look. */
export const freezeSchema = z.strictObject({
  by: z.string().max(100),
  reason: text,
  since: isoTime,
  until: isoTime,
});

export type DrillFreeze = z.output<typeof freezeSchema>;

/** Something that a drill has shown and somebody has to see to. */
export const drillFindingSchema = z.strictObject({
  id: z.string().max(120),
  drill: z.string(),
  /** The run that has shown it last. */
  run: z.string(),
  severity: z.enum(['critical', 'major', 'minor']),
  title: text,
  owner: z.string().max(200),
  openedAt: isoTime,
  due: isoTime,
  status: z.enum(['open', 'accepted', 'closed']),
  /** Who closed or accepted it, and why. */
  note: text.optional(),
});

export type DrillFinding = z.output<typeof drillFindingSchema>;

/** The part of `_umbra` that is about drills. Of a run only the site that it runs at writes; of an answer only the other one. */
export class DrillMemory {
  readonly #entries: StateEntries;

  constructor(entries: StateEntries) {
    this.#entries = entries;
  }

  specs(): readonly DrillSpec[] {
    return this.#entries.all(keys.spec, drillSpecSchema);
  }

  spec(name: string): DrillSpec | undefined {
    return this.#entries.read(keys.spec + name, drillSpecSchema);
  }

  putSpec(spec: DrillSpec, cursor: DrillCursor, signal: AbortSignal): Promise<void> {
    return this.#write({ [keys.spec + spec.name]: spec, [keys.cursor + spec.name]: cursor }, signal);
  }

  /** What ran stays in the history. */
  removeSpec(name: string, signal: AbortSignal): Promise<void> {
    const approvals = this.approvals(name).map((each) => [approvalKey(each), undefined] as const);
    const gone = { [keys.spec + name]: undefined, [keys.cursor + name]: undefined };
    return this.#write({ ...gone, ...Object.fromEntries(approvals) }, signal);
  }

  cursor(name: string): DrillCursor | undefined {
    return this.#entries.read(keys.cursor + name, cursorSchema);
  }

  /** Runs that are not over; there is one at most that moves roles. */
  runs(): readonly RunRecord[] {
    return this.#entries.all(keys.run, runRecordSchema);
  }

  run(id: string): RunRecord | undefined {
    return this.#entries.read(keys.run + id, runRecordSchema);
  }

  putRun(run: RunRecord, signal: AbortSignal): Promise<void> {
    return this.#write({ [keys.run + run.id]: run }, signal);
  }

  /** A new run, and up to where the schedule is followed with it: all or none, so that no time is followed twice. */
  beginRun(run: RunRecord, cursor: DrillCursor | undefined, signal: AbortSignal): Promise<void> {
    return this.#write(
      { ...(cursor === undefined ? {} : { [keys.cursor + cursor.drill]: cursor }), [keys.run + run.id]: run },
      signal,
    );
  }

  /** Times of a schedule that are not followed by a run, with what becomes of them. */
  followed(
    cursor: DrillCursor,
    { skipped, findings }: { readonly skipped: readonly PastRun[]; readonly findings: readonly DrillFinding[] },
    signal: AbortSignal,
  ): Promise<void> {
    const found = Object.fromEntries(findings.map((finding) => [keys.finding + finding.id, finding]));
    return this.#write({ [keys.cursor + cursor.drill]: cursor, ...this.#past(skipped), ...found }, signal);
  }

  /** The run is over; its record goes, its summary is kept, with what it has shown. */
  endRun(
    past: PastRun,
    { cursor, findings }: { readonly cursor: DrillCursor | undefined; readonly findings: readonly DrillFinding[] },
    signal: AbortSignal,
  ): Promise<void> {
    const pass = past.verdict === 'PASSED' ? { level: past.level, run: past.id, at: past.endedAt } : undefined;
    return this.#write(
      {
        ...this.#past([past]),
        ...(cursor === undefined ? {} : { [keys.cursor + cursor.drill]: cursor }),
        ...(pass === undefined ? {} : { [keys.pass + pass.level]: pass }),
        ...Object.fromEntries(findings.map((finding) => [keys.finding + finding.id, finding])),
        [keys.run + past.id]: undefined,
      },
      signal,
    );
  }

  /** Nothing is known of the topic any more, nor kept of it. */
  forgetTopic(topic: string, signal: AbortSignal): Promise<void> {
    return this.#write(Object.fromEntries(ofTopics.map((prefix) => [prefix + topic, undefined])), signal);
  }

  findings(): readonly DrillFinding[] {
    return this.#entries.all(keys.finding, drillFindingSchema);
  }

  finding(id: string): DrillFinding | undefined {
    return this.#entries.read(keys.finding + id, drillFindingSchema);
  }

  putFinding(finding: DrillFinding, signal: AbortSignal): Promise<void> {
    return this.#write({ [keys.finding + finding.id]: finding }, signal);
  }

  /** Newest first. */
  past(): readonly PastRun[] {
    return this.#entries
      .all(keys.past, pastRunSchema)
      .toSorted((left, right) => right.startedAt.localeCompare(left.startedAt) || right.id.localeCompare(left.id));
  }

  /** When a drill of this level last passed. */
  lastPass(level: DrillLevel): Date | undefined {
    const pass = this.#entries.read(keys.pass + level, passSchema);
    return pass === undefined ? undefined : new Date(pass.at);
  }

  answers(): readonly RunAnswer[] {
    return this.#entries.all(keys.answer, runAnswerSchema);
  }

  answer(run: string): RunAnswer | undefined {
    return this.#entries.read(keys.answer + run, runAnswerSchema);
  }

  putAnswer(answer: RunAnswer, signal: AbortSignal): Promise<void> {
    return this.#write({ [keys.answer + answer.run]: answer }, signal);
  }

  removeAnswers(runs: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#write(Object.fromEntries(runs.map((run) => [keys.answer + run, undefined])), signal);
  }

  canary(): CanaryGeneration | undefined {
    return this.#entries.read(keys.canary, canaryGenerationSchema);
  }

  putCanary(canary: CanaryGeneration, signal: AbortSignal): Promise<void> {
    return this.#write({ [keys.canary]: canary }, signal);
  }

  approvals(drill: string): readonly Approval[] {
    return this.#entries.all(`${keys.approval}${drill}/`, approvalSchema);
  }

  putApproval(approval: Approval, signal: AbortSignal): Promise<void> {
    return this.#write({ [approvalKey(approval)]: approval }, signal);
  }

  /** Also one whose time is over. */
  freeze(): DrillFreeze | undefined {
    return this.#entries.read(keys.freeze, freezeSchema);
  }

  putFreeze(freeze: DrillFreeze | undefined, signal: AbortSignal): Promise<void> {
    return this.#write({ [keys.freeze]: freeze }, signal);
  }

  #past(runs: readonly PastRun[]): Readonly<Record<string, PastRun | undefined>> {
    const all = [...runs, ...this.past()];
    const looks = all.filter(({ level }) => looksOnly(level));
    const others = all.filter(({ level }) => !looksOnly(level));
    const gone = [...looks.slice(pastLooksMax), ...others.slice(pastRunsMax - pastLooksMax)];
    return {
      ...Object.fromEntries(gone.map(({ id }) => [keys.past + id, undefined])),
      ...Object.fromEntries(
        runs.map((run) => [keys.past + run.id, { ...run, reasons: run.reasons.slice(0, reasonsKept) }]),
      ),
    };
  }

  #write(entries: Readonly<Record<string, object | undefined>>, signal: AbortSignal): Promise<void> {
    return this.#entries.write(Object.entries(entries), signal);
  }
}

function approvalKey({ drill, name }: Approval): string {
  return `${keys.approval}${drill}/${name}`;
}
