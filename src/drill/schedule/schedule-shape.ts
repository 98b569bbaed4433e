import { z } from 'zod';
import { durationSchema } from '../duration.ts';
import { type Reading } from './reading.ts';
import { readDateRange, readWeekWindow } from './week-window.ts';
import { isTimeZone } from './zone.ts';

/** Bounds each list of windows and dates. */
const linesMax = 100;

const windowLines = lines(readWeekWindow).default([]);

/** Windows of time in the schedule's zone. `block` and `blockDates` win over `allow`; no `allow` allows every time. */
const windowsSchema = z.strictObject({
  allow: windowLines,
  block: windowLines,
  blockDates: lines(readDateRange).default([]),
});

/**
 * Fields and their own form. Whether they make a schedule together is said by `drillScheduleSchema` (schedule-spec.ts): only
 * what came through that one is handed to anything else.
 */
export const scheduleShape = z.strictObject({
  /** Five fields, or a name such as `@daily`. */
  cron: z.string().max(200).optional(),
  /** The value of an RRULE of RFC 5545, without DTSTART. */
  rrule: z.string().max(500).optional(),
  /** Local time from which the `rrule` counts: the first fire where the rule has it. */
  start: z
    .string()
    .refine(isLocalTime, 'must be a local time of the years 2000 to 2099, such as 2026-11-22T10:00')
    .optional(),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Zurich or UTC')
    .default('UTC'),
  /** A fire begins up to so much later: see `Fire`. */
  jitter: durationSchema('0s', '24h').default('0s'),
  windows: windowsSchema.prefault({}),
  /** What becomes of fires that nobody saw in time: they are told, and with `run` the newest is made up for. */
  missed: z.enum(['tell', 'run'], { error: 'must be "tell" or "run"' }).default('tell'),
  /** With `run`: an older one is not made up for. */
  catchUp: durationSchema('1m', '7d').default('1h'),
});

/** When a drill is due: a document, as it was written and with its defaults. docs/drill-schedules.md */
export type DrillSchedule = z.output<typeof scheduleShape>;

/** `2026-11-22T10:00` as milliseconds since 1970-01-01T00:00 of the local clock. */
export function parseLocalTime(text: string): number {
  return Date.parse(`${text}:00Z`);
}

function isLocalTime(text: string): boolean {
  if (!/^20\d\d-\d\d-\d\dT\d\d:\d\d$/.test(text)) return false;
  const timeMs = parseLocalTime(text);
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(text);
}

function lines(readLine: (text: string) => Reading<unknown>): z.ZodArray<z.ZodString> {
  const line = z.string().superRefine((text, context) => {
    const reading = readLine(text);
    if (reading.kind === 'refused') context.addIssue({ code: 'custom', message: reading.why });
  });
  return z.array(line).max(linesMax);
}
