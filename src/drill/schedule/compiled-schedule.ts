import { parseDuration } from '../duration.ts';
import { cronLocalTimes, type LocalTimes, ruleLocalTimes } from './local-times.ts';
import { type PlannedTimes } from './planned-times.ts';
import { type Read, type Reading, read, refused } from './reading.ts';
import { readRecurrenceRule, type RuleEnd, whyStartIsNeeded } from './recurrence-rule.ts';
import { type DrillSchedule, parseLocalTime } from './schedule-shape.ts';
import { type DateRange, readDateRange, readWeekWindow, type WeekWindow } from './week-window.ts';
import { localTimeOf } from './zone.ts';

/** A schedule in the form that is reckoned with. */
export interface CompiledSchedule {
  readonly planned: PlannedTimes;
  readonly jitterMs: number;
  readonly catchUpMs: number;
  readonly allow: readonly WeekWindow[];
  readonly block: readonly WeekWindow[];
  readonly blockDates: readonly DateRange[];
}

export type ScheduleField = 'cron' | 'rrule' | 'start' | 'windows';

/** Why a schedule is none, and at which field. */
export interface FieldRefusal {
  readonly kind: 'refused';
  readonly field: ScheduleField;
  readonly why: string;
}

type FieldReading<Value> = Read<Value> | FieldRefusal;

const compiled = new WeakMap<DrillSchedule, CompiledSchedule>();

/**
 * Each schedule is compiled once.
 *
 * @throws RangeError where the schedule did not come through `drillScheduleSchema` and is none.
 */
export function compiledSchedule(schedule: DrillSchedule): CompiledSchedule {
  const known = compiled.get(schedule);
  if (known !== undefined) return known;
  const result = compileSchedule(schedule);
  if (result.kind === 'refused') throw new RangeError(`schedule: "${result.field}" ${result.why}`);
  compiled.set(schedule, result.value);
  return result.value;
}

export function compileSchedule(schedule: DrillSchedule): FieldReading<CompiledSchedule> {
  const rule = schedule.rrule === undefined ? compileCron(schedule) : compileRule(schedule, schedule.rrule);
  if (rule.kind === 'refused') return rule;
  return read({
    planned: { ...rule.value, timeZone: schedule.timeZone },
    jitterMs: parseDuration(schedule.jitter),
    catchUpMs: parseDuration(schedule.catchUp),
    allow: schedule.windows.allow.map((line) => valueOf(readWeekWindow(line))),
    block: schedule.windows.block.map((line) => valueOf(readWeekWindow(line))),
    blockDates: schedule.windows.blockDates.map((line) => valueOf(readDateRange(line))),
  });
}

type Rule = Omit<PlannedTimes, 'timeZone'>;

const cronNames = ['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually'];

function compileCron({ cron, start }: DrillSchedule): FieldReading<Rule> {
  if (cron === undefined) return at('cron', 'or "rrule" must be given: nothing says when it fires');
  if (start !== undefined)
    return at('start', 'must be left out: it belongs to "rrule", and a cron expression counts nothing');
  const isName = cronNames.includes(cron);
  const [, hour = '', dayOfMonth, , dayOfWeek, ...more] = cron.split(' ');
  if (!isName && (dayOfWeek === undefined || more.length > 0))
    return at(
      'cron',
      `must be five fields with one space between them, without seconds, or one of ${cronNames.join(', ')}; it is "${cron}"`,
    );
  if (/[?+]/.test(cron)) return at('cron', `must do without "?" and "+": write *, or use "rrule"; it is "${cron}"`);
  if (!isName && dayOfMonth !== '*' && dayOfWeek !== '*')
    return at(
      'cron',
      `must not name days of the month and of the week, which cron reads as either of both: write SAT#2 for the second Saturday, or use "rrule"; it is "${cron}"`,
    );
  const localTimes = attempt(() => cronLocalTimes(cron));
  if (localTimes.kind === 'refused') return at('cron', `must be a cron expression: ${localTimes.why}; it is "${cron}"`);
  const aroundTheClock = isName ? cron === '@hourly' : hour.includes('*');
  return read({ localTimes: localTimes.value, aroundTheClock });
}

function compileRule({ cron, start, timeZone }: DrillSchedule, rrule: string): FieldReading<Rule> {
  if (cron !== undefined) return at('rrule', 'must be left out where "cron" is given, or the other way round');
  const reading = readRecurrenceRule(rrule);
  if (reading.kind === 'refused') return at('rrule', reading.why);
  const rule = reading.value;
  const need = start === undefined ? whyStartIsNeeded(rule) : undefined;
  if (need !== undefined) return at('start', `must be given, such as 2026-11-22T10:00: ${need}`);
  const startMs = start === undefined ? undefined : parseLocalTime(start);
  const endMs = rule.until === undefined ? undefined : localEndMs(rule.until, timeZone);
  const localTimes = attempt(() => ruleLocalTimes(rule, startMs, endMs), startMs);
  if (localTimes.kind === 'refused')
    return at('rrule', `must be a recurrence rule of RFC 5545: ${localTimes.why}; it is "${rrule}"`);
  return read({ localTimes: localTimes.value, aroundTheClock: false });
}

function localEndMs({ clock, atMs }: RuleEnd, timeZone: string): number {
  return clock === 'UTC' ? localTimeOf(timeZone, atMs) : atMs;
}

/** The libraries say what is wrong by throwing, some of it at the first time that they are asked for. */
function attempt(make: () => LocalTimes, fromMs = 0): Reading<LocalTimes> {
  try {
    const localTimes = make();
    for (const _ of localTimes.between(fromMs, fromMs + 1)) break;
    return read(localTimes);
  } catch (error) {
    return refused((error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, ''));
  }
}

function valueOf<Value>(reading: Reading<Value>): Value {
  if (reading.kind === 'refused') throw new RangeError(`schedule: a window ${reading.why}`);
  return reading.value;
}

function at(field: ScheduleField, why: string): FieldRefusal {
  return { kind: 'refused', field, why };
}
