import { type Reading, read, refused } from './reading.ts';

/**
 * A recurrence rule (RRULE of RFC 5545, 3.3.10) as far as drills have them: whole minutes, days at the least. Left out is
 * what libraries read in different ways: BYWEEKNO, BYYEARDAY, and some parts that stand together.
 */
export interface RecurrenceRule {
  /** Its parts but `UNTIL`, as they were written. */
  readonly parts: ReadonlyMap<string, string>;
  /** Hours and minutes that it names; empty where `start` says them. */
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly until?: RuleEnd;
}

/** The last time that is part of it: of the local clock, or of UTC. Milliseconds since 1970-01-01T00:00 of that clock. */
export interface RuleEnd {
  readonly clock: 'local' | 'UTC';
  readonly atMs: number;
}

/** Bounds how many times are counted from the start. */
const countMax = 1_000;

/** Bounds what the library lists of a year. More than that is what cron expressions are for. */
const timesADayMax = 48;

const frequencies = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'];
const weekday = '(?:MO|TU|WE|TH|FR|SA|SU)';

type PartRule =
  | {
      readonly kind: 'numbers';
      readonly min: number;
      readonly max: number;
      readonly fromEnd?: true;
      readonly one?: true;
    }
  | { readonly kind: 'text'; readonly shape: RegExp; readonly wanted: string };

const partRules: Readonly<Record<string, PartRule>> = {
  FREQ: { kind: 'text', shape: new RegExp(`^(?:${frequencies.join('|')})$`), wanted: oneOf(frequencies) },
  INTERVAL: { kind: 'numbers', min: 1, max: 1_000, one: true },
  COUNT: { kind: 'numbers', min: 1, max: countMax, one: true },
  UNTIL: {
    kind: 'text',
    shape: /^\d{8}(?:T\d{6}Z?)?$/,
    wanted: 'a date or a time, such as 20271231 or 20271231T220000Z',
  },
  BYMONTH: { kind: 'numbers', min: 1, max: 12 },
  BYMONTHDAY: { kind: 'numbers', min: 1, max: 31, fromEnd: true },
  BYDAY: {
    kind: 'text',
    shape: new RegExp(`^(?:[+-]?[1-9]\\d?)?${weekday}(?:,(?:[+-]?[1-9]\\d?)?${weekday})*$`),
    wanted: 'days such as MO, 2WE (the second) or -1FR (the last), with commas between them',
  },
  BYHOUR: { kind: 'numbers', min: 0, max: 23 },
  BYMINUTE: { kind: 'numbers', min: 0, max: 59 },
  BYSETPOS: { kind: 'numbers', min: 1, max: 366, fromEnd: true },
  WKST: { kind: 'text', shape: new RegExp(`^${weekday}$`), wanted: 'a day such as MO' },
};

/** By its text alone; what its parts may not be together is the library's to say (local-times.ts). */
export function readRecurrenceRule(text: string): Reading<RecurrenceRule> {
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    const [name = '', value, ...more] = part.split('=');
    if (value === undefined || more.length > 0)
      return refused(`must be parts NAME=VALUE with ";" between them, such as FREQ=WEEKLY;BYDAY=TU; it has "${part}"`);
    const why = parts.has(name) ? `must have ${name} once` : whyNotPart(name, value);
    if (why !== undefined) return refused(why);
    parts.set(name, value);
  }
  const frequency = parts.get('FREQ');
  if (frequency === undefined) return refused(`must have FREQ: ${oneOf(frequencies)}`);
  if ((frequency === 'DAILY' || frequency === 'WEEKLY') && parts.has('BYSETPOS'))
    return refused(`must have no BYSETPOS with FREQ=${frequency}: name days by BYDAY and times by BYHOUR and BYMINUTE`);
  if (frequency === 'YEARLY' && parts.has('BYMONTHDAY') && /\d/.test(parts.get('BYDAY') ?? ''))
    return refused(
      'must not number days in BYDAY where FREQ=YEARLY has BYMONTHDAY: write one of both, or FREQ=MONTHLY',
    );
  const untilText = parts.get('UNTIL');
  parts.delete('UNTIL');
  if (untilText !== undefined && parts.has('COUNT')) return refused('must have COUNT or UNTIL, not both');
  const until = untilText === undefined ? undefined : readEnd(untilText);
  if (untilText !== undefined && until === undefined)
    return refused(`must have a real date in UNTIL; it has ${untilText}`);
  const rule = { parts, hours: numbersOf(parts.get('BYHOUR')), minutes: numbersOf(parts.get('BYMINUTE')) };
  if (Math.max(1, rule.hours.length) * Math.max(1, rule.minutes.length) > timesADayMax)
    return refused(`must fire at most ${timesADayMax} times a day by BYHOUR and BYMINUTE: use "cron" for more`);
  return read(until === undefined ? rule : { ...rule, until });
}

/** Why this rule cannot do without `start`; undefined where it says everything by itself. */
export function whyStartIsNeeded({ parts, hours }: RecurrenceRule): string | undefined {
  if (hours.length === 0) return 'the rule has no BYHOUR, so "start" says the time of day';
  if (parts.has('COUNT')) return 'COUNT counts from "start"';
  if (Number(parts.get('INTERVAL') ?? 1) > 1) return 'INTERVAL counts from "start"';
  const frequency = parts.get('FREQ');
  const wanted = frequency === 'WEEKLY' ? ['BYDAY'] : ['BYDAY', 'BYMONTHDAY'];
  if (frequency === 'DAILY' || wanted.some((name) => parts.has(name))) return undefined;
  return `the rule has no ${wanted.join(' or ')}, so "start" says the day`;
}

function whyNotPart(name: string, value: string): string | undefined {
  if (name === 'BYSECOND') return 'must not have BYSECOND: drills begin at whole minutes';
  if (name.startsWith('DTSTART') || name.startsWith('RRULE:'))
    return 'must be the value of an RRULE alone, such as FREQ=WEEKLY;BYDAY=TU; the first time is "start"';
  const rule = Object.hasOwn(partRules, name) ? partRules[name] : undefined;
  if (rule === undefined) return `must be made of ${Object.keys(partRules).join(', ')}; it has "${name}"`;
  if (rule.kind === 'text')
    return rule.shape.test(value) ? undefined : `must have in ${name} ${rule.wanted}; it has "${value}"`;
  const { min, max, fromEnd = false, one = false } = rule;
  const numbers = value.split(',');
  const fits = numbers.every((each) => {
    const number = (fromEnd ? /^[+-]?\d{1,4}$/ : /^\d{1,4}$/).test(each) ? Number(each) : Number.NaN;
    return Math.abs(number) >= min && Math.abs(number) <= max;
  });
  if (fits && (!one || numbers.length === 1)) return undefined;
  const bounds = `${min} to ${max}${fromEnd ? `, or -${max} to -${min}` : ''}`;
  return `must have in ${name} ${one ? 'a whole number' : 'whole numbers'} from ${bounds}; it has "${value}"`;
}

function readEnd(text: string): RuleEnd | undefined {
  const [, year, month, day, hour = '23', minute = '59', second = '59', utc] =
    /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?$/.exec(text) ?? [];
  const iso = `${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour}:${minute}:${second}.000Z`;
  const atMs = Date.parse(iso);
  if (Number.isNaN(atMs) || new Date(atMs).toISOString() !== iso) return undefined;
  return { clock: utc === undefined ? 'local' : 'UTC', atMs };
}

function numbersOf(text: string | undefined): readonly number[] {
  return text === undefined ? [] : text.split(',').map(Number);
}

function oneOf(names: readonly string[]): string {
  return `one of ${names.join(', ')}`;
}
