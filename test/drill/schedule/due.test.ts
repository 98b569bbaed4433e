import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DueFires, dueFires, listedMax, onTimeMs, walkedMax } from '../../../src/drill/schedule/due.ts';
import { type Fire, firesBetween, firesMax } from '../../../src/drill/schedule/fire-times.ts';
import { type DrillSchedule } from '../../../src/drill/schedule/schedule-spec.ts';
import { windowAt } from '../../../src/drill/schedule/windows.ts';
import { scheduleOf, strangeTimes, times } from './schedules.ts';

const name = 'drill';
const hourMs = 3_600_000;
const minuteMs = 60_000;

const look = (schedule: DrillSchedule, handledTo: string, now: string): DueFires =>
  dueFires({ schedule, name, handledTo: new Date(handledTo), now: new Date(now) });

const at = (fire: Fire | undefined): string | undefined => fire?.at.toISOString().replace(':00.000Z', 'Z');

/** Every fire that a look tells of. */
const told = ({ due, skipped, missed }: DueFires): readonly Fire[] => [
  ...(due === undefined ? [] : [due]),
  ...skipped.map(({ fire }) => fire),
  ...missed,
];

describe('a look at a schedule', () => {
  const daily = scheduleOf({ cron: '0 10 * * *' });

  it('finds a fire due from its time on, as long as it is on time', () => {
    expect(look(daily, '2026-11-22T09:59Z', '2026-11-22T09:59:59.999Z').due).toBeUndefined();
    expect(at(look(daily, '2026-11-22T09:59Z', '2026-11-22T10:00Z').due)).toBe('2026-11-22T10:00Z');
    const last = new Date(Date.parse('2026-11-22T10:00Z') + onTimeMs).toISOString();
    expect(at(look(daily, '2026-11-22T09:59Z', last).due)).toBe('2026-11-22T10:00Z');
    const late = look(daily, '2026-11-22T09:59Z', '2026-11-22T10:01:00.001Z');
    expect(late.due).toBeUndefined();
    expect(late.missed.map(at)).toEqual(['2026-11-22T10:00Z']);
  });

  it('with what it answered says nothing again', () => {
    const first = look(daily, '2026-11-01T00:00Z', '2026-11-22T10:00:30Z');
    expect(at(first.due)).toBe('2026-11-22T10:00Z');
    expect(first.missedCount).toBe(21);
    const again = dueFires({
      schedule: daily,
      name,
      handledTo: first.handledTo,
      now: new Date('2026-11-22T10:00:30Z'),
    });
    expect(told(again)).toEqual([]);
    expect(again.handledTo).toEqual(first.handledTo);
  });

  it('after downtime tells every fire of it, and runs none', () => {
    const seen = look(daily, '2026-11-18T12:00Z', '2026-11-21T10:20Z');
    expect(seen.due).toBeUndefined();
    expect(seen.missed.map(at)).toEqual(['2026-11-19T10:00Z', '2026-11-20T10:00Z', '2026-11-21T10:00Z']);
    expect(seen.missedCount).toBe(3);
  });

  it('after downtime makes up for the newest alone, where it is to and it is not too old', () => {
    const made = scheduleOf({ cron: '0 10 * * *', missed: 'run', catchUp: '30m' });
    const seen = look(made, '2026-11-18T12:00Z', '2026-11-21T10:30Z');
    expect(at(seen.due)).toBe('2026-11-21T10:00Z');
    expect(seen.missed.map(at)).toEqual(['2026-11-19T10:00Z', '2026-11-20T10:00Z']);
    const late = look(made, '2026-11-18T12:00Z', '2026-11-21T10:30:00.001Z');
    expect(late.due).toBeUndefined();
    expect(late.missedCount).toBe(3);
  });

  it('makes up for nothing into a window that is blocked by now', () => {
    const made = scheduleOf({ cron: '0 10 * * *', missed: 'run', windows: { allow: ['09:00-10:15'] } });
    expect(at(look(made, '2026-11-20T12:00Z', '2026-11-21T10:14Z').due)).toBe('2026-11-21T10:00Z');
    const late = look(made, '2026-11-20T12:00Z', '2026-11-21T10:15Z');
    expect(late.due).toBeUndefined();
    expect(late.missed.map(at)).toEqual(['2026-11-21T10:00Z']);
  });

  it('skips a fire in a blocked window, and says which one it is', () => {
    const schedule = scheduleOf({ cron: '0 10 * * *', windows: { blockDates: ['2026-11-22'] } });
    const seen = look(schedule, '2026-11-20T12:00Z', '2026-11-22T10:00Z');
    expect(seen.due).toBeUndefined();
    expect(seen.missed.map(at)).toEqual(['2026-11-21T10:00Z']);
    expect(seen.skipped.map(({ fire, reason }) => [at(fire), reason])).toEqual([
      ['2026-11-22T10:00Z', 'blocked date 2026-11-22'],
    ]);
  });

  it('skips a fire whose window has closed between its time and now', () => {
    const schedule = scheduleOf({ cron: '59 9 * * *', windows: { block: ['10:00-11:00'] } });
    const seen = look(schedule, '2026-11-22T09:00Z', '2026-11-22T10:00Z');
    expect(seen.due).toBeUndefined();
    expect(seen.skipped.map(({ fire, reason }) => [at(fire), reason])).toEqual([
      ['2026-11-22T09:59Z', 'blocked window 10:00-11:00'],
    ]);
    expect(seen.missedCount).toBe(0);
  });

  it('runs the newest of two that are on time, and tells the other as missed', () => {
    const seen = look(scheduleOf({ cron: '* * * * *' }), '2026-11-22T09:59:30Z', '2026-11-22T10:01:00Z');
    expect(at(seen.due)).toBe('2026-11-22T10:01Z');
    expect(seen.missed.map(at)).toEqual(['2026-11-22T10:00Z']);
  });

  it('with a clock that was set back says nothing until it has come to where it was, and says how far that is', () => {
    const seen = look(daily, '2026-11-22T10:00:30Z', '2026-11-22T09:00Z');
    expect(told(seen)).toEqual([]);
    expect(seen.handledTo.toISOString()).toBe('2026-11-22T10:00:30.000Z');
    expect(seen.clockBackMs).toBe(hourMs + 30_000);
    expect(look(daily, '2026-11-22T09:00Z', '2026-11-22T10:00Z').clockBackMs).toBe(0);
  });

  it('goes through a bounded number of fires, lists the newest, and leaves the rest to the next one', () => {
    const schedule = scheduleOf({
      cron: '* * * * *',
      windows: { block: ['00:00-06:00'] },
      missed: 'run',
      catchUp: '7d',
    });
    const now = new Date('2026-11-22T12:00:30Z');
    let handledTo = new Date(now.getTime() - 10 * 24 * hourMs);
    const counts = { due: 0, skipped: 0, missed: 0, looks: 0 };
    for (let complete = false; !complete;) {
      const seen = dueFires({ schedule, name, handledTo, now });
      expect(seen.skippedCount + seen.missedCount).toBeLessThanOrEqual(walkedMax);
      expect(seen.skipped.length).toBe(Math.min(listedMax, seen.skippedCount));
      expect(seen.missed.length).toBe(Math.min(listedMax, seen.missedCount));
      expect(times(seen.missed)).toEqual(times(seen.missed).toSorted((one, other) => one - other));
      if (seen.due !== undefined) expect(seen.complete).toBe(true);
      counts.due += seen.due === undefined ? 0 : 1;
      counts.skipped += seen.skippedCount;
      counts.missed += seen.missedCount;
      counts.looks += 1;
      ({ handledTo, complete } = seen);
    }
    expect(counts).toEqual({ due: 1, skipped: 3_600, missed: 10_799, looks: 3 });
    expect(handledTo).toEqual(now);
  });

  it('at a time that is none is refused', () => {
    expect(() => look(daily, 'yesterday', '2026-11-22T10:00Z')).toThrow('handledTo and now must be times');
  });
});

/** Schedules of every kind, in the zone of one of the strange times. */
const scheduled = fc
  .record({
    rule: fc.constantFrom(
      { cron: '*/30 * * * *' },
      { cron: '15,45 1,2,3 * * *' },
      { cron: '0 3 29 2 *' },
      { cron: '@hourly' },
      { rrule: 'FREQ=DAILY;BYHOUR=0,2,12;BYMINUTE=30' },
      { rrule: 'FREQ=DAILY;INTERVAL=2', start: '2024-01-01T03:30' },
      { rrule: 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1;BYHOUR=23' },
    ),
    strange: fc.constantFrom(...strangeTimes),
    jitter: fc.constantFrom('0s', '5m', '24h'),
    windows: fc.constantFrom({}, { block: ['02:00-02:45'] }, { allow: ['Mon-Sun 00:00-12:00', '22:00-02:40'] }),
    missed: fc.constantFrom('tell', 'run'),
  })
  .map(({ rule, strange, ...rest }) => ({
    schedule: scheduleOf({ ...rule, ...rest, timeZone: strange.timeZone }),
    aroundMs: Date.parse(strange.around),
  }));

const all = (schedule: DrillSchedule, afterMs: number, untilMs: number): readonly Fire[] =>
  firesBetween(schedule, { name, after: new Date(afterMs), until: new Date(untilMs), max: firesMax });

describe('over any course of a clock', () => {
  it('each fire is told once: none lost, none twice, whether it stands still, leaps, or is set back', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 * hourMs }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 * hourMs }) },
      { weight: 1, arbitrary: fc.integer({ min: -3 * hourMs, max: 0 }) },
    );
    fc.assert(
      fc.property(scheduled, fc.nat(30), fc.array(step, { maxLength: 40 }), ({ schedule, aroundMs }, back, steps) => {
        const fromMs = aroundMs - back * hourMs;
        let handledTo = new Date(fromMs);
        let nowMs = fromMs;
        let furthestMs = fromMs;
        const seen: number[] = [];
        for (const stepMs of steps) {
          nowMs += stepMs;
          furthestMs = Math.max(furthestMs, nowMs);
          const answer = dueFires({ schedule, name, handledTo, now: new Date(nowMs) });
          expect(answer.skipped.length + answer.missed.length).toBe(answer.skippedCount + answer.missedCount);
          for (const { fire } of answer.skipped) {
            const blocked = [fire.at, new Date(nowMs)].some((time) => windowAt(schedule, time).kind === 'blocked');
            expect(blocked).toBe(true);
          }
          if (answer.due !== undefined) {
            expect(windowAt(schedule, answer.due.at).kind).toBe('open');
            expect(windowAt(schedule, new Date(nowMs)).kind).toBe('open');
            const lateMs = nowMs - answer.due.at.getTime();
            expect(lateMs).toBeLessThanOrEqual(schedule.missed === 'run' ? hourMs : onTimeMs);
          }
          seen.push(...times(told(answer)));
          expect(answer.handledTo.getTime()).toBe(furthestMs);
          ({ handledTo } = answer);
        }
        expect(seen.toSorted((one, other) => one - other)).toEqual(times(all(schedule, fromMs, furthestMs)));
      }),
      { numRuns: 200 },
    );
  });

  it('looks that are seconds apart miss nothing: every fire of an open window is due, once', () => {
    const pace = fc.infiniteStream(fc.integer({ min: 500, max: 30_000 }));
    const dense = fc.constantFrom(
      { cron: '* * * * *' },
      { cron: '*/7 * * * *' },
      { rrule: 'FREQ=DAILY;BYHOUR=1,2,3,14,23;BYMINUTE=0,10,30,55' },
      { rrule: 'FREQ=DAILY;BYMINUTE=0,10,20,30,40,50;BYHOUR=1,2', start: '2025-01-01T00:00' },
    );
    const jitter = fc.constantFrom('0s', '30s', '24h');
    fc.assert(
      fc.property(dense, fc.constantFrom(...strangeTimes), jitter, pace, (rule, { timeZone, around }, by, steps) => {
        const schedule = scheduleOf({ ...rule, timeZone, jitter: by });
        const fromMs = Date.parse(around) - 65 * minuteMs;
        const untilMs = fromMs + 130 * minuteMs;
        let handledTo = new Date(fromMs);
        const due: number[] = [];
        let nowMs = fromMs;
        for (const stepMs of steps) {
          if (nowMs >= untilMs) break;
          nowMs += stepMs;
          const answer = dueFires({ schedule, name, handledTo, now: new Date(nowMs) });
          expect(answer.missedCount).toBe(0);
          if (answer.due !== undefined) due.push(answer.due.at.getTime());
          ({ handledTo } = answer);
        }
        expect(due).toEqual(times(all(schedule, fromMs, nowMs)));
      }),
      { numRuns: 60 },
    );
  });

  it('two controllers that claim by compare-and-set never run the same fire, whatever their clocks and their order', () => {
    // Each turn is one controller's: it reads the register and reckons, or tries to write what it reckoned.
    const turn = fc.record({
      who: fc.nat(1),
      passMs: fc.oneof(fc.nat(20_000), fc.nat(3 * hourMs)),
      skewMs: fc.integer({ min: -90_000, max: 90_000 }),
    });
    fc.assert(
      fc.property(scheduled, fc.array(turn, { maxLength: 80 }), ({ schedule, aroundMs }, turns) => {
        const fromMs = aroundMs - 4 * hourMs;
        let register = { version: 0, handledTo: new Date(fromMs) };
        let nowMs = fromMs;
        const reckoned = new Map<number, { readonly version: number; readonly answer: DueFires }>();
        const claimed: number[] = [];
        const ran: number[] = [];
        for (const { who, passMs, skewMs } of turns) {
          nowMs += passMs;
          const mine = reckoned.get(who);
          reckoned.delete(who);
          if (mine === undefined) {
            const { version, handledTo } = register;
            const now = new Date(nowMs + skewMs);
            reckoned.set(who, { version, answer: dueFires({ schedule, name, handledTo, now }) });
          } else if (mine.version === register.version) {
            register = { version: register.version + 1, handledTo: mine.answer.handledTo };
            claimed.push(...times(told(mine.answer)));
            if (mine.answer.due !== undefined) ran.push(mine.answer.due.at.getTime());
          }
        }
        expect(new Set(ran).size).toBe(ran.length);
        const expected = times(all(schedule, fromMs, register.handledTo.getTime()));
        expect(claimed.toSorted((one, other) => one - other)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
