import cronstrue from 'cronstrue';
import { RRuleTemporal } from 'rrule-temporal';
import { toText } from 'rrule-temporal/totext';
import { type Fire, fireTimes } from './fire-times.ts';
import { readRecurrenceRule } from './recurrence-rule.ts';
import { type DrillSchedule } from './schedule-shape.ts';
import { windowAt } from './windows.ts';

/** A fire that is to come, and what stands against it as the windows are now. */
export interface NextRun extends Fire {
  /** Which window is blocked, in words. */
  readonly blocked?: string;
}

/** The schedule in sentences on one line: when, by whose clock, within which windows, and what becomes of missed runs. */
export function describeSchedule(schedule: DrillSchedule): string {
  const { cron, rrule, start, timeZone, jitter, windows, missed, catchUp } = schedule;
  const when = rrule === undefined ? describeCron(cron ?? '') : describeRule(rrule, start);
  const sentences = [
    `${when.charAt(0).toUpperCase()}${when.slice(1)}, by the clock of ${timeZone}`,
    /[1-9]/.test(jitter) ? `Begins up to ${jitter} later` : '',
    windows.allow.length > 0 ? `Only within ${windows.allow.join('; ')}` : '',
    windows.block.length > 0 ? `Not within ${windows.block.join('; ')}` : '',
    windows.blockDates.length > 0 ? `Not on ${windows.blockDates.join(', ')}` : '',
    missed === 'run'
      ? `The newest missed run is made up for within ${catchUp}`
      : 'Missed runs are told, and not made up for',
  ];
  return sentences.flatMap((sentence) => (sentence === '' ? [] : [`${sentence}.`])).join(' ');
}

/** What `umbra drill next` shows: as `fireTimes`, each with the window against it. */
export function nextRuns(
  schedule: DrillSchedule,
  asked: { readonly name: string; readonly after: Date; readonly count: number },
): readonly NextRun[] {
  return fireTimes(schedule, asked).map((fire) => {
    const state = windowAt(schedule, fire.at);
    return state.kind === 'open' ? fire : { ...fire, blocked: state.by };
  });
}

function describeCron(cron: string): string {
  return cronstrue.toString(cron, { use24HourTimeFormat: true });
}

/** The library's words for the days; the times of day by 24 hours, as everything else here. */
function describeRule(text: string, start: string | undefined): string {
  const reading = readRecurrenceRule(text);
  if (reading.kind === 'refused') throw new RangeError(`schedule: "rrule" ${reading.why}`);
  const { parts, hours, minutes, until } = reading.value;
  const days = [...parts].filter(([name]) => name !== 'BYHOUR' && name !== 'BYMINUTE').map((part) => part.join('='));
  const [date = '', time = '00:00'] = (start ?? '2024-01-01T00:00').split('T');
  const rule = new RRuleTemporal({
    rruleString: `DTSTART:${date.replaceAll('-', '')}T000000Z\nRRULE:${days.join(';')}`,
  });
  const [startHour = 0, startMinute = 0] = time.split(':').map(Number);
  const times = (hours.length > 0 ? hours : [startHour]).flatMap((hour) =>
    (minutes.length > 0 ? minutes : [startMinute]).map((minute) => `${pad(hour)}:${pad(minute)}`),
  );
  const ends =
    until === undefined
      ? ''
      : ` until ${new Date(until.atMs).toISOString().slice(0, 16)}${until.clock === 'UTC' ? 'Z' : ''}`;
  const begins = start === undefined ? '' : ` from ${start} on`;
  return `${toText(rule, 'en', { excludeTzAbbreviation: true })} at ${times.join(', ')}${begins}${ends}`;
}

function pad(number: number): string {
  return String(number).padStart(2, '0');
}
