import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/drill/duration.ts';
import { firesBetween, firesMax, fireTimes } from '../../../src/drill/schedule/fire-times.ts';
import { plannedFrom, scheduleOf, strangeTimes } from './schedules.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;

describe('the fires of a schedule', () => {
  it('are at the same local time, whatever the clock is set to', () => {
    const weekly = { cron: '0 10 * * TUE', timeZone: 'Europe/Zurich' };
    expect(plannedFrom(weekly, '2026-10-19T00:00Z', 3)).toEqual([
      '2026-10-20T08:00Z',
      '2026-10-27T09:00Z',
      '2026-11-03T09:00Z',
    ]);
    const monthly = { rrule: 'FREQ=MONTHLY;BYDAY=2SA;BYHOUR=10', timeZone: 'America/New_York' };
    expect(plannedFrom(monthly, '2026-10-01T00:00Z', 3)).toEqual([
      '2026-10-10T14:00Z',
      '2026-11-14T15:00Z',
      '2026-12-12T15:00Z',
    ]);
  });

  it('that the clock leaves out are once, when it is changed', () => {
    const zurich = { timeZone: 'Europe/Zurich' };
    const expected = ['2027-03-27T01:30Z', '2027-03-28T01:00Z', '2027-03-29T00:30Z'];
    expect(plannedFrom({ cron: '30 2 * * *', ...zurich }, '2027-03-27T00:00Z', 3)).toEqual(expected);
    expect(plannedFrom({ rrule: 'FREQ=DAILY;BYHOUR=2;BYMINUTE=30', ...zurich }, '2027-03-27T00:00Z', 3)).toEqual(
      expected,
    );
    expect(plannedFrom({ cron: '0,15,30,45 2,3 * * *', ...zurich }, '2027-03-28T00:59Z', 4)).toEqual([
      '2027-03-28T01:00Z',
      '2027-03-28T01:15Z',
      '2027-03-28T01:30Z',
      '2027-03-28T01:45Z',
    ]);
    const lordHowe = { cron: '10 2 * * *', timeZone: 'Australia/Lord_Howe' };
    expect(plannedFrom(lordHowe, '2026-10-03T00:00Z', 2)).toEqual(['2026-10-03T15:30Z', '2026-10-04T15:10Z']);
  });

  it('that the clock has twice are once, the first time', () => {
    const zurich = { timeZone: 'Europe/Zurich' };
    const expected = ['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z'];
    expect(plannedFrom({ cron: '30 2 * * *', ...zurich }, '2026-10-24T00:00Z', 3)).toEqual(expected);
    expect(plannedFrom({ rrule: 'FREQ=DAILY;BYHOUR=2;BYMINUTE=30', ...zurich }, '2026-10-24T00:00Z', 3)).toEqual(
      expected,
    );
    const lordHowe = { cron: '45 1 * * *', timeZone: 'Australia/Lord_Howe' };
    expect(plannedFrom(lordHowe, '2026-04-04T00:00Z', 2)).toEqual(['2026-04-04T14:45Z', '2026-04-05T15:15Z']);
    const casablanca = { cron: '15 2 * * *', timeZone: 'Africa/Casablanca' };
    expect(plannedFrom(casablanca, '2025-02-23T00:00Z', 2)).toEqual(['2025-02-23T01:15Z', '2025-02-24T02:15Z']);
  });

  it('that run around the clock keep their rhythm when it is changed', () => {
    const hourly = { cron: '0 * * * *', timeZone: 'Europe/Zurich' };
    const hours = (first: string, count: number): readonly string[] =>
      Array.from({ length: count }, (_, index) =>
        new Date(Date.parse(first) + index * hourMs).toISOString().replace(':00.000Z', 'Z'),
      );
    expect(plannedFrom(hourly, '2026-10-24T22:30Z', 5)).toEqual(hours('2026-10-24T23:00Z', 5));
    expect(plannedFrom(hourly, '2027-03-27T22:30Z', 5)).toEqual(hours('2027-03-27T23:00Z', 5));
    expect(plannedFrom({ cron: '@hourly', timeZone: 'Europe/Zurich' }, '2026-10-24T22:30Z', 5)).toEqual(
      hours('2026-10-24T23:00Z', 5),
    );
  });

  it('are on the 29th of February in leap years alone', () => {
    const expected = ['2028-02-29T03:00Z', '2032-02-29T03:00Z'];
    expect(plannedFrom({ cron: '0 3 29 2 *' }, '2026-11-22T00:00Z', 2)).toEqual(expected);
    expect(plannedFrom({ rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=3' }, '2026-11-22T00:00Z', 2)).toEqual(
      expected,
    );
    expect(plannedFrom({ cron: '0 3 29 2 *' }, '2096-03-01T00:00Z', 1)).toEqual(['2104-02-29T03:00Z']);
    expect(plannedFrom({ cron: '0 3 L * *' }, '2028-01-31T12:00Z', 1)).toEqual(['2028-02-29T03:00Z']);
  });

  it('go over the end of a year', () => {
    expect(plannedFrom({ cron: '30 23,0 * * *' }, '2026-12-31T12:00Z', 3)).toEqual([
      '2026-12-31T23:30Z',
      '2027-01-01T00:30Z',
      '2027-01-01T23:30Z',
    ]);
    const rrule = 'FREQ=WEEKLY;INTERVAL=2;BYDAY=FR';
    expect(plannedFrom({ rrule, start: '2026-12-04T10:00' }, '2026-12-10T00:00Z', 3)).toEqual([
      '2026-12-18T10:00Z',
      '2027-01-01T10:00Z',
      '2027-01-15T10:00Z',
    ]);
  });

  it('count from the start, and only where the rule has it', () => {
    const quarterly = { rrule: 'FREQ=MONTHLY;INTERVAL=3;BYDAY=1WE', start: '2027-01-06T10:00' };
    expect(plannedFrom(quarterly, '2026-01-01T00:00Z', 3)).toEqual([
      '2027-01-06T10:00Z',
      '2027-04-07T10:00Z',
      '2027-07-07T10:00Z',
    ]);
    const monthEnd = { rrule: 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3', start: '2026-11-22T16:45' };
    expect(plannedFrom(monthEnd, '2026-01-01T00:00Z', 9)).toEqual([
      '2026-11-30T16:45Z',
      '2026-12-31T16:45Z',
      '2027-01-29T16:45Z',
    ]);
  });

  it('end with the last time of UNTIL, read by the clock of the zone or as UTC', () => {
    const daily = (until: string): object => ({
      rrule: `FREQ=DAILY;BYHOUR=10;UNTIL=${until}`,
      timeZone: 'America/New_York',
    });
    const two = ['2026-11-22T15:00Z', '2026-11-23T15:00Z'];
    for (const until of ['20261123', '20261123T100000', '20261123T150000Z'])
      expect(plannedFrom(daily(until), '2026-11-22T00:00Z', 9)).toEqual(two);
    for (const until of ['20261123T095959', '20261123T145959Z'])
      expect(plannedFrom(daily(until), '2026-11-22T00:00Z', 9)).toEqual(two.slice(0, 1));
  });

  it('agree with RFC 5545 where it gives examples', () => {
    const from = (rrule: string, start: string, count: number): readonly string[] =>
      plannedFrom({ rrule, start, timeZone: 'America/New_York' }, '2000-01-01T00:00Z', count).map((time) =>
        time.slice(0, 10),
      );
    // 3.8.5.3: every other month on the first and last Sunday; the 13th that is a Friday; the US presidential election day.
    expect(from('FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU', '2007-09-02T09:00', 10)).toEqual(
      ['2007-09-02', '2007-09-30', '2007-11-04', '2007-11-25', '2008-01-06', '2008-01-27'].concat([
        '2008-03-02',
        '2008-03-30',
        '2008-05-04',
        '2008-05-25',
      ]),
    );
    expect(from('FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', '2007-09-02T09:00', 3)).toEqual([
      '2008-06-13',
      '2009-02-13',
      '2009-03-13',
    ]);
    expect(from('FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8', '2000-11-07T09:00', 3)).toEqual([
      '2000-11-07',
      '2004-11-02',
      '2008-11-04',
    ]);
  });

  it('of a cron expression are those that its library finds by itself in every zone, around every change', () => {
    const list = (max: number): fc.Arbitrary<string> =>
      fc.uniqueArray(fc.nat(max), { minLength: 1, maxLength: 4 }).map((numbers) => numbers.join(','));
    const expression = fc
      .record({
        minute: list(59),
        hour: fc.oneof(list(4), list(23), fc.constantFrom('*', '*/2', '*/3')),
        day: fc.constantFrom('* * *', '* * SUN', '* * MON-SAT', '28-31 * *', 'L * *', '* 2,3,4,10,11 SUN#1'),
      })
      .map(({ minute, hour, day }) => `${minute} ${hour} ${day}`);
    fc.assert(
      fc.property(expression, fc.constantFrom(...strangeTimes), fc.nat(96), (cron, { timeZone, around }, back) => {
        const after = new Date(Date.parse(around) - back * hourMs - 1);
        const until = new Date(Date.parse(around) + 60 * hourMs);
        const fires = firesBetween(scheduleOf({ cron, timeZone }), { name: 'drill', after, until, max: firesMax });
        const library = new Cron(cron, {
          timezone: timeZone,
          paused: true,
          mode: '5-part',
          fixedTimeRule: 'no-wildcard',
        });
        const expected: string[] = [];
        for (let time = library.nextRun(after); time !== null && time <= until; time = library.nextRun(time))
          expected.push(time.toISOString());
        expect(fires.map(({ plannedAt }) => plannedAt.toISOString())).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('are the same where a cron expression and a recurrence rule say the same', () => {
    const hours = Array.from({ length: 24 }, (_, hour) => hour).join(',');
    const said = fc.constantFrom(
      ['0,30 0-23 * * *', `FREQ=DAILY;BYHOUR=${hours};BYMINUTE=0,30`],
      ['15 2 * * MON,THU', 'FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=2;BYMINUTE=15'],
      ['0 10 * * SAT#2', 'FREQ=MONTHLY;BYDAY=2SA;BYHOUR=10'],
      ['0 10 L * *', 'FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=10'],
      ['0 10 * 1,4,7,10 WED#1', 'FREQ=YEARLY;BYMONTH=1,4,7,10;BYDAY=1WE;BYHOUR=10'],
      ['0 3 29 2 *', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=3'],
    );
    const hour = fc.integer({ min: 0, max: 12 * 365 * 24 });
    fc.assert(
      fc.property(said, fc.constantFrom(...strangeTimes), hour, ([cron, rrule], { timeZone }, begin) => {
        const asked = { name: 'drill', after: new Date(Date.UTC(2025, 0, 1) + begin * hourMs - 1), count: firesMax };
        const fires = fireTimes(scheduleOf({ cron, timeZone, jitter: '2h' }), asked);
        expect(fires.length).toBeGreaterThan(0);
        expect(fireTimes(scheduleOf({ rrule, timeZone, jitter: '2h' }), asked)).toEqual(fires);
      }),
      { numRuns: 40 },
    );
  });

  it('are the same, however the time is cut into pieces', () => {
    const schedule = fc.constantFrom(
      { cron: '*/20 * * * *' },
      { cron: '*/20 1-3 * * *' },
      { rrule: 'FREQ=DAILY;BYHOUR=1,2,3,14;BYMINUTE=0,30' },
      { rrule: 'FREQ=DAILY;INTERVAL=3', start: '2024-02-29T02:30' },
    );
    const jitter = fc.constantFrom('0s', '7m', '3h', '24h');
    const steps = fc.array(fc.integer({ min: 1, max: 9 * hourMs }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(schedule, fc.constantFrom(...strangeTimes), jitter, steps, (rule, { timeZone, around }, by, cuts) => {
        const whole = scheduleOf({ ...rule, timeZone, jitter: by });
        const fromMs = Date.parse(around) - 30 * hourMs;
        const pieces: unknown[] = [];
        let reachedMs = fromMs;
        for (const cut of cuts) {
          const [after, until] = [new Date(reachedMs), new Date(reachedMs + cut)];
          pieces.push(...firesBetween(whole, { name: 'drill', after, until, max: firesMax }));
          reachedMs += cut;
        }
        const span = { after: new Date(fromMs), until: new Date(reachedMs) };
        expect(pieces).toEqual(firesBetween(whole, { name: 'drill', ...span, max: firesMax }));
      }),
    );
  });
});

describe('jitter', () => {
  const week = { after: new Date('2026-10-19T00:00Z'), until: new Date('2026-11-02T00:00Z'), max: firesMax };

  it('follows from name and planned time alone, and is another one for each', () => {
    const schedule = (): ReturnType<typeof scheduleOf> => scheduleOf({ cron: '0 10 * * *', jitter: '20m' });
    const fires = firesBetween(schedule(), { name: 'orders', ...week });
    expect(firesBetween(schedule(), { name: 'orders', ...week })).toEqual(fires);
    expect(firesBetween(schedule(), { name: 'payments', ...week })).not.toEqual(fires);
    // Two controllers of different versions have to agree: it never changes.
    expect(fires[0]?.at.toISOString()).toBe('2026-10-19T10:14:48.158Z');
    expect(new Set(fires.map(({ plannedAt, at }) => at.getTime() - plannedAt.getTime())).size).toBe(fires.length);
  });

  it('is from nothing to its bound, evenly', () => {
    const schedule = scheduleOf({ cron: '0 * * * *', jitter: '10m' });
    const fires = fireTimes(schedule, { name: 'drill', after: week.after, count: 1_000 });
    const delays = fires.map(({ plannedAt, at }) => at.getTime() - plannedAt.getTime());
    for (const delay of delays) expect(delay).toBeLessThanOrEqual(10 * minuteMs);
    for (const tenth of Array.from({ length: 10 }, (_, index) => index)) {
      const within = delays.filter((delay) => Math.floor(delay / minuteMs) === tenth);
      expect(within.length).toBeGreaterThan(60);
      expect(within.length).toBeLessThan(140);
    }
  });

  it('keeps fires in order, half their distance apart at the least, whatever it is and the clock does', () => {
    const schedule = fc.constantFrom('* * * * *', '*/5 * * * *', '0 2,3 * * *', '30 1,2,3 * * *', '@hourly', '@daily');
    const jitter = fc.constantFrom('0s', '1m', '1h', '24h');
    fc.assert(
      fc.property(
        schedule,
        jitter,
        fc.constantFrom(...strangeTimes),
        fc.string(),
        (cron, by, { timeZone, around }, name) => {
          const after = new Date(Date.parse(around) - 3 * hourMs);
          const fires = fireTimes(scheduleOf({ cron, jitter: by, timeZone }), { name, after, count: 100 });
          expect(fires).toHaveLength(100);
          for (const [index, { plannedAt, at }] of fires.entries()) {
            expect(at.getTime()).toBeGreaterThan(after.getTime());
            expect(at.getTime()).toBeGreaterThanOrEqual(plannedAt.getTime());
            expect(at.getTime() - plannedAt.getTime()).toBeLessThanOrEqual(parseDuration(by));
            const next = fires[index + 1];
            if (next === undefined) continue;
            const gapMs = next.plannedAt.getTime() - plannedAt.getTime();
            expect(gapMs).toBeGreaterThanOrEqual(minuteMs);
            expect(next.at.getTime() - at.getTime()).toBeGreaterThanOrEqual(gapMs / 2);
          }
        },
      ),
    );
  });
});

describe('asking for fires', () => {
  it('ends where the schedule has no more in ten years', () => {
    const over = { rrule: 'FREQ=DAILY;COUNT=2', start: '2026-11-22T10:00' };
    expect(plannedFrom(over, '2026-11-22T10:00Z', 5)).toEqual(['2026-11-23T10:00Z']);
    expect(plannedFrom(over, '2030-01-01T00:00Z', 5)).toEqual([]);
    expect(plannedFrom({ cron: '@daily' }, '2026-11-22T10:00Z', 0)).toEqual([]);
  });

  it('for more than can be listed at once is refused', () => {
    const asked = { name: 'drill', after: new Date(0), count: firesMax + 1 };
    expect(() => fireTimes(scheduleOf({ cron: '@daily' }), asked)).toThrow('1001 were asked for; ask for 0 to 1000');
  });

  it('of a schedule that was never parsed is refused', () => {
    const broken = { ...scheduleOf({ cron: '@daily' }), cron: '0 25 * * *' };
    expect(() => fireTimes(broken, { name: 'drill', after: new Date(0), count: 1 })).toThrow(
      /schedule: "cron" must be/,
    );
  });
});
