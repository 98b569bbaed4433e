import { z } from 'zod';

/** Largest first: that is how several units are written, `1h30m`. */
const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

const shape = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;

const wanted = 'must be a duration such as 90s, 20m or 1h30m: whole numbers, each with its unit d, h, m, s or ms';

/**
 * Milliseconds of `20m`, `1h30m`, `0s`. Units: `d` (24 hours), `h`, `m`, `s`, `ms`, each at most once, the largest first.
 *
 * @throws RangeError for anything else. What comes from outside goes through `durationSchema` before.
 */
export function parseDuration(text: string): number {
  const durationMs = readDuration(text);
  if (durationMs === undefined) throw new RangeError(`"${text}" ${wanted}`);
  return durationMs;
}

/**
 * A duration from `min` to `max`, both written as durations and both allowed. The value stays text, so that a document can
 * be written back as it was read; `parseDuration` gives its milliseconds.
 */
export function durationSchema(min: string, max: string): z.ZodString {
  const [minMs, maxMs] = [parseDuration(min), parseDuration(max)];
  return z.string({ error: wanted }).superRefine((text, context) => {
    const durationMs = readDuration(text);
    const message =
      durationMs === undefined
        ? wanted
        : durationMs < minMs || durationMs > maxMs
          ? `must be from ${min} to ${max}; it is ${text}`
          : undefined;
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

function readDuration(text: string): number | undefined {
  const numbers = text === '' ? null : shape.exec(text);
  if (numbers === null) return undefined;
  return Object.values(unitsMs).reduce((sum, unitMs, index) => sum + Number(numbers[index + 1] ?? 0) * unitMs, 0);
}
