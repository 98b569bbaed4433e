import { canaryTopicOf } from '../../canary/canary-topic.ts';
import { deleteTopicById } from '../../kafka/topic-admin.ts';
import type { PrefixOwners } from '../../pair/spec.ts';
import type { SiteState } from '../state/state.ts';
import type { PeerState } from '../moves/peer-state.ts';
import type { DrillPorts } from './drill-ports.ts';

/** The generation in use of each home, as `_umbra` of the home says; undefined where none is. */
export interface Generations {
  readonly own: SiteState;
  readonly peer: PeerState | undefined;
  readonly owners: PrefixOwners | undefined;
}

/** Of an earlier generation than the one in use: nobody is to copy it any more, and both sites delete theirs. */
export function isRetired(topic: string, site: DrillPorts['site'], { own, peer, owners }: Generations): boolean {
  const name = owners === undefined ? undefined : canaryTopicOf(topic, owners);
  if (name === undefined) return false;
  const drills = name.home === site ? own.drills : peer?.state.drills;
  const used = drills?.canary()?.generation;
  return used !== undefined && name.generation < used;
}

/** Canary topics that this site knows something of and that are retired. */
export function retiredHere(site: DrillPorts['site'], generations: Generations): readonly string[] {
  const { own } = generations;
  const roles = own.roles();
  const known = new Set([
    ...own.shadowTopics(),
    ...(roles.kind === 'read' ? roles.records.keys() : []),
    ...(own.drills.canary()?.former ?? []).map(({ topic }) => topic),
  ]);
  return [...known].filter((topic) => isRetired(topic, site, generations));
}

/**
 * Deletes a canary topic of this site's cluster that is retired, by the id under which umbra knows it, and then everything that
 * is remembered of it. Idempotent; false while something has it in hand. Throws what clusters throw.
 */
export async function retire(
  { state, link: linkOf, clusters, site, mayAct }: Pick<DrillPorts, 'state' | 'link' | 'clusters' | 'site' | 'mayAct'>,
  isHeld: (topic: string) => boolean,
  topic: string,
  signal: AbortSignal,
): Promise<boolean> {
  const link = linkOf();
  if (link === undefined || link.moves.held.operationOf(topic) !== undefined || !mayAct()) return false;
  link.forget(topic);
  if (isHeld(topic)) return false;
  const canary = state.drills.canary();
  const shadow = state.shadow(topic)?.state;
  const id =
    shadow?.kind === 'ours'
      ? shadow.shadowTopicId
      : (canary?.former.find((each) => each.topic === topic)?.topicId ?? state.moves.cut(topic)?.topicId);
  await link.moves.releaseRights(topic, signal);
  if (id !== undefined) await deleteTopicById(clusters[site], id, mayAct);
  await state.drills.forgetTopic(topic, signal);
  if (canary?.former.some((each) => each.topic === topic) === true) {
    const former = canary.former.filter((each) => each.topic !== topic);
    await state.drills.putCanary({ ...canary, former }, signal);
  }
  return true;
}
