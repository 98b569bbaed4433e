import { z } from 'zod';

/** Something that was looked at before anything was touched. */
export const checkSchema = z.strictObject({
  check: z.string().max(100),
  result: z.enum(['passed', 'failed', 'warned']),
  /** What was found, in words. */
  value: z.string().max(2_000),
  at: z.iso.datetime(),
});

export type Check = z.output<typeof checkSchema>;

/** One whose time is noted by whoever asked. */
export type Found = Omit<Check, 'at'>;

export function passed(check: string, value: string): Found {
  return { check, result: 'passed', value: cut(value) };
}

export function failed(check: string, value: string): Found {
  return { check, result: 'failed', value: cut(value) };
}

export function warned(check: string, value: string): Found {
  return { check, result: 'warned', value: cut(value) };
}

/** Why a run does not begin: what has failed, a line each. */
export function objections(checks: readonly Found[]): readonly string[] {
  return checks.flatMap(({ check, result, value }) => (result === 'failed' ? [`${check}: ${value}`] : []));
}

function cut(value: string): string {
  return value.length <= 1_000 ? value : `${value.slice(0, 999)}…`;
}
