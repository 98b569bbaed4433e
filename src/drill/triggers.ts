import { z } from 'zod';
import type { DrillVerdict } from './level.ts';

/** What ends a drill before its script does, the most urgent first: of several that are seen at once the first counts. */
export const abortTriggers = [
  'two writers',
  'real incident',
  'outcome alarm',
  'canary',
  'stale input',
  'operator',
  'lost contact',
  'dead man',
  'drain timeout',
  'exposure rising',
  'rto budget',
  'operation given up',
] as const;

export const abortTriggerSchema = z.enum(abortTriggers);

export type AbortTrigger = z.output<typeof abortTriggerSchema>;

/**
 * What follows for the move that is under way:
 *
 * - `undo`     it is given up: the old primary gets its rights back and copying goes on
 * - `finish`   it is carried to its end, which is the nearest safe state: one side writes, the other one follows
 * - `prove`    the same, and what arrived is proven
 */
export type AbortAction = 'undo' | 'finish' | 'prove';

export interface AbortRule {
  readonly action: AbortAction;
  readonly verdict: Extract<DrillVerdict, 'FAILED' | 'INTERRUPTED'>;
  /** Somebody has to look now. */
  readonly page: boolean;
}

const undoFailed = { action: 'undo', verdict: 'FAILED', page: true } as const;
const undoInterrupted = { action: 'undo', verdict: 'INTERRUPTED', page: false } as const;
const proveFailed = { action: 'prove', verdict: 'FAILED', page: true } as const;
const finishInterrupted = { action: 'finish', verdict: 'INTERRUPTED', page: false } as const;

/**
 * The abort table of docs/drills.md. `before` and `after` are about the point of no return of the move that is under way;
 * with no move under way topics that are not at home count as `after`.
 */
export const abortTable: Readonly<Record<AbortTrigger, { readonly before: AbortRule; readonly after: AbortRule }>> = {
  'two writers': { before: undoFailed, after: proveFailed },
  'real incident': { before: undoInterrupted, after: finishInterrupted },
  'outcome alarm': { before: undoFailed, after: proveFailed },
  canary: { before: undoFailed, after: proveFailed },
  'stale input': { before: undoFailed, after: proveFailed },
  operator: { before: undoInterrupted, after: finishInterrupted },
  'lost contact': { before: undoInterrupted, after: finishInterrupted },
  'dead man': { before: undoInterrupted, after: finishInterrupted },
  'drain timeout': { before: undoInterrupted, after: finishInterrupted },
  'exposure rising': { before: undoInterrupted, after: finishInterrupted },
  'rto budget': { before: undoFailed, after: { ...proveFailed, page: false } },
  'operation given up': { before: undoInterrupted, after: finishInterrupted },
};

/** The trigger that counts. Pure. */
export function mostUrgent<T extends { readonly trigger: AbortTrigger }>(seen: readonly T[]): T | undefined {
  return seen.toSorted((left, right) => abortTriggers.indexOf(left.trigger) - abortTriggers.indexOf(right.trigger))[0];
}
