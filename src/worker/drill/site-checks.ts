import { nonProduction } from '../../drill/drill-spec.ts';
import { movesRoles } from '../../drill/level.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { linkId } from '../../pair/spec.ts';
import { otherSite } from '../../pair/site.ts';
import type { MovePlan } from '../moves/operation-view.ts';
import type { Canaries } from './canaries.ts';
import { canariesLeftOut } from './left-out.ts';
import { failed, type Found, objections, passed, warned } from './check.ts';
import type { DrillPorts } from './drill-ports.ts';
import { isExpendable, notExpendable, otherOperations, requestOf } from './legs.ts';
import { leakOf } from './link-leak.ts';
import { lookUntil } from './look-until.ts';

export interface SiteSeen {
  readonly checks: readonly Found[];
  /** What moves that lead here would cost, by leg. */
  readonly plans: ReadonlyMap<number, MovePlan>;
}

/** An exposure that is worth less says nothing. */
const exposureSecondsMax = 30;

/** For what has just been made, or has just come back, to be level. */
const patienceMs = 12_000;
const lookMs = 300;

/**
 * What either site looks at for itself before a run: its link, its canaries, the moves that it is to coordinate. What stands
 * against it may be about to pass, so it is looked at again for a while.
 */
export async function checkSite(...asked: Parameters<typeof lookOnce>): Promise<SiteSeen> {
  const [ports, , run, signal] = asked;
  const fixed = checkExpendable(ports, run);
  // Nothing of that passes.
  if (objections(fixed).length > 0) return { checks: fixed, plans: new Map() };
  let seen = await lookOnce(...asked);
  await lookUntil(
    async () => {
      if (objections(seen.checks).length === 0) return true;
      seen = await lookOnce(...asked);
      return undefined;
    },
    { forMs: patienceMs, everyMs: lookMs },
    signal,
  );
  return { ...seen, checks: [...fixed, ...seen.checks] };
}

/** Of the site that a run is going to lose: it says for itself that it may be, and has a place for what only it holds then. Pure. */
export function checkExpendable(
  { link, site, config }: Pick<DrillPorts, 'link' | 'site' | 'config'>,
  { script }: Pick<RunRecord, 'script'>,
): readonly Found[] {
  if (!script.legs.some(({ kind, to }) => kind === 'failover' && to !== site)) return [];
  const label = `label ${nonProduction} at ${site}`;
  const place = `quarantine at ${site}`;
  return [
    isExpendable(config?.labels) ? passed(label, 'the pair may be lost on purpose') : failed(label, notExpendable),
    link()?.tails.keeps === true
      ? passed(place, 'there is a folder for tails')
      : failed(
          place,
          'the worker’s file names no quarantineFolder: what only this site has after a loss could not be kept',
        ),
  ];
}

async function lookOnce(
  { link: linkOf, site, state }: Pick<DrillPorts, 'link' | 'site' | 'state' | 'config'>,
  canaries: Pick<Canaries, 'trouble' | 'topics'>,
  run: Pick<RunRecord, 'id' | 'level' | 'script'>,
  signal: AbortSignal,
): Promise<SiteSeen> {
  const id = linkId({ from: otherSite(site), to: site });
  const link = linkOf();
  if (link === undefined) return { checks: [failed(`link ${id}`, 'it is not declared')], plans: new Map() };
  const checks: Found[] = [];
  const { state: standing, exposure, fence, paused } = link.view();
  const how = `${standing}${paused === undefined ? '' : ', paused'}, fence ${fence}`;
  checks.push(standing === 'following' ? passed(`link ${id}`, how) : failed(`link ${id}`, how));
  const leak = leakOf(link);
  if (leak !== undefined) checks.push(failed(`fence of ${id}`, leak));
  const age = exposure.sampleAgeMs === undefined ? 'never heard' : `${exposure.sampleAgeMs} ms old`;
  const figure = `${exposure.seconds} s, ${exposure.records} records, ${exposure.basis}, ${age}`;
  const fresh = exposure.basis === 'measured' && exposure.seconds <= exposureSecondsMax;
  checks.push(fresh ? passed(`exposure of ${id}`, figure) : failed(`exposure of ${id}`, figure));
  const [other] = otherOperations({ own: state.moves, peer: link.peer.state.moves }, run.id);
  checks.push(
    other === undefined
      ? passed('operations', 'nobody moves roles')
      : failed('operations', `${other.id} is at ${other.step.kind}`),
  );
  if (movesRoles(run.level)) {
    const trouble = canaries.trouble();
    checks.push(
      trouble === undefined ? passed(`canaries at ${site}`, 'green') : failed(`canaries at ${site}`, trouble),
    );
    for (const name of canariesLeftOut(run.script, canaries.topics()))
      checks.push(failed(`canaries at ${site}`, `${name} was not made yet when the run began: begin another one`));
  }
  const plans = new Map<number, MovePlan>();
  for (const [index, leg] of run.script.legs.entries()) {
    if (leg.to !== site || leg.returns) continue;
    const plan = await link.moves.plan(requestOf(leg), signal);
    plans.set(index, plan);
    const name = `plan of move ${index + 1}`;
    for (const { message } of plan.blockers) checks.push(failed(name, message));
    for (const { message } of plan.warnings) checks.push(warned(name, message));
    if (plan.blockers.length === 0)
      checks.push(
        passed(
          name,
          `${plan.kind} of ${plan.topics.length} topics to site ${plan.to}, about ${plan.seconds.toFixed(1)} s`,
        ),
      );
  }
  return { checks, plans };
}
