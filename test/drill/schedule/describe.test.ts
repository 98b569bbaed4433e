import { describe, expect, it } from 'vitest';
import { describeSchedule, nextRuns } from '../../../src/drill/schedule/describe.ts';
import { scheduleOf } from './schedules.ts';

const words = (input: unknown): string => describeSchedule(scheduleOf(input));

describe('a schedule in words', () => {
  it('says when, by whose clock, and what becomes of missed runs', () => {
    expect(words({ cron: '0 10 * * TUE', timeZone: 'Europe/Zurich' })).toBe(
      'At 10:00, only on Tuesday, by the clock of Europe/Zurich. Missed runs are told, and not made up for.',
    );
    expect(words({ cron: '*/5 * * * *', missed: 'run', catchUp: '5m' })).toBe(
      'Every 5 minutes, by the clock of UTC. The newest missed run is made up for within 5m.',
    );
  });

  it('says the times of a recurrence rule by 24 hours, with its begin and its end', () => {
    expect(words({ rrule: 'FREQ=MONTHLY;BYDAY=2SA;BYHOUR=9,14;BYMINUTE=30' })).toMatch(
      /^Every month on 2nd Saturday at 09:30, 14:30, by the clock of UTC\./,
    );
    expect(words({ rrule: 'FREQ=WEEKLY;INTERVAL=2;UNTIL=20271231', start: '2026-11-24T16:05' })).toMatch(
      /^Every 2 weeks on Tuesday at 16:05 from 2026-11-24T16:05 on until 2027-12-31T23:59, by the clock of UTC\./,
    );
  });

  it('names jitter and windows where there are some', () => {
    const windows = { allow: ['Tue-Thu 09:30-16:00', 'Fri'], block: ['12:00-13:00'], blockDates: ['2027-01-04'] };
    expect(words({ cron: '0 10 * * TUE', jitter: '20m', windows })).toBe(
      'At 10:00, only on Tuesday, by the clock of UTC. Begins up to 20m later. Only within Tue-Thu 09:30-16:00; Fri. ' +
        'Not within 12:00-13:00. Not on 2027-01-04. Missed runs are told, and not made up for.',
    );
  });
});

describe('the next runs', () => {
  it('are the next fires, each with the window that is against it', () => {
    const schedule = scheduleOf({
      cron: '0 10 * * TUE',
      timeZone: 'Europe/Zurich',
      windows: { blockDates: ['2026-12-20/2027-01-03'] },
    });
    const runs = nextRuns(schedule, { name: 'drill', after: new Date('2026-12-14T00:00Z'), count: 4 });
    expect(runs.map(({ at, blocked }) => [at.toISOString(), blocked])).toEqual([
      ['2026-12-15T09:00:00.000Z', undefined],
      ['2026-12-22T09:00:00.000Z', 'blocked date 2026-12-20/2027-01-03'],
      ['2026-12-29T09:00:00.000Z', 'blocked date 2026-12-20/2027-01-03'],
      ['2027-01-05T09:00:00.000Z', undefined],
    ]);
  });
});
