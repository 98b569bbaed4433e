import type { RoleViews } from '../../pair/ownership.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import type { SiteId } from '../../pair/site.ts';
import { homeOfTopic } from '../../prefix-policy/topic-home.ts';
import { homeNames } from '../control/home-names.ts';
import type { LinkControlPorts } from '../control/link-control-ports.ts';
import { grantOwn, takeBackWhereNoneIsCopy } from '../moves/reverse-topics.ts';
import type { PeerState } from '../moves/peer-state.ts';
import type { RebuildPorts } from '../rebuild/rebuild-ports.ts';
import type { Rebuilds } from '../rebuild/rebuilds.ts';
import { type ReconciledLink, reconciliationsOf } from './reconciliations-of-link.ts';
import { Replays } from './replays.ts';
import { ReturnedTopics } from './returned-topics.ts';

/** The parts of a running link that have to do with what an old primary came back with. */
export interface TailParts {
  readonly id: string;
  readonly ports: Pick<
    LinkControlPorts,
    'link' | 'source' | 'target' | 'state' | 'policy' | 'rights' | 'workers' | 'clock' | 'logger' | 'events'
  >;
  readonly rebuild: RebuildPorts;
  readonly peer: PeerState;
  readonly roles: () => RoleViews;
  readonly topicPolicy: () => TopicPolicy;
  readonly moves: ReconciledLink['moves'];
  readonly unfollow: (topic: string) => void;
  readonly forget: (topic: string) => void;
}

/**
 * What this site does about failovers in which an old primary kept records: where it is the old primary it shows them and
 * reconciles them, where it is the new one it appends what is to be replayed.
 */
export class LinkTails {
  readonly returned: ReturnedTopics;
  readonly reconciliations: Rebuilds;
  /** There is a place for what only an old primary has. */
  readonly keeps: boolean;
  readonly #replays: Replays;

  constructor({ id, ports, rebuild, peer, roles, topicPolicy, moves, unfollow, forget }: TailParts) {
    const { link, source, target, state, policy, rights, workers, clock, logger, events } = ports;
    this.keeps = rebuild.folder !== undefined;
    const mayAct = (): boolean => workers.mayAct();
    const home = (): ReturnType<typeof homeNames> =>
      homeNames(link.to, { policy, schemaPrimary: state.schemaPrimary, roles: roles() });
    const homeOf = (topic: string): SiteId => {
      const { schemaPrimary } = state;
      return homeOfTopic(topic, { owners: policy.owners, schemaPrimary, roles: roles() }) ?? link.to;
    };
    const common = { site: link.to, link: id, state, peer, mayAct, logger, events };
    this.returned = new ReturnedTopics({ ...common, cluster: target, now: () => clock.now() });
    this.reconciliations = reconciliationsOf({
      ...{ site: link.to, rebuild, state, peer, roles, rights: rights.target, mayAct, events, unfollow, forget },
      ...{ topicPolicy, moves, home, homeOf },
    });
    const isHome = (topic: string): boolean => homeOf(topic) === link.to;
    const own = { link: id, source, target, state, rights: rights.target, policy: topicPolicy, home, isHome, mayAct };
    this.#replays = new Replays({
      ...{ ...common, source, target, isHome },
      own: {
        grant: (signal) => grantOwn(own, signal),
        takeBack: async (signal) => {
          if (this.reconciliations.held.length === 0) await takeBackWhereNoneIsCopy(own, signal);
        },
      },
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.reconciliations.stop(), this.#replays.stop()]);
  }
}
