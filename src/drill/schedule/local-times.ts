import { Cron } from 'croner';
import { RRuleTemporal } from 'rrule-temporal';
import { type RecurrenceRule } from './recurrence-rule.ts';

/**
 * The times that a rule names, on a clock that is never changed: milliseconds since 1970-01-01T00:00 of that clock, on whole
 * minutes, rising. The libraries do the calendar and know of no time zone; what becomes of times that a real clock does not
 * have, or has twice, is decided in one place for both of them (planned-times.ts).
 */
export interface LocalTimes {
  /** After `afterMs`, up to and with `untilMs`. */
  between(afterMs: number, untilMs: number): Iterable<number>;
}

const dayMs = 86_400_000;
/** So many times of a recurrence rule are asked for at once: the library counts from the start each time. */
const batchTimes = 2_000;
/** Whoever looks every few seconds looks at the same ones. */
const batchesMax = 16;
/** What the library may look at before it gives up; a rule that counts days from its start for a century needs 36,500. */
const libraryStepsMax = 100_000;

/** @throws TypeError of the library where the expression is none. */
export function cronLocalTimes(expression: string): LocalTimes {
  const cron = new Cron(expression, { mode: '5-part', utcOffset: 0, paused: true });
  return {
    *between(afterMs, untilMs) {
      for (let time = cron.nextRun(new Date(afterMs)); time !== null; time = cron.nextRun(time)) {
        if (time.getTime() > untilMs) return;
        yield time.getTime();
      }
    },
  };
}

/**
 * `startMs`, `endMs`: first and last time that can be one, of the local clock. A rule without start says everything by
 * itself (`whyStartIsNeeded`).
 *
 * @throws Error of the library, at the first time that is asked for, where parts may not be together.
 */
export function ruleLocalTimes(rule: RecurrenceRule, startMs: number | undefined, endMs = Infinity): LocalTimes {
  const timesOfDay = Math.max(1, rule.hours.length) * Math.max(1, rule.minutes.length);
  const batchMs = Math.ceil(batchTimes / timesOfDay) * dayMs;
  const batches = new Map<number, readonly number[]>();
  const batchAt = (index: number): readonly number[] => {
    const known = batches.get(index);
    if (known !== undefined) return known;
    if (batches.size >= batchesMax) batches.clear();
    const batch = listTimes(rule, startMs, { fromMs: index * batchMs, untilMs: (index + 1) * batchMs });
    batches.set(index, batch);
    return batch;
  };
  return {
    *between(afterMs, untilMs) {
      const lastMs = Math.min(untilMs, endMs);
      const firstMs = Math.max(afterMs + 1, startMs ?? afterMs);
      for (let index = Math.floor(firstMs / batchMs); index * batchMs <= lastMs; index += 1)
        for (const timeMs of batchAt(index)) if (timeMs >= firstMs && timeMs <= lastMs) yield timeMs;
    },
  };
}

/** Every time from `fromMs`, before `untilMs`. */
function listTimes(
  rule: RecurrenceRule,
  startMs: number | undefined,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly number[] {
  // Where nothing is counted from it any begin serves, as long as BYSETPOS finds no month or year that is cut.
  const series = librarySeries(rule, startMs ?? Date.UTC(new Date(fromMs).getUTCFullYear(), 0, 1));
  const times = series.between(new Date(fromMs), new Date(untilMs - 1), true);
  return times.map(({ epochMilliseconds }) => epochMilliseconds);
}

function librarySeries({ parts }: RecurrenceRule, startMs: number): RRuleTemporal {
  const start = new Date(startMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const text = [...parts].map(([name, value]) => `${name}=${value}`).join(';');
  return new RRuleTemporal({
    rruleString: `DTSTART:${start}\nRRULE:${text}`,
    strict: true,
    cache: false,
    maxIterations: libraryStepsMax,
  });
}
