/** While something is wrong it is tried so often, so that the first write after a move is measured finely. */
export const troublePauseMs = 100;
/** For so long; then a site that stays away does not fill the ledger. */
export const tightTroubleMs = 120_000;
export const slowTroublePauseMs = 1_000;
/** Records per second and partition. */
export const rateMax = 100;

/** Time from the begin of one try to that of the next; Infinity for a rate of 0. `troubleMs`: how long it has been going wrong. Pure. */
export function paceMs(rate: number, troubleMs: number | undefined): number {
  if (!(rate > 0)) return Infinity;
  const ordinary = 1_000 / Math.min(rate, rateMax);
  if (troubleMs === undefined) return ordinary;
  if (troubleMs < tightTroubleMs) return Math.min(ordinary, troublePauseMs);
  return Math.max(ordinary, slowTroublePauseMs);
}
