import { type Reading, read, refused } from './reading.ts';

/** A piece of every week, by the local clock: `Tue-Thu 09:30-16:00`, `Mon 22:00-02:00`, `Sat,Sun`, `12:00-13:00`. */
export interface WeekWindow {
  readonly text: string;
  /** Days on which it begins: 1 is Monday, 7 is Sunday. */
  readonly days: ReadonlySet<number>;
  /** Minute of the day at which it begins, 0 to 1439. */
  readonly fromMinute: number;
  /** The first minute that is no longer part of it, 1 to 1440. Where it is not after `fromMinute`, it is the next day's. */
  readonly untilMinute: number;
}

/** Days from first to last, both part of it, as `YYYY-MM-DD`. */
export interface DateRange {
  readonly text: string;
  readonly first: string;
  readonly last: string;
}

/** A time of the local clock, taken apart. */
export interface LocalMinute {
  /** 1 is Monday, 7 is Sunday. */
  readonly day: number;
  /** 0 to 1439. */
  readonly minute: number;
}

const dayMinutes = 1_440;
const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const dayShape = /^[A-Za-z]{3}(?:[-,][A-Za-z]{3})*$/;
const clockShape = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/;
const windowWanted =
  'must be days, times, or days and times, such as "Tue-Thu 09:30-16:00", "Mon 22:00-02:00", "Sat,Sun" or "12:00-13:00"';
const dateWanted = 'must be a date or two, such as "2027-01-04" or "2026-12-20/2027-01-03"';

export function readWeekWindow(text: string): Reading<WeekWindow> {
  const parts = text.split(' ');
  const dayText = dayShape.test(parts[0] ?? '') ? parts.shift() : 'Mon-Sun';
  const [clockText, ...more] = parts;
  const clock = clockShape.exec(clockText ?? '00:00-24:00');
  if (dayText === undefined || clock === null || more.length > 0) return refused(windowWanted);
  const days = readDays(dayText);
  if (days === undefined) return refused(`must have days of ${dayNames.join(', ')}; it has "${dayText}"`);
  const [fromHour = 0, fromRest = 0, untilHour = 0, untilRest = 0] = clock.slice(1).map(Number);
  const [fromMinute, untilMinute] = [fromHour * 60 + fromRest, untilHour * 60 + untilRest];
  if (fromRest > 59 || untilRest > 59 || fromMinute >= dayMinutes || untilMinute > dayMinutes)
    return refused('must have times from 00:00 to 24:00, and begin before 24:00');
  if (fromMinute === untilMinute) return refused('must not end when it begins: for whole days leave out the times');
  return read({ text, days, fromMinute, untilMinute: untilMinute === 0 ? dayMinutes : untilMinute });
}

export function readDateRange(text: string): Reading<DateRange> {
  const [first = '', last = first, ...more] = text.split('/');
  if (!isDate(first) || !isDate(last) || more.length > 0) return refused(dateWanted);
  if (last < first) return refused(`must not end before it begins: write "${last}/${first}"`);
  return read({ text, first, last });
}

/** Whether the window is open at that minute. One that ends the next day is part of both. */
export function isWithin({ days, fromMinute, untilMinute }: WeekWindow, { day, minute }: LocalMinute): boolean {
  if (fromMinute < untilMinute) return days.has(day) && minute >= fromMinute && minute < untilMinute;
  const dayBefore = day === 1 ? 7 : day - 1;
  return (days.has(day) && minute >= fromMinute) || (days.has(dayBefore) && minute < untilMinute);
}

/** `Mon-Wed,Sat`; `Fri-Mon` goes over the weekend. Undefined where a name is none. */
function readDays(text: string): ReadonlySet<number> | undefined {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split('-');
    const [from, until] = [dayNames.indexOf(first) + 1, dayNames.indexOf(last) + 1];
    if (from === 0 || until === 0 || more.length > 0) return undefined;
    for (let day = from; ; day = (day % 7) + 1) {
      days.add(day);
      if (day === until) break;
    }
  }
  return days;
}

function isDate(text: string): boolean {
  const dateMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(dateMs) && new Date(dateMs).toISOString().startsWith(text);
}
