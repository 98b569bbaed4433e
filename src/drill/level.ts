import { z } from 'zod';

/**
 * How much a drill touches (docs/drills.md). Each proves more than the one before, and asks for a recent pass of it.
 *
 * - `L0` readiness       looks only
 * - `L1` observe-only    decides, predicts and logs what a move would cost; moves nothing
 * - `L2` canary          really moves canary topics, which belong to umbra, in both directions
 * - `L3` rehearsal       reads copies under renamed groups, and restores quarantines into nothing
 * - `L4` switchover      really moves real topics, and brings them home
 * - `L5` evacuation      the same of everything that a site is primary of, with the schema registry
 * - `L6` forced loss     fails over with the source lost; only where the pair is labelled non-production
 */
export const drillLevels = ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'] as const;

export const drillLevelSchema = z.enum(drillLevels, { error: `must be one of ${drillLevels.join(', ')}` });

export type DrillLevel = z.output<typeof drillLevelSchema>;

/** What moves nothing needs no lock, and nothing of it can be aborted half way. */
export function movesRoles(level: DrillLevel): boolean {
  return level === 'L2' || level === 'L4' || level === 'L5' || level === 'L6';
}

/** Looks at the pair and at nothing in it: such runs are many, and each is worth little. */
export function looksOnly(level: DrillLevel): boolean {
  return level === 'L0' || level === 'L1';
}

/** Only real topics: what may stand still for seconds is somebody's. */
export function movesRealTopics(level: DrillLevel): boolean {
  return level === 'L4' || level === 'L5' || level === 'L6';
}

/**
 * How a run ended:
 *
 * - `PASSED`       everything that it was to show was shown
 * - `FAILED`       something was not as it has to be: the reasons name it
 * - `INTERRUPTED`  it was ended before it could show anything: by a person, a real incident, a time limit
 * - `BLOCKED`      it did not begin: something stood against it
 * - `SKIPPED`      nobody meant it to begin: a blocked window, or somebody's word
 */
export const drillVerdicts = ['PASSED', 'FAILED', 'INTERRUPTED', 'BLOCKED', 'SKIPPED'] as const;

export const drillVerdictSchema = z.enum(drillVerdicts);

export type DrillVerdict = z.output<typeof drillVerdictSchema>;
