import { type DrillLevel, looksOnly } from '../../drill/level.ts';
import { Problem } from '../problems.ts';
import type { DrillFreeze } from '../state/drill-memory.ts';
import type { SiteState } from '../state/state.ts';
import type { DrillPorts } from './drill-ports.ts';

/** Longer ones are forgotten: who needs more says so again. */
export const freezeMsMax = 90 * 86_400_000;

type FreezePorts = Pick<DrillPorts, 'link' | 'clock'> & { readonly state: Pick<SiteState, 'drills'> };

/** The freeze of either site that is in force now, of two the longer one. */
export function freezeNow({ state, link, clock }: FreezePorts): DrillFreeze | undefined {
  return inForce([state.drills.freeze(), link()?.peer.state.drills.freeze()], clock.now());
}

/** Pure. */
export function inForce(freezes: readonly (DrillFreeze | undefined)[], now: Date): DrillFreeze | undefined {
  return freezes
    .flatMap((freeze) => (freeze === undefined || Date.parse(freeze.until) <= now.getTime() ? [] : [freeze]))
    .toSorted((left, right) => right.until.localeCompare(left.until))[0];
}

/** What keeps a run of this level from beginning, in words. What only looks goes on: a freeze is when it is wanted most. */
export function frozenText(ports: FreezePorts, level: DrillLevel): string | undefined {
  const freeze = looksOnly(level) ? undefined : freezeNow(ports);
  return freeze && `frozen by ${freeze.by} until ${freeze.until}: ${freeze.reason}`;
}

/** As it is written down, from now on. Throws a `Problem` for an end that is past or too far. Pure. */
export function newFreeze(
  { by, reason, until }: { readonly by: string; readonly reason: string; readonly until: string },
  now: Date,
): DrillFreeze {
  const left = Date.parse(until) - now.getTime();
  if (left <= 0 || left > freezeMsMax)
    throw new Problem(
      'INVALID_INPUT',
      `until: must be within the next ${freezeMsMax / 86_400_000} days; it is ${until}, and here it is ${now.toISOString()}`,
    );
  return { by, reason, since: now.toISOString(), until: new Date(until).toISOString() };
}
