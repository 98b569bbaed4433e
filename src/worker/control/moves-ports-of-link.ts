import { ConnectionError } from '../../kafka/errors.ts';
import type { CandidateTopic } from '../../operations/plan-sight.ts';
import type { RoleViews } from '../../pair/ownership.ts';
import type { LinkSpec } from '../../pair/spec.ts';
import { defaultTopicPolicy } from '../../pair/topic-policy.ts';
import { homeOfTopic } from '../../prefix-policy/topic-home.ts';
import type { LinkMovesPorts } from '../moves/link-moves.ts';
import { leapSchemaIds } from '../moves/move-schemas.ts';
import type { UnseenRecords } from '../moves/promotion-work.ts';
import type { PeerState } from '../moves/peer-state.ts';
import type { LinkView, TopicDetailView } from '../views.ts';
import { homeNames } from './home-names.ts';
import type { LinkControlPorts } from './link-control-ports.ts';
import type { LinkSyncs } from './link-syncs.ts';
import type { TrackedTopic } from './tracked-topic.ts';

/** The parts of a running link that moving roles has to do with. */
export interface MovedLinkParts {
  readonly id: string;
  readonly ports: Pick<
    LinkControlPorts,
    'link' | 'source' | 'target' | 'state' | 'policy' | 'rights' | 'workers' | 'clock' | 'logger' | 'events' | 'repoint'
  >;
  readonly peer: PeerState;
  readonly spec: () => LinkSpec;
  readonly syncs: () => LinkSyncs;
  readonly roles: () => RoleViews;
  readonly fence: () => LinkView['fence'];
  /** The link's own. */
  readonly topics: Map<string, TrackedTopic>;
  readonly views: () => readonly TopicDetailView[];
  readonly isRebuilt: (topic: string) => boolean;
  readonly unfollow: (topic: string) => void;
  readonly lookAgain: () => void;
}

/** For producer ids to be passed; the rounds before keep what is left below that. */
const barrierMsMax = 30_000;

/** What operations may ask of a link and do to it. */
export function movesPortsOf(parts: MovedLinkParts): LinkMovesPorts {
  const { id, ports, peer, topics, unfollow } = parts;
  const { link, source, target, state, policy, workers, clock, logger, events } = ports;
  const homeOf = (topic: string): LinkSpec['from'] => {
    const { schemaPrimary } = state;
    return homeOfTopic(topic, { owners: policy.owners, schemaPrimary, roles: parts.roles() }) ?? link.from;
  };
  const mayAct = (): boolean => workers.mayAct();
  return {
    ...{ site: link.to, from: link.from, link: id, source, target, state, peer },
    ...{ clock, logger, events, homeOf, lookAgain: parts.lookAgain, rights: ports.rights, repoint: ports.repoint },
    roles: parts.roles,
    home: () => homeNames(link.to, { policy, schemaPrimary: state.schemaPrimary, roles: parts.roles() }),
    policy: () => parts.spec().topics ?? defaultTopicPolicy,
    withheld: () => parts.syncs().acls.withheld,
    leapIds: (operation, signal) => leapSchemaIds({ target, state, events, mayAct }, operation, signal),
    passProducerIds: (signal) => parts.syncs().producerIds.finish(signal, { withinMs: barrierMsMax }),
    tellProducerIds: (signal) => parts.syncs().producerIds.tell(signal),
    finishRules: (signal) => parts.syncs().finishRules(signal),
    finishGroups: async (signal) => {
      const { groups, troubles } = await parts.syncs().finishGroups(signal);
      const unread = groups.flatMap(({ group, state: kind, why }) =>
        kind === 'unread' ? [`${group}: ${why ?? ''}`] : [],
      );
      const [trouble] = [...troubles, ...unread];
      if (trouble !== undefined) throw new ConnectionError(`the positions of groups are not known: ${trouble}`);
    },
    ownGroups: () => parts.syncs().groups.notCarried(),
    mayAct,
    now: () => clock.now(),
    seen: () => {
      const { idsLeft, secondsLeft } = parts.syncs().producerIds.view();
      const barrier = { behind: Number(idsLeft), seconds: secondsLeft };
      return { fencing: parts.fence(), troubles: [], ownGroups: parts.syncs().groups.notCarried(), barrier };
    },
    candidates: async (signal) => {
      await workers.gather(signal);
      return candidatesOf(parts, homeOf);
    },
    copies: {
      hold: (names) => names.forEach(unfollow),
      isHeld: (topic) => workers.holds(topic),
      samples: async (signal) => {
        await workers.gather(signal, 0);
        return workers.samples();
      },
      release: () => parts.lookAgain(),
      promoted: (names) => {
        for (const name of names) {
          // At home it is what it always was, and no matter of this link any more.
          if (homeOf(name) === link.to) topics.delete(name);
          else topics.get(name)?.moveIfPossible('promoted');
        }
        parts.lookAgain();
      },
      unseen: (names) =>
        new Map(
          parts.views().flatMap(({ name, partitionViews }) => {
            if (!names.has(name)) return [];
            const heard: (UnseenRecords | undefined)[] = [];
            for (const { partition, exposure, heldBack, sourceEnd } of partitionViews) {
              const from = sourceEnd === undefined ? undefined : BigInt(sourceEnd);
              const open = heldBack && parts.syncs().open.of({ topic: name, partition }, from);
              heard[partition] = { records: exposure.recordsAtMost, heldBack: heldBack?.records ?? 0, open };
            }
            return [[name, heard] as const];
          }),
        ),
    },
  };
}

/** What the link shows now; of a source that could not be looked at since this worker leads what `_umbra` tells. */
function candidatesOf(
  { id, ports, roles, views, isRebuilt }: MovedLinkParts,
  homeOf: (topic: string) => LinkSpec['from'],
): readonly CandidateTopic[] {
  const { state } = ports;
  const seen = views();
  const shown = new Set(seen.map(({ name }) => name));
  const common = (name: string): Pick<CandidateTopic, 'name' | 'home' | 'term' | 'busy'> => ({
    ...{ name, home: homeOf(name), term: highestTerm(roles(), name) },
    busy: isRebuilt(name) ? 'its copy is being rebuilt' : undefined,
  });
  return [
    ...seen.map(({ name, state: kind, partitions, shadowTopicId, exposure }): CandidateTopic => {
      const record = state.shadow(name)?.state;
      const copyTopicId = shadowTopicId ?? (record?.kind === 'ours' ? record.shadowTopicId : undefined);
      return { ...common(name), state: kind, partitions, copyTopicId, loss: exposure };
    }),
    ...state.shadows().flatMap(({ topic, link, state: record }): CandidateTopic[] => {
      if (link !== id || shown.has(topic) || record.kind !== 'ours') return [];
      const { shadowTopicId: copyTopicId } = record;
      const kind = state.moves.wasLevel(topic, copyTopicId) ? 'following' : 'seeding';
      return [{ ...common(topic), state: kind, partitions: 0, copyTopicId, loss: undefined }];
    }),
  ];
}

function highestTerm(roles: RoleViews, topic: string): number {
  const terms = [roles.a, roles.b].map((view) => (view.kind === 'read' ? (view.records.get(topic)?.term ?? 0) : 0));
  return Math.max(...terms);
}
