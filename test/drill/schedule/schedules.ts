import { type DrillSchedule, drillScheduleSchema } from '../../../src/drill/schedule/schedule-spec.ts';
import { type Fire, fireTimes } from '../../../src/drill/schedule/fire-times.ts';

/** A schedule as somebody declares it. */
export function scheduleOf(input: unknown): DrillSchedule {
  return drillScheduleSchema.parse(input);
}

/** The next planned times, as `2026-11-22T10:00Z`. */
export function plannedFrom(input: unknown, after: string, count: number): readonly string[] {
  const fires = fireTimes(scheduleOf(input), { name: 'drill', after: new Date(after), count });
  return fires.map(({ plannedAt }) => plannedAt.toISOString().replace(':00.000Z', 'Z'));
}

export function times(fires: readonly Fire[]): readonly number[] {
  return fires.map(({ at }) => at.getTime());
}

/** Times around which clocks are changed, years end or February is longer, with the zone in which it happens. */
export const strangeTimes = [
  { timeZone: 'Europe/Zurich', around: '2027-03-28T01:00Z' },
  { timeZone: 'Europe/Zurich', around: '2026-10-25T01:00Z' },
  { timeZone: 'America/New_York', around: '2027-03-14T07:00Z' },
  { timeZone: 'America/New_York', around: '2026-11-01T06:00Z' },
  // By half an hour.
  { timeZone: 'Australia/Lord_Howe', around: '2026-10-03T15:30Z' },
  { timeZone: 'Australia/Lord_Howe', around: '2026-04-04T15:00Z' },
  // Back for Ramadan, and forward after it.
  { timeZone: 'Africa/Casablanca', around: '2025-02-23T02:00Z' },
  { timeZone: 'Africa/Casablanca', around: '2025-04-06T02:00Z' },
  { timeZone: 'Asia/Kolkata', around: '2028-02-29T00:00Z' },
  { timeZone: 'Pacific/Kiritimati', around: '2026-12-31T12:00Z' },
  { timeZone: 'UTC', around: '2027-01-01T00:00Z' },
] as const;
