import { compiledSchedule } from './compiled-schedule.ts';
import { type Fire, firesOf } from './fire-times.ts';
import { type DrillSchedule } from './schedule-shape.ts';
import { windowOf } from './windows.ts';

/** A fire that is found within so much after its `at` is on time. Looks at the schedule are seconds apart. */
export const onTimeMs = 60_000;
/** So many skipped and missed fires are listed, the newest; all are counted. */
export const listedMax = 100;
/** So many fires are gone through in one look: some 50 ms. What is left is the next look's. */
export const walkedMax = 5_000;

export interface SkippedFire {
  readonly fire: Fire;
  /** Which window, in words. */
  readonly reason: string;
}

/** What has become of the fires between what was handled and now: each is in one of the lists. */
export interface DueFires {
  /** To be run now. On time, or made up for: then `at` is more than `onTimeMs` ago. */
  readonly due: Fire | undefined;
  /** Not run, because a window is blocked: oldest first, the newest `listedMax`. */
  readonly skipped: readonly SkippedFire[];
  readonly skippedCount: number;
  /** Found too late, or overtaken by a newer one in the same look: oldest first, the newest `listedMax`. */
  readonly missed: readonly Fire[];
  readonly missedCount: number;
  /** To be kept, in one write with the claim on `due`, before anything of this is acted on. It never goes back. */
  readonly handledTo: Date;
  /** False where `walkedMax` was reached: `handledTo` is before now, and the next look goes on from there. */
  readonly complete: boolean;
  /** So far `handledTo` was ahead of now: the clock was set back. Nothing fires until it is there again. */
  readonly clockBackMs: number;
}

/** Everything after `handledTo` and up to `now`, by `at`. With the `handledTo` of its answer it says nothing of it again. */
export function dueFires({
  schedule,
  name,
  handledTo,
  now,
}: {
  readonly schedule: DrillSchedule;
  readonly name: string;
  readonly handledTo: Date;
  readonly now: Date;
}): DueFires {
  const compiled = compiledSchedule(schedule);
  const [afterMs, nowMs] = [handledTo.getTime(), now.getTime()];
  if (Number.isNaN(afterMs) || Number.isNaN(nowMs)) throw new RangeError('schedule: handledTo and now must be times');
  const open: Fire[] = [];
  const skipped: SkippedFire[] = [];
  let walked = 0;
  let complete = true;
  let reachedMs = afterMs;
  for (const fire of firesOf(compiled, name, { afterMs, untilMs: nowMs })) {
    if (walked === walkedMax) {
      complete = false;
      break;
    }
    walked += 1;
    reachedMs = fire.at.getTime();
    const state = windowOf(compiled, reachedMs);
    if (state.kind === 'blocked') skipped.push({ fire, reason: state.by });
    else open.push(fire);
  }
  const newest = complete ? open.at(-1) : undefined;
  const lateMs = newest === undefined ? 0 : nowMs - newest.at.getTime();
  const isOnTime = lateMs <= onTimeMs;
  const isDue = newest !== undefined && (isOnTime || (schedule.missed === 'run' && lateMs <= compiled.catchUpMs));
  const nowState = isDue ? windowOf(compiled, nowMs) : undefined;
  const due = nowState?.kind === 'open' ? newest : undefined;
  // It was on time, and the window has closed since: that, and not the look, is why it does not run.
  const closed = isOnTime && nowState?.kind === 'blocked' && newest !== undefined;
  if (closed) skipped.push({ fire: newest, reason: nowState.by });
  const missed = due !== undefined || closed ? open.slice(0, -1) : open;
  return {
    due,
    skipped: skipped.slice(-listedMax),
    skippedCount: skipped.length,
    missed: missed.slice(-listedMax),
    missedCount: missed.length,
    handledTo: new Date(complete ? Math.max(afterMs, nowMs) : reachedMs),
    complete,
    clockBackMs: Math.max(0, afterMs - nowMs),
  };
}
