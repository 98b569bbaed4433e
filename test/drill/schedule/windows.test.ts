import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drillScheduleSchema } from '../../../src/drill/schedule/schedule-spec.ts';
import { windowAt } from '../../../src/drill/schedule/windows.ts';

function states(windows: object, times: readonly string[], timeZone = 'UTC'): readonly string[] {
  const schedule = drillScheduleSchema.parse({ cron: '* * * * *', timeZone, windows });
  return times.map((time) => {
    const state = windowAt(schedule, new Date(time));
    return state.kind === 'open' ? 'open' : state.by;
  });
}

describe('the windows of a schedule', () => {
  it('are open at every time where none is named', () => {
    expect(states({}, ['2026-11-22T00:00Z', '2027-06-01T12:34:56.789Z'])).toEqual(['open', 'open']);
  });

  it('allow from their first minute until before their last one', () => {
    const by = 'outside of the allowed window Tue-Thu 09:30-16:00';
    const times = ['2026-11-24T09:29:59.999Z', '2026-11-24T09:30Z', '2026-11-26T15:59:59.999Z', '2026-11-26T16:00Z'];
    expect(states({ allow: ['Tue-Thu 09:30-16:00'] }, times)).toEqual([by, 'open', 'open', by]);
    expect(states({ allow: ['Tue-Thu 09:30-16:00'] }, ['2026-11-23T10:00Z', '2026-11-27T10:00Z'])).toEqual([by, by]);
  });

  it('go over midnight, over the end of the week too', () => {
    const times = [
      '2026-11-22T21:59Z',
      '2026-11-22T22:00Z',
      '2026-11-23T01:59Z',
      '2026-11-23T02:00Z',
      '2026-11-23T22:00Z',
    ];
    expect(states({ block: ['Sun 22:00-02:00'] }, times)).toEqual([
      'open',
      'blocked window Sun 22:00-02:00',
      'blocked window Sun 22:00-02:00',
      'open',
      'open',
    ]);
  });

  it('are whole days without times, and every day without days', () => {
    expect(states({ block: ['Sat,Sun'] }, ['2026-11-20T23:59Z', '2026-11-21T00:00Z', '2026-11-23T00:00Z'])).toEqual([
      'open',
      'blocked window Sat,Sun',
      'open',
    ]);
    expect(states({ block: ['Fri-Mon 12:00-24:00'] }, ['2026-11-23T23:59Z', '2026-11-24T12:00Z'])).toEqual([
      'blocked window Fri-Mon 12:00-24:00',
      'open',
    ]);
    expect(states({ block: ['12:00-13:00'] }, ['2026-11-24T12:30Z', '2026-11-25T13:00Z'])).toEqual([
      'blocked window 12:00-13:00',
      'open',
    ]);
  });

  it('are blocked before they are allowed, and on dates from the first to the last', () => {
    const windows = { allow: ['Mon-Sun'], block: ['Fri'], blockDates: ['2026-12-20/2027-01-03', '2027-01-08'] };
    const times = [
      '2026-12-19T23:59Z',
      '2026-12-20T00:00Z',
      '2027-01-03T23:59Z',
      '2027-01-04T00:00Z',
      '2027-01-08T09:00Z',
    ];
    expect(states(windows, [...times, '2027-01-15T09:00Z'])).toEqual([
      'open',
      'blocked date 2026-12-20/2027-01-03',
      'blocked date 2026-12-20/2027-01-03',
      'open',
      'blocked date 2027-01-08',
      'blocked window Fri',
    ]);
  });

  it('go by the local clock, also on the day that it is changed', () => {
    const windows = { allow: ['Sun 02:00-03:00'] };
    const by = 'outside of the allowed window Sun 02:00-03:00';
    // Clocks go back at 01:00Z: the hour from 02:00 to 03:00 is there twice.
    const autumn = ['2026-10-24T23:59Z', '2026-10-25T00:00Z', '2026-10-25T01:59Z', '2026-10-25T02:00Z'];
    expect(states(windows, autumn, 'Europe/Zurich')).toEqual([by, 'open', 'open', by]);
    // Clocks go forward at 01:00Z: it is not there.
    expect(states(windows, ['2027-03-28T00:59Z', '2027-03-28T01:00Z'], 'Europe/Zurich')).toEqual([by, by]);
  });

  it('that are allowed and the same ones blocked are each other’s opposite', () => {
    const day = fc.constantFrom('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun');
    const clock = fc
      .tuple(fc.nat(23), fc.nat(59))
      .map(([hour, minute]) => [hour, minute].map((n) => `${n}`.padStart(2, '0')).join(':'));
    const line = fc
      .record({ first: day, last: day, from: clock, until: clock })
      .filter(({ from, until }) => from !== until)
      .map(({ first, last, from, until }) => `${first}-${last} ${from}-${until}`);
    const time = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) });
    fc.assert(
      fc.property(line, fc.array(time, { minLength: 100, maxLength: 100 }), (text, times) => {
        const asked = times.map((at) => new Date(at).toISOString());
        const allowed = states({ allow: [text] }, asked, 'Australia/Lord_Howe');
        const blocked = states({ block: [text] }, asked, 'Australia/Lord_Howe');
        for (const [index, state] of allowed.entries()) expect(state === 'open').toBe(blocked[index] !== 'open');
      }),
      { numRuns: 25 },
    );
  });
});
