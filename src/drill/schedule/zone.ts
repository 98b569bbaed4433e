import { Temporal } from 'temporal-polyfill';

/** A stretch of time in which a zone's clock runs evenly. Times are milliseconds since 1970-01-01T00:00Z. */
export interface ZoneSegment {
  /** When its clock was changed to this offset; `-Infinity` where it never was. */
  readonly fromMs: number;
  /** When it is changed again, and no longer part of this; `Infinity` where it never is. */
  readonly untilMs: number;
  /** Local time less UTC. */
  readonly offsetMs: number;
  /** The same before `fromMs`. */
  readonly offsetBeforeMs: number;
}

/** Bounds what is remembered: one zone has two segments a year. */
const rememberedMax = 256;
/** Looking one up takes a millisecond, and every fire needs one. */
const remembered = new Map<string, readonly ZoneSegment[]>();

/** The segment that has this time. Of the time-zone data of the runtime. */
export function segmentAt(timeZone: string, timeMs: number): ZoneSegment {
  const known = remembered.get(timeZone) ?? [];
  const hit = known.find(({ fromMs, untilMs }) => timeMs >= fromMs && timeMs < untilMs);
  if (hit !== undefined) return hit;
  const segment = lookUp(timeZone, timeMs);
  if (known.length >= rememberedMax) remembered.delete(timeZone);
  else if (remembered.size >= rememberedMax) remembered.clear();
  remembered.set(timeZone, [...(remembered.get(timeZone) ?? []), segment]);
  return segment;
}

/** Milliseconds since 1970-01-01T00:00 of the local clock. */
export function localTimeOf(timeZone: string, timeMs: number): number {
  return timeMs + segmentAt(timeZone, timeMs).offsetMs;
}

/** Whether the runtime knows this name of the IANA time-zone database. Offsets such as `+01:00` are none. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).format(0) !== '';
  } catch {
    return false;
  }
}

function lookUp(timeZone: string, timeMs: number): ZoneSegment {
  const at = (ms: number): Temporal.ZonedDateTime =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  const offsetMs = (ms: number): number => at(ms).offsetNanoseconds / 1e6;
  // A change at this very time is the begin of this segment: asked from a millisecond later it is the previous one.
  const fromMs = at(timeMs + 1).getTimeZoneTransition('previous')?.epochMilliseconds ?? -Infinity;
  const untilMs = at(timeMs).getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity;
  const offset = offsetMs(timeMs);
  return { fromMs, untilMs, offsetMs: offset, offsetBeforeMs: fromMs === -Infinity ? offset : offsetMs(fromMs - 1) };
}
