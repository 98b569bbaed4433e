import type { RunRecord } from '../../drill/run-record.ts';
import { ownershipOf, type RoleRecord, type RoleViews } from '../../pair/ownership.ts';
import { otherSite, type SiteId } from '../../pair/site.ts';
import type { DrillPorts } from './drill-ports.ts';
import { type LegSight, memoryOf, operationOfLeg } from './legs.ts';

export interface TopicRole {
  readonly topic: string;
  readonly home: SiteId;
  readonly primary: SiteId;
  readonly term: number;
}

/** The topics of a run that any of its moves has had in hand, with who is primary of them by both sites' `_umbra`. */
export function rolesOfRun(
  { state, link, site }: Pick<DrillPorts, 'state' | 'link' | 'site'>,
  legs: LegSight,
  run: Pick<RunRecord, 'id' | 'script'>,
): readonly TopicRole[] {
  const peer = link()?.peer;
  if (peer === undefined) return [];
  const views: RoleViews = site === 'a' ? { a: state.roles(), b: peer.roles } : { a: peer.roles, b: state.roles() };
  const homes = new Map<string, SiteId>();
  for (const [index, leg] of run.script.legs.entries()) {
    const operation = operationOfLeg(legs, run.id, index);
    if (operation === undefined) continue;
    const home = leg.returns ? leg.to : otherSite(leg.to);
    for (const name of memoryOf({ state, link }, operation).topicsOf(operation.id)) homes.set(name, home);
  }
  return [...homes].flatMap(([topic, home]) => {
    const ownership = ownershipOf({ name: topic, home }, views);
    if (ownership.kind === 'settled') return [{ topic, home, primary: ownership.primary, term: ownership.term }];
    // A site that is lost says nothing; what this one has taken over it knows by itself.
    const own = ownership.kind === 'unproven' ? ownRole(state, topic) : undefined;
    return own === undefined ? [] : [{ topic, home, primary: own.primary, term: own.term }];
  });
}

function ownRole(state: DrillPorts['state'], topic: string): RoleRecord | undefined {
  const view = state.roles();
  return view.kind === 'read' ? view.records.get(topic) : undefined;
}

/** Those that are not at home. */
export function rolesAway(
  ports: Pick<DrillPorts, 'state' | 'link' | 'site'>,
  legs: LegSight,
  run: Pick<RunRecord, 'id' | 'script'>,
): readonly TopicRole[] {
  return rolesOfRun(ports, legs, run).filter(({ home, primary }) => home !== primary);
}
