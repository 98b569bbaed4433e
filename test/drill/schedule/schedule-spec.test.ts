import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fireTimes } from '../../../src/drill/schedule/fire-times.ts';
import { drillScheduleSchema } from '../../../src/drill/schedule/schedule-spec.ts';

const refusals = (input: unknown): readonly string[] => {
  const parsed = drillScheduleSchema.safeParse(input);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('a schedule', () => {
  it('has defaults for everything but when it fires', () => {
    expect(drillScheduleSchema.parse({ cron: '0 10 * * TUE' })).toEqual({
      cron: '0 10 * * TUE',
      timeZone: 'UTC',
      jitter: '0s',
      windows: { allow: [], block: [], blockDates: [] },
      missed: 'tell',
      catchUp: '1h',
    });
  });

  it('comes out as it went in, so that a document can be written back', () => {
    const schedule = drillScheduleSchema.parse({
      rrule: 'FREQ=MONTHLY;INTERVAL=3;BYDAY=2SA;UNTIL=20301231',
      start: '2026-11-22T10:00',
      timeZone: 'Europe/Zurich',
      jitter: '20m',
      windows: {
        allow: ['Tue-Thu 09:30-16:00', 'Sat'],
        block: ['Mon 22:00-02:00'],
        blockDates: ['2026-12-20/2027-01-03'],
      },
      missed: 'run',
    });
    expect(drillScheduleSchema.parse(JSON.parse(JSON.stringify(schedule)))).toEqual(schedule);
  });

  it.each([
    '*/5 * * * *',
    '0 */6 * * *',
    '30 9,14 * * 1-5',
    '0 10 * * SAT#2',
    '0 10 * * FRIL',
    '0 0 L * *',
    '0 10 1 JAN,APR,JUL,OCT *',
    '0 10 15W * *',
    '0 3 29 2 *',
    '@hourly',
    '@daily',
    '@midnight',
    '@weekly',
    '@monthly',
    '@yearly',
    '@annually',
  ])('takes the cron expression %s', (cron) => {
    expect(refusals({ cron })).toEqual([]);
  });

  it.each([
    'FREQ=DAILY;BYHOUR=10',
    'FREQ=WEEKLY;BYDAY=TU,TH;BYHOUR=9,14;BYMINUTE=30',
    'FREQ=MONTHLY;BYDAY=2SA;BYHOUR=10',
    'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=10',
    'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;BYHOUR=10;WKST=MO',
    'FREQ=YEARLY;BYMONTH=1,4,7,10;BYDAY=1WE;BYHOUR=10;UNTIL=20301231T235959Z',
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=3',
  ])('takes the recurrence rule %s without a start: it says everything itself', (rrule) => {
    expect(refusals({ rrule })).toEqual([]);
  });

  it.each([
    ['FREQ=WEEKLY;BYDAY=TU', 'the rule has no BYHOUR, so "start" says the time of day'],
    ['FREQ=WEEKLY;BYHOUR=10', 'the rule has no BYDAY, so "start" says the day'],
    ['FREQ=MONTHLY;BYHOUR=10', 'the rule has no BYDAY or BYMONTHDAY, so "start" says the day'],
    ['FREQ=YEARLY;BYMONTH=3;BYHOUR=10', 'the rule has no BYDAY or BYMONTHDAY, so "start" says the day'],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=10', 'INTERVAL counts from "start"'],
    ['FREQ=DAILY;BYHOUR=10;COUNT=3', 'COUNT counts from "start"'],
  ])('needs a start where the rule leaves something open: %s', (rrule, why) => {
    expect(refusals({ rrule })).toEqual([`start: must be given, such as 2026-11-22T10:00: ${why}`]);
    expect(refusals({ rrule, start: '2026-11-22T10:00' })).toEqual([]);
  });

  it.each([
    [{}, 'cron: or "rrule" must be given'],
    [{ cron: '@daily', rrule: 'FREQ=DAILY;BYHOUR=1' }, 'rrule: must be left out where "cron" is given'],
    [{ cron: '@daily', start: '2026-11-22T10:00' }, 'start: must be left out: it belongs to "rrule"'],
    [{ cron: '0 0 10 * * *' }, 'cron: must be five fields with one space between them, without seconds'],
    [{ cron: '0  10 * * *' }, 'cron: must be five fields with one space'],
    [{ cron: '@reboot' }, 'cron: must be five fields with one space between them, without seconds, or one of @hourly'],
    [{ cron: '0 25 * * *' }, 'cron: must be a cron expression: Invalid value for hour: 25; it is "0 25 * * *"'],
    [{ cron: '0 10 ? * TUE' }, 'cron: must do without "?" and "+"'],
    [{ cron: '0 10 8-14 * SAT' }, 'cron: must not name days of the month and of the week'],
    [{ rrule: 'FREQ=HOURLY' }, 'rrule: must have in FREQ one of DAILY, WEEKLY, MONTHLY, YEARLY; it has "HOURLY"'],
    [{ rrule: 'BYHOUR=10' }, 'rrule: must have FREQ: one of DAILY'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=24' }, 'rrule: must have in BYHOUR whole numbers from 0 to 23; it has "24"'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=1;BYSECOND=30' }, 'rrule: must not have BYSECOND: drills begin at whole minutes'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=1;BYHOUR=2' }, 'rrule: must have BYHOUR once'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=1;BYWEEK=2' }, 'rrule: must be made of FREQ, INTERVAL'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=1;' }, 'rrule: must be parts NAME=VALUE with ";" between them'],
    [{ rrule: 'RRULE:FREQ=DAILY;BYHOUR=1' }, 'rrule: must be the value of an RRULE alone'],
    [
      { rrule: 'FREQ=MONTHLY;BYMONTHDAY=0;BYHOUR=1' },
      'rrule: must have in BYMONTHDAY whole numbers from 1 to 31, or -31',
    ],
    [
      { rrule: 'FREQ=WEEKLY;BYDAY=2SA;BYHOUR=1' },
      'rrule: must be a recurrence rule of RFC 5545: BYDAY with numeric value',
    ],
    [
      { rrule: 'FREQ=WEEKLY;BYDAY=SA;BYMONTHDAY=2;BYHOUR=1' },
      'rrule: must be a recurrence rule of RFC 5545: BYMONTHDAY',
    ],
    [
      { rrule: 'FREQ=WEEKLY;BYMONTHDAY=2', start: '2026-11-22T10:00' },
      'rrule: must be a recurrence rule of RFC 5545: BYMONTHDAY',
    ],
    [{ rrule: 'FREQ=WEEKLY;BYDAY=SA,SU;BYSETPOS=1;BYHOUR=1' }, 'rrule: must have no BYSETPOS with FREQ=WEEKLY'],
    [{ rrule: 'FREQ=YEARLY;BYDAY=1MO;BYMONTHDAY=2;BYHOUR=1' }, 'rrule: must not number days in BYDAY'],
    [{ rrule: 'FREQ=DAILY;COUNT=2;UNTIL=20270101', start: '2026-11-22T10:00' }, 'rrule: must have COUNT or UNTIL'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=1;UNTIL=20270231' }, 'rrule: must have a real date in UNTIL; it has 20270231'],
    [
      { rrule: 'FREQ=DAILY;BYHOUR=0,1,2,3,4;BYMINUTE=0,5,10,15,20,25,30,35,40,45' },
      'rrule: must fire at most 48 times a day by BYHOUR and BYMINUTE: use "cron" for more',
    ],
    [{ rrule: 'FREQ=DAILY', start: '2026-11-22T10:00:30' }, 'start: must be a local time of the years 2000 to 2099'],
    [{ rrule: 'FREQ=DAILY', start: '2026-02-29T10:00' }, 'start: must be a local time'],
    [{ cron: '@daily', timeZone: 'Europe/Zuerich' }, 'timeZone: must be a time zone of the IANA database'],
    [{ cron: '@daily', timeZone: '+01:00' }, 'timeZone: must be a time zone of the IANA database'],
    [{ cron: '@daily', jitter: '24h1s' }, 'jitter: must be from 0s to 24h; it is 24h1s'],
    [{ cron: '@daily', catchUp: '8d' }, 'catchUp: must be from 1m to 7d; it is 8d'],
    [{ cron: '@daily', missed: 'all' }, 'missed: must be "tell" or "run"'],
    [{ cron: '@daily', seconds: 1 }, ': Unrecognized key: "seconds"'],
    [{ cron: '@daily', windows: { allow: ['tue 09:00-10:00'] } }, 'windows.allow.0: must have days of Mon, Tue'],
    [
      { cron: '@daily', windows: { block: ['Tue', 'Tue 9-10'] } },
      'windows.block.1: must be days, times, or days and times',
    ],
    [{ cron: '@daily', windows: { block: ['Tue 09:00-09:00'] } }, 'windows.block.0: must not end when it begins'],
    [
      { cron: '@daily', windows: { block: ['Tue 09:60-10:00'] } },
      'windows.block.0: must have times from 00:00 to 24:00',
    ],
    [{ cron: '@daily', windows: { blockDates: ['2027-02-29'] } }, 'windows.blockDates.0: must be a date or two'],
    [
      { cron: '@daily', windows: { blockDates: ['2027-01-03/2026-12-20'] } },
      'windows.blockDates.0: must not end before it begins: write "2026-12-20/2027-01-03"',
    ],
  ])('is refused with the field and what to do: %j', (input, expected) => {
    const [refusal, ...more] = refusals(input);
    expect(refusal).toContain(expected);
    expect(more).toEqual([]);
  });

  it('is taken or refused, whatever is written: nothing else is thrown, and what is taken fires', () => {
    const part = fc.oneof(
      fc.constantFrom('INTERVAL=3', 'COUNT=5', 'UNTIL=20270101', 'BYMONTH=2,11', 'BYMONTHDAY=-1,29', 'BYMONTHDAY=31'),
      fc.constantFrom(
        'BYDAY=MO,SU',
        'BYDAY=-1FR',
        'BYDAY=5WE',
        'BYHOUR=2,3',
        'BYMINUTE=0,30',
        'BYSETPOS=-1',
        'WKST=SU',
      ),
      fc.constantFrom('BYSETPOS=300', 'BYWEEKNO=20', 'BYSECOND=0', 'INTERVAL=0', 'BYDAY=', '=', 'X'),
    );
    const parts = fc.uniqueArray(part, { maxLength: 6 });
    const rrule = fc
      .tuple(fc.constantFrom('DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'), parts)
      .map(([frequency, more]) => [`FREQ=${frequency}`, ...more].join(';'));
    const start = fc.option(fc.constantFrom('2026-11-22T02:30', '2024-02-29T00:00'), { nil: undefined });
    const field = fc.constantFrom('*', '0', '*/7', '1-5', '31', 'MON', 'L', '5#2', '99', '', 'x', '-', ',');
    const cron = fc.array(field, { minLength: 4, maxLength: 6 }).map((fields) => fields.join(' '));
    const input = fc.oneof(
      fc.record({ rrule, start }),
      cron.map((text) => ({ cron: text })),
    );
    fc.assert(
      fc.property(input, (written) => {
        const parsed = drillScheduleSchema.safeParse(written);
        if (!parsed.success) return;
        expect(fireTimes(parsed.data, { name: 'drill', after: new Date(Date.UTC(2024, 0, 1)), count: 1 })).toHaveLength(
          1,
        );
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['cron', { cron: '0 0 31 2 *' }],
    ['cron', { cron: '0 0 30,31 2 *' }],
    ['rrule', { rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1' }],
    ['rrule', { rrule: 'FREQ=DAILY;BYHOUR=10;UNTIL=20251231' }],
    ['rrule', { rrule: 'FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1;BYSETPOS=2;BYHOUR=1' }],
  ])('that can never fire is refused at its %s: %j', (field, input) => {
    expect(refusals(input)).toEqual([
      expect.stringMatching(new RegExp(`^${field}: must fire within five years of 2026-01-01`)),
    ]);
  });

  it('whose every fire falls into a blocked window is refused, with the first of them', () => {
    const windows = { allow: ['Tue-Thu 09:30-16:00'] };
    expect(refusals({ cron: '0 8 * * SUN', windows })).toEqual([
      'windows: must leave some fire open: within five years of 2026-01-01 all are blocked; move the fires or the windows. ' +
        'The first, 2026-01-04T08:00:00.000Z: outside of the allowed window Tue-Thu 09:30-16:00',
    ]);
    expect(refusals({ cron: '0 9 * * TUE', windows })).toHaveLength(1);
    expect(refusals({ cron: '0 9 * * TUE', jitter: '29m', windows })).toHaveLength(1);
    expect(refusals({ cron: '0 9 * * TUE', jitter: '30m', windows })).toEqual([]);
  });
});
