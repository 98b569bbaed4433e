import type { RunRecord } from './run-record.ts';
import type { AbortTrigger } from './triggers.ts';

/** The other site is missed on purpose from the first of these phases to the last one. */
const first = 'lose';
const last = 'reconcile';

/** Pure. */
export function isLostOnPurpose({ script, at }: Pick<RunRecord, 'script' | 'at'>): boolean {
  const from = script.phases.findIndex(({ does }) => does === first);
  const to = script.phases.findIndex(({ does }) => does === last);
  return from >= 0 && from <= at && at <= to;
}

/** The loss may have been made, and nobody has shown that it is mended. Pure, by the journal. */
export function isMendDue({ script, journal, blocked }: Pick<RunRecord, 'script' | 'journal' | 'blocked'>): boolean {
  if (blocked !== undefined || !script.phases.some(({ does }) => does === first)) return false;
  const lost = journal.some(({ step, within }) => step === first && within === undefined);
  return lost && !journal.some(({ step, result }) => step === 'mend' && result === 'done');
}

/**
 * What is seen while the other site is missed on purpose:
 *
 * - `counts`           has nothing to do with that: it ends the run as ever
 * - `not of the link`  counts, but for what is said of the link from there: nothing comes by it
 * - `follows`          is what was wanted
 */
export type SeenWhileLost = 'counts' | 'not of the link' | 'follows';

export const whileLost: Readonly<Record<AbortTrigger, SeenWhileLost>> = {
  'two writers': 'counts',
  'real incident': 'counts',
  'outcome alarm': 'not of the link',
  canary: 'counts',
  'stale input': 'not of the link',
  operator: 'counts',
  'lost contact': 'follows',
  'dead man': 'counts',
  'drain timeout': 'counts',
  'exposure rising': 'follows',
  'rto budget': 'counts',
  'operation given up': 'counts',
};

/** Whether a trigger ends a run that is there. Pure. */
export function endsRun(
  run: Pick<RunRecord, 'script' | 'at'>,
  trigger: AbortTrigger,
  about: 'the link' | 'anything else' = 'anything else',
): boolean {
  if (!isLostOnPurpose(run)) return true;
  const rule = whileLost[trigger];
  return rule === 'counts' || (rule === 'not of the link' && about !== 'the link');
}

/** After these a person is at it, or has to be: what the lost site had alone is left to them. */
const leftToPeople: ReadonlySet<AbortTrigger> = new Set(['real incident', 'two writers']);

/** Whether a run that was ended so still has the tails seen to: that is the nearest safe state, one side writes and the other follows. Pure. */
export function seesToTails(trigger: AbortTrigger): boolean {
  return !leftToPeople.has(trigger);
}
