import { type CompiledSchedule, compiledSchedule } from './compiled-schedule.ts';
import { type DrillSchedule } from './schedule-shape.ts';
import { isWithin } from './week-window.ts';
import { localTimeOf } from './zone.ts';

/** Whether a drill may begin at a time. `by`: which line of the schedule is against it, in words. */
export type WindowState = { readonly kind: 'open' } | { readonly kind: 'blocked'; readonly by: string };

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** By the local clock of the schedule's zone: an hour that it shows twice is twice in a window, or twice out of it. */
export function windowAt(schedule: DrillSchedule, at: Date): WindowState {
  return windowOf(compiledSchedule(schedule), at.getTime());
}

export function windowOf({ planned, allow, block, blockDates }: CompiledSchedule, timeMs: number): WindowState {
  const localMs = localTimeOf(planned.timeZone, timeMs);
  const date = new Date(localMs);
  const day = date.toISOString().slice(0, 10);
  const blockedDay = blockDates.find(({ first, last }) => day >= first && day <= last);
  if (blockedDay !== undefined) return blocked(`blocked date ${blockedDay.text}`);
  const minute = { day: date.getUTCDay() || 7, minute: Math.floor((((localMs % dayMs) + dayMs) % dayMs) / minuteMs) };
  const blockedWindow = block.find((window) => isWithin(window, minute));
  if (blockedWindow !== undefined) return blocked(`blocked window ${blockedWindow.text}`);
  if (allow.length === 0 || allow.some((window) => isWithin(window, minute))) return { kind: 'open' };
  return blocked(
    `outside of the allowed ${allow.length === 1 ? 'window' : 'windows'} ${allow.map(({ text }) => text).join('; ')}`,
  );
}

function blocked(by: string): WindowState {
  return { kind: 'blocked', by };
}
