import { createHash } from 'node:crypto';
import { type CompiledSchedule, compiledSchedule } from './compiled-schedule.ts';
import { plannedTimes, type PlannedTimes } from './planned-times.ts';
import { type DrillSchedule } from './schedule-shape.ts';

/**
 * One time at which a drill begins. `at` is `plannedAt` and some jitter: from nothing to the schedule's jitter, but never
 * further than half way to the next `plannedAt`, so that fires keep their order and their distance. It follows from the
 * drill's name and `plannedAt` alone: whoever computes it gets the same.
 */
export interface Fire {
  /** As the schedule says. */
  readonly plannedAt: Date;
  readonly at: Date;
}

/** So far ahead the next fire is looked for: a 29 February can be eight years away. */
export const horizonMs = 3_653 * 86_400_000;
/** Bounds what is asked for at once. */
export const firesMax = 1_000;

const firstStepBackMs = 120_000;

/**
 * The next fires: those whose `at` is after `after`, `count` of them (at most `firesMax`), or fewer where the schedule has no
 * more in the next ten years. `name` is the drill's.
 */
export function fireTimes(
  schedule: DrillSchedule,
  { name, after, count }: { readonly name: string; readonly after: Date; readonly count: number },
): readonly Fire[] {
  const until = new Date(after.getTime() + horizonMs);
  return firesBetween(schedule, { name, after, until, max: count });
}

/** Fires whose `at` is after `after` and not after `until`: the oldest `max` of them (at most `firesMax`). */
export function firesBetween(
  schedule: DrillSchedule,
  {
    name,
    after,
    until,
    max,
  }: { readonly name: string; readonly after: Date; readonly until: Date; readonly max: number },
): readonly Fire[] {
  if (!(max >= 0 && max <= firesMax)) throw new RangeError(`fires: ${max} were asked for; ask for 0 to ${firesMax}`);
  const fires: Fire[] = [];
  for (const fire of firesOf(compiledSchedule(schedule), name, {
    afterMs: after.getTime(),
    untilMs: until.getTime(),
  })) {
    if (fires.length >= max) break;
    fires.push(fire);
  }
  return fires;
}

/** The same, one after the other, for as long as somebody asks. `at` rises strictly. */
export function* firesOf(
  { planned, jitterMs }: CompiledSchedule,
  name: string,
  { afterMs, untilMs }: { readonly afterMs: number; readonly untilMs: number },
): Generator<Fire, undefined> {
  if (!(afterMs < untilMs)) return;
  // The next one matters only where half way to it is less than the jitter.
  const span = { afterMs: beginOf(planned, jitterMs, afterMs), untilMs: untilMs + 2 * jitterMs };
  const times = plannedTimes(planned, span);
  let current = times.next();
  while (!current.done && current.value <= untilMs) {
    const next = times.next();
    const spreadMs = next.done ? jitterMs : Math.min(jitterMs, Math.floor((next.value - current.value) / 2));
    const atMs = current.value + Math.floor(chanceOf(name, current.value) * (spreadMs + 1));
    if (atMs > untilMs) return;
    if (atMs > afterMs) yield { plannedAt: new Date(current.value), at: new Date(atMs) };
    current = next;
  }
}

/**
 * A time before every planned one whose fire can be after `afterMs`. Of those up to `afterMs` that is the last at most: a
 * fire is before the next planned time. So the way back is as short as the schedule is dense, however long the jitter.
 */
function beginOf(planned: PlannedTimes, jitterMs: number, afterMs: number): number {
  const earliestMs = afterMs - jitterMs - 1;
  for (let backMs = firstStepBackMs; afterMs - backMs > earliestMs; backMs *= 2) {
    const [found] = plannedTimes(planned, { afterMs: afterMs - backMs, untilMs: afterMs });
    if (found !== undefined) return afterMs - backMs;
  }
  return earliestMs;
}

/** From 0 to below 1, evenly, by name and time alone. */
function chanceOf(name: string, plannedMs: number): number {
  const hash = createHash('sha256')
    .update(`${name}\n${new Date(plannedMs).toISOString()}`)
    .digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}
