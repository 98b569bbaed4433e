import { type CompiledSchedule, compileSchedule, type FieldRefusal } from './compiled-schedule.ts';
import { plannedTimes } from './planned-times.ts';
import { type DrillSchedule, parseLocalTime, scheduleShape } from './schedule-shape.ts';
import { windowOf } from './windows.ts';

export { type DrillSchedule } from './schedule-shape.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;
/** What does not fire in so many days never does, as far as people who declare drills are concerned: five years. */
const firesWithinMs = 1_827 * dayMs;
/** Where the five years begin for a schedule without `start`. */
const judgedFromMs = Date.UTC(2026, 0, 1);
/** So many minutes are held against the windows before a schedule is taken on trust: some 20 ms. */
const minutesJudgedMax = 20_000;

/**
 * When a drill is due. What can never fire, or only into blocked windows, is refused: from `start`, or from a fixed year
 * where there is none, so that the same text is taken today and in years.
 */
export const drillScheduleSchema = scheduleShape.superRefine((schedule, context) => {
  if (context.issues.length > 0) return;
  const compiled = compileSchedule(schedule);
  const refusal = compiled.kind === 'refused' ? compiled : neverRuns(schedule, compiled.value);
  if (refusal !== undefined) context.addIssue({ code: 'custom', path: [refusal.field], message: refusal.why });
});

function neverRuns(schedule: DrillSchedule, compiled: CompiledSchedule): FieldRefusal | undefined {
  const fromMs = schedule.start === undefined ? judgedFromMs : parseLocalTime(schedule.start);
  // A local time is at most a day from the same time in UTC, and nothing fires before the start.
  const span = { afterMs: schedule.start === undefined ? fromMs : fromMs - dayMs, untilMs: fromMs + firesWithinMs };
  let firstBlockedBy: string | undefined;
  let judged = 0;
  for (const plannedMs of plannedTimes(compiled.planned, span)) {
    for (let atMs = plannedMs; atMs <= plannedMs + compiled.jitterMs; atMs += minuteMs) {
      const state = windowOf(compiled, atMs);
      if (state.kind === 'open' || judged >= minutesJudgedMax) return undefined;
      firstBlockedBy ??= `${new Date(plannedMs).toISOString()}: ${state.by}`;
      judged += 1;
    }
  }
  const years = `within five years of ${new Date(fromMs).toISOString().slice(0, 10)}`;
  if (firstBlockedBy === undefined)
    return {
      kind: 'refused',
      field: schedule.rrule === undefined ? 'cron' : 'rrule',
      why: `must fire ${years}, and never does: look at its days and months, and at its end`,
    };
  const why = `must leave some fire open: ${years} all are blocked; move the fires or the windows. The first, ${firstBlockedBy}`;
  return { kind: 'refused', field: 'windows', why };
}
