import { ConnectionError } from '../../kafka/errors.ts';
import type { SiteId } from '../../pair/site.ts';
import type { TailDecision } from '../../quarantine/manifest.ts';
import { readLogEnds } from '../moves/read-ends.ts';
import type { PeerState } from '../moves/peer-state.ts';
import { type Admitted, refused } from '../rebuild/admit.ts';
import { readersOf, type Sides } from '../rebuild/scan-topic.ts';
import type { SiteState } from '../state/state.ts';
import { lostTopics } from './returned-topics.ts';

export interface AdmitTailPorts {
  /** Of the old primary. */
  readonly site: SiteId;
  readonly link: string;
  /** `source` is the new primary, `target` the old one. */
  readonly sides: Sides;
  readonly state: Pick<SiteState, 'roles' | 'shadow' | 'moves'>;
  readonly peer: Pick<PeerState, 'state' | 'roles' | 'read'>;
}

const readMsMax = 15_000;

/**
 * Whether the log of this topic is that of an old primary, whole and fenced, beside that of its new one. Rejects with
 * `REBUILD_REFUSED` and what to do instead; with what the clusters throw.
 */
export async function admitTail(
  ports: AdmitTailPorts,
  topic: string,
  decision: TailDecision | undefined,
): Promise<Admitted> {
  const { site, link, state, peer, sides } = ports;
  const signal = AbortSignal.timeout(readMsMax);
  await peer.read(signal);
  const lost = lostTopics({
    ...{ site, theirs: peer.roles, ours: state.roles() },
    cutOf: (name) => peer.state.moves.cut(name),
    isCopy: (name) => state.shadow(name) !== undefined,
    partOf: (operation) => state.moves.part(operation)?.state,
  });
  const cut = lost.find((each) => each.topic === topic)?.cut;
  if (cut === undefined) {
    throw refused(`${topic} is no topic of site ${site} that the other site took over and that is no copy yet`);
  }
  const part = state.moves.part(cut.operation)?.state;
  if (part !== 'returned' && part !== 'reversed') {
    throw refused(`the writers of ${topic} at site ${site} are not fenced yet ("npx umbra events" says why)`);
  }
  const old = (await sides.target.metadata([topic])).topics.get(topic);
  const now = (await sides.source.metadata([topic])).topics.get(topic);
  if (old?.topicId !== cut.sourceTopicId) {
    throw refused(`the topic ${topic} at site ${site} is not the one that was copied: it was deleted, or created anew`);
  }
  if (now?.topicId !== cut.topicId) {
    throw refused(
      `the topic ${topic} that was promoted is not there any more: this log is all there is of it, and it is kept`,
    );
  }
  await refuseOpenTransactions(sides, topic, signal);
  return {
    faults: [],
    ids: {
      ...{ topic, link, copyTopicId: old.topicId, copiedTopicId: now.topicId, sourceTopicId: now.topicId },
      tail: {
        ...{ operation: cut.operation, term: cut.term, site },
        cuts: cut.partitions.map(({ offset }) => offset),
        ...(decision === undefined ? {} : { decision }),
      },
    },
  };
}

/** What is behind an open transaction cannot be read, so it could not be kept. */
async function refuseOpenTransactions(sides: Sides, topic: string, signal: AbortSignal): Promise<void> {
  const { copy } = readersOf(sides);
  const ends = await readLogEnds(sides.target, [topic]);
  for (const { partition, end } of ends.values()) {
    const { end: readable } = await copy.range(topic, partition, signal);
    if (readable > end) throw new ConnectionError(`the end of ${topic}/${partition} is not settled`);
    if (readable === end) continue;
    throw refused(
      `a transaction is open in ${topic}/${partition} from offset ${readable} on: try again when it has timed out`,
    );
  }
}
