import { directionOf, type RoleViews } from '../../pair/ownership.ts';
import type { SiteId } from '../../pair/site.ts';
import { linkId } from '../../pair/spec.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import type { EventSink } from '../events/event.ts';
import type { LinkMoves } from '../moves/link-moves.ts';
import type { ReversePorts } from '../moves/reverse-topics.ts';
import type { PeerState } from '../moves/peer-state.ts';
import { makePlan } from '../rebuild/make-plan.ts';
import type { RebuildPorts } from '../rebuild/rebuild-ports.ts';
import type { RebuildRecord } from '../rebuild/rebuild-record.ts';
import { Rebuilds } from '../rebuild/rebuilds.ts';
import type { SiteRights } from '../site-rights.ts';
import type { SiteState } from '../state/state.ts';
import { admitTail } from './admit-tail.ts';
import { findConflicts } from './find-conflicts.ts';
import { makeCopyInPlace, prepareCopy } from './make-copy-in-place.ts';
import { newestReconciliation, reconcileJournal } from './reconcile-journal.ts';
import { replaySection } from './replay-record.ts';

export interface ReconciledLink {
  /** Where the link ends, of which topics were taken over. */
  readonly site: SiteId;
  /** What a rebuild of the same link asks of it. */
  readonly rebuild: RebuildPorts;
  readonly state: SiteState;
  readonly peer: PeerState;
  readonly roles: () => RoleViews;
  readonly homeOf: (topic: string) => SiteId;
  readonly rights: SiteRights;
  readonly mayAct: () => boolean;
  /** As it is declared for the link. */
  readonly topicPolicy: () => Pick<TopicPolicy, 'configs'>;
  readonly home: ReversePorts['home'];
  readonly events: EventSink;
  readonly moves: Pick<LinkMoves, 'forgetGrants'>;
  readonly unfollow: (topic: string) => void;
  /** The link knows nothing of the topic, and looks for it anew. */
  readonly forget: (topic: string) => void;
}

/**
 * Reconciliations of the topics that the site lost in a failover: rebuilds of logs that were no copies. What differs is
 * what is admitted, what is promised of the records, and what becomes of them before the log goes.
 */
export function reconciliationsOf(link: ReconciledLink): Rebuilds {
  const { site, rebuild, state, peer, rights, mayAct, unfollow, forget } = link;
  const { sides, link: id } = rebuild;
  const atSite = {
    ...{ link: id, ...sides, state, rights, mayAct, policy: link.topicPolicy, home: link.home },
    isHome: (topic: string) => link.homeOf(topic) === site,
    cutOf: (topic: string) => peer.state.moves.cut(topic),
    forgetGrants: (operation: string, topic: string, signal: AbortSignal) =>
      link.moves.forgetGrants(operation, topic, signal),
  };
  const journal = reconcileJournal(state);
  const ports: RebuildPorts = {
    ...rebuild,
    state: {
      ...journal,
      putRebuild: async (record, signal) => {
        await journal.putRebuild(record, signal);
        link.events.report({ kind: 'reconciliation step', link: id, message: stepText(record) });
      },
    },
    newestRecord: (topic, signal) => newestReconciliation(sides.target, topic, signal),
    mayCopy: ({ name }) => {
      const direction = directionOf({ name, home: link.homeOf(name) }, link.roles());
      return direction !== undefined && linkId(direction) === id && peer.state.shadow(name) === undefined;
    },
    hold: unfollow,
    release: forget,
    dropped: forget,
    tails: {
      prepare: (record, signal) => prepareCopy(atSite, record, signal),
      makeCopyInPlace: (record, signal) => makeCopyInPlace(atSite, record, signal),
      replayed: async ({ topic, tail }, signal) => {
        await peer.read(signal);
        const found = replaySection(peer.state)
          .all()
          .find((record) => record.topic === topic && record.operation === tail?.operation);
        return found?.state === 'done'
          ? { kind: 'done', records: found.records }
          : { kind: 'waiting', trouble: found?.trouble };
      },
    },
  };
  return new Rebuilds(
    ports,
    async (of, request, options) => {
      const plan = await makePlan(of, request, options);
      const conflicts = plan.tail?.method === 'anew' ? await findConflicts(of, plan, options.signal) : undefined;
      return conflicts === undefined ? plan : { ...plan, conflicts };
    },
    (topic, decision) => admitTail({ site, link: id, sides, state, peer }, topic, decision),
  );
}

function stepText({ topic, step, tail }: RebuildRecord): string {
  const reason = 'reason' in step ? `: ${step.reason}` : '';
  const decision = tail?.decision === undefined ? '' : ` (${tail.decision.kind})`;
  return `${topic}${decision}: ${step.kind}${reason}`;
}
