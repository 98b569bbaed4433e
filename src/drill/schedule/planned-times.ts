import { type LocalTimes } from './local-times.ts';
import { segmentAt, type ZoneSegment } from './zone.ts';

/** When a rule fires, by the clock of a zone. */
export interface PlannedTimes {
  readonly localTimes: LocalTimes;
  readonly timeZone: string;
  /** It runs around the clock, so that an hour that the clock has twice has its fires twice, and one that it leaves out none. */
  readonly aroundTheClock: boolean;
}

interface Span {
  readonly afterMs: number;
  readonly untilMs: number;
}

/**
 * Times after `afterMs`, up to and with `untilMs`, rising, each once: milliseconds since 1970-01-01T00:00Z.
 *
 * ```
 *   clocks go forward          02:00 → 03:00     clocks go back        03:00 → 02:00
 *   local   01:30 ── 02:00│03:00 ── 03:30        local   02:30 ── 03:00│02:00 ── 02:30
 *   02:30 is                ▲ at the change      02:30 is  ▲ the first of both
 * ```
 * A rule that runs around the clock goes by the clock instead: every time that it shows, and none that it does not.
 */
export function* plannedTimes(planned: PlannedTimes, span: Span): Generator<number, undefined> {
  let segment = segmentAt(planned.timeZone, span.afterMs);
  for (;;) {
    yield* timesOfSegment(planned, segment, span);
    if (segment.untilMs > span.untilMs) return;
    segment = segmentAt(planned.timeZone, segment.untilMs);
  }
}

function* timesOfSegment(
  { localTimes, aroundTheClock }: PlannedTimes,
  segment: ZoneSegment,
  { afterMs, untilMs }: Span,
): Generator<number, undefined> {
  const { fromMs, offsetMs } = segment;
  const shownBeforeMs = fromMs + segment.offsetBeforeMs;
  const beginMs = fromMs + offsetMs;
  const isLeftOut =
    fromMs > afterMs && fromMs <= untilMs && !aroundTheClock && hasAny(localTimes, shownBeforeMs, beginMs);
  if (isLeftOut) yield fromMs;
  const firstMs = aroundTheClock ? beginMs : Math.max(beginMs, shownBeforeMs);
  const after = Math.max(afterMs + offsetMs, firstMs - 1, isLeftOut ? beginMs : -Infinity);
  const until = Math.min(untilMs, segment.untilMs - 1) + offsetMs;
  for (const localMs of localTimes.between(after, until)) yield localMs - offsetMs;
}

/** From `fromMs`, before `untilMs`. */
function hasAny(localTimes: LocalTimes, fromMs: number, untilMs: number): boolean {
  for (const _ of localTimes.between(fromMs - 1, untilMs - 1)) return true;
  return false;
}
