import type { RunRecord } from '../../drill/run-record.ts';
import { isOver } from '../../operations/operation.ts';
import { otherSite } from '../../pair/site.ts';
import type { Canaries } from './canaries.ts';
import type { DrillPorts } from './drill-ports.ts';
import type { LegSight } from './legs.ts';
import { lookUntil } from './look-until.ts';
import { rolesAway } from './roles-away.ts';

const cleanMsMax = 60_000;
const lookMs = 200;

/** Whether a run brings new canary topics with it: its own have moved, and are told apart by that. */
export function renewsCanaries({ level }: Pick<RunRecord, 'level'>): boolean {
  return level === 'L2';
}

/** Until nothing of a run is left and both links follow. Resolves to what does not come to that in time, a line each. */
export async function cleanUp(
  ports: Pick<DrillPorts, 'state' | 'link' | 'site'> & { readonly canaries: Canaries },
  legs: LegSight,
  run: RunRecord,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const canaryTopics = run.script.legs.flatMap(({ topics }) => (typeof topics === 'string' ? [] : topics));
  const left = await lookUntil(
    (last) => {
      if (renewsCanaries(run)) for (const topic of canaryTopics) ports.canaries.leave(topic);
      const seen = leftOf(ports, legs, { run, canaryTopics });
      return seen.length === 0 || last ? seen : undefined;
    },
    { forMs: cleanMsMax, everyMs: lookMs },
    signal,
  );
  return left === undefined || left.length === 0 ? notHome(ports, legs, run) : left;
}

function leftOf(
  { link, site, canaries }: Pick<DrillPorts, 'link' | 'site'> & { readonly canaries: Canaries },
  { own, peer }: LegSight,
  { run, canaryTopics }: { readonly run: RunRecord; readonly canaryTopics: readonly string[] },
): readonly string[] {
  const left: string[] = [];
  for (const { id, step, drill } of [...own.operations(), ...peer.operations()])
    if (drill?.run === run.id && !isOver(step)) left.push(`${id} is still at ${step.kind}`);
  const running = link();
  const standing = running?.view().state;
  if (standing !== 'following') left.push(`the link ${running?.id ?? 'here'} is ${standing ?? 'not declared'}`);
  const answer = running?.peer.state.drills.answer(run.id);
  if (answer === undefined || answer.seen < run.at || !answer.clean)
    left.push(`site ${otherSite(site)} has not said that nothing is left there`);
  if (renewsCanaries(run)) {
    for (const topic of canaryTopics)
      if (!canaries.hasLeft(topic)) left.push(`the canary topic ${topic} is not deleted here yet`);
    const trouble = canaries.trouble();
    if (trouble !== undefined) left.push(`the next canaries: ${trouble}`);
  }
  return [...new Set(left)];
}

/** Of real topics; that they stay away on purpose is no fault. */
function notHome(
  ports: Pick<DrillPorts, 'state' | 'link' | 'site'>,
  legs: LegSight,
  run: RunRecord,
): readonly string[] {
  const stays = !run.script.legs.some(({ returns }) => returns);
  if (stays || run.abort !== undefined || renewsCanaries(run)) return [];
  return rolesAway(ports, legs, run).map(
    ({ topic, primary }) => `${topic} is not home: site ${primary} is its primary`,
  );
}
