import type { Logger } from 'pino';
import type { Cluster, ClusterMetadata } from '../../kafka/cluster.ts';
import type { CutRecord } from '../../operations/cut.ts';
import type { PartState } from '../../operations/operation.ts';
import { type RoleView, termSchema } from '../../pair/ownership.ts';
import type { SiteId } from '../../pair/site.ts';
import { hasAborted } from '../../replication/waiting/wakeup.ts';
import type { EventSink } from '../events/event.ts';
import { someOf } from '../events/some-of.ts';
import type { MovedRoleView } from '../moves/operation-view.ts';
import type { PeerState } from '../moves/peer-state.ts';
import { readLogEnds } from '../moves/read-ends.ts';
import type { SiteState } from '../state/state.ts';
import type { OldSideView } from '../views.ts';
import { countsOf, type ReturnedRecord, returnedSection, type ReturnedState } from './returned-record.ts';

export interface ReturnedTopicsPorts {
  /** This one, of which the other may have taken topics over. */
  readonly site: SiteId;
  readonly link: string;
  /** Of this site. */
  readonly cluster: Cluster;
  readonly state: Pick<SiteState, 'section' | 'roles' | 'shadow' | 'end' | 'moves'>;
  readonly peer: Pick<PeerState, 'state' | 'roles'>;
  readonly mayAct: () => boolean;
  readonly now: () => Date;
  readonly logger: Logger;
  readonly events: EventSink;
}

/** More are counted, not named. */
const splitNamedMax = 10;

export interface LostTopic {
  readonly topic: string;
  readonly cut: CutRecord;
}

export interface LostTopicsSeen {
  readonly site: SiteId;
  readonly theirs: RoleView;
  readonly ours: RoleView;
  /** Of the other site's `_umbra`. */
  readonly cutOf: (topic: string) => CutRecord | undefined;
  /** It is a copy here. */
  readonly isCopy: (topic: string) => boolean;
  /** What this site has done for an operation. */
  readonly partOf: (operation: string) => PartState | undefined;
}

/**
 * The topics that the other site took over and of which this one still has its own log: neither a copy nor primary. Those of
 * a failover at once; of a switchover, which turns them into copies itself, the ones that it could not, when its last step
 * is done. Pure.
 */
export function lostTopics({ site, theirs, ours, cutOf, isCopy, partOf }: LostTopicsSeen): readonly LostTopic[] {
  if (theirs.kind === 'unread' || ours.kind === 'unread') return [];
  return [...theirs.records.values()].flatMap(({ topic, primary, term }) => {
    if (primary === site || (ours.records.get(topic)?.term ?? 0) > term || isCopy(topic)) return [];
    const cut = cutOf(topic);
    if (cut?.term !== term) return [];
    return cut.operation.startsWith('failover-') || partOf(cut.operation) === 'reversed' ? [{ topic, cut }] : [];
  });
}

/**
 * What came back after a failover, or was left by a switchover: topics of this site that the other one took over, with the
 * offsets that only the old log has. Looked at from the moment on that the other site's `_umbra` can be read, whether or not the old writers are
 * fenced yet; written into this site's `_umbra`, where the other site reads it.
 */
export class ReturnedTopics {
  readonly #ports: ReturnedTopicsPorts;
  #lost: readonly LostTopic[] = [];
  #lostAsOf: { readonly theirs: RoleView; readonly end: bigint } | undefined;
  #troubled = false;

  constructor(ports: ReturnedTopicsPorts) {
    this.#ports = ports;
  }

  /** Of both sites: each has records only of topics that it lost. */
  records(): readonly ReturnedRecord[] {
    const { state, peer } = this.#ports;
    return [...returnedSection(state).all(), ...returnedSection(peer.state).all()];
  }

  /** This site's own record. */
  of(topic: string): ReturnedRecord | undefined {
    return returnedSection(this.#ports.state)
      .all()
      .find((record) => record.topic === topic);
  }

  /** How many are in each state. */
  counts(): Readonly<Record<ReturnedState, number>> {
    const counts = { returned: 0, split: 0 };
    for (const record of this.records()) counts[countsOf(record).state] += 1;
    return counts;
  }

  /** Undefined where nothing came back. */
  view(): OldSideView | undefined {
    const records = this.records();
    const split = records.filter((record) => countsOf(record).state === 'split').map(({ topic }) => topic);
    if (records.length === 0) return undefined;
    const splitTopics = split.toSorted().slice(0, splitNamedMax);
    return { returned: records.length - split.length, split: split.length, splitTopics };
  }

  /** The same roles, with what became of the old primary's log. */
  besides(roles: readonly MovedRoleView[]): readonly MovedRoleView[] {
    const known = new Map(this.records().map((record) => [record.topic, record]));
    return roles.map((role) => {
      const record = known.get(role.topic);
      return record === undefined || record.term !== role.term
        ? role
        : { ...role, oldSide: { ...countsOf(record), at: record.at } };
    });
  }

  /** Never rejects: what cannot be read now is read at the next look. */
  async look(target: ClusterMetadata, signal: AbortSignal): Promise<void> {
    const { mayAct, logger, link } = this.#ports;
    if (!mayAct()) return;
    try {
      await this.#look(target, signal);
      this.#troubled = false;
    } catch (error) {
      if (hasAborted(signal)) return;
      if (!this.#troubled) logger.warn({ err: error, link }, 'what came back after a failover cannot be looked at');
      this.#troubled = true;
    }
  }

  async #look(target: ClusterMetadata, signal: AbortSignal): Promise<void> {
    // What nobody has looked at is not empty.
    if (this.#ports.peer.roles.kind === 'unread') return;
    const section = returnedSection(this.#ports.state);
    const known = new Map(section.all().map((record) => [record.topic, record]));
    const lost = this.#lostNow();
    if (lost.length === 0 && known.size === 0) return;
    const asked = lost.filter(({ topic }) => isWhole(target, topic));
    const ends = await readLogEnds(
      this.#ports.cluster,
      asked.map(({ topic }) => topic),
    );
    const endsByTopic = Map.groupBy(ends.values(), ({ topic }) => topic);
    const at = this.#ports.now().toISOString();
    const found = asked.map(({ topic, cut }) =>
      returnedRecord(cut, { ends: endsByTopic.get(topic) ?? [], at, known: known.get(topic) }),
    );
    const changed = found.filter((record) => record !== known.get(record.topic));
    const names = new Set(lost.map(({ topic }) => topic));
    const gone = [...known.keys()].filter((topic) => !names.has(topic));
    if (changed.length + gone.length === 0) return;
    await section.write(
      [
        ...changed.map((record) => [record.topic, record] as const),
        ...gone.map((topic) => [topic, undefined] as const),
      ],
      signal,
    );
    this.#tell(changed, known);
  }

  /** Parsed anew only when either `_umbra` has changed: it is asked for at each look. */
  #lostNow(): readonly LostTopic[] {
    const { site, state, peer } = this.#ports;
    const { roles: theirs } = peer;
    const { end } = state;
    if (this.#lostAsOf?.theirs === theirs && this.#lostAsOf.end === end) return this.#lost;
    this.#lost = lostTopics({
      ...{ site, theirs, ours: state.roles() },
      cutOf: (topic) => peer.state.moves.cut(topic),
      isCopy: (topic) => state.shadow(topic) !== undefined,
      partOf: (operation) => state.moves.part(operation)?.state,
    });
    this.#lostAsOf = { theirs, end };
    return this.#lost;
  }

  #tell(changed: readonly ReturnedRecord[], known: ReadonlyMap<string, ReturnedRecord>): void {
    const { events, link, logger } = this.#ports;
    const becoming = Map.groupBy(
      changed.filter((record) => {
        const before = known.get(record.topic);
        return before === undefined || countsOf(before).state !== countsOf(record).state;
      }),
      (record) => countsOf(record).state,
    );
    for (const [state, records] of becoming) {
      const topics = records.map(({ topic }) => topic);
      const offsets = records.reduce((sum, record) => sum + countsOf(record).tailOffsets, 0);
      const tails = `${offsets} offsets above the cut are only here`;
      logger.warn({ link, state, topics: topics.length, offsets }, 'the other site is primary of topics of this one');
      events.report({
        kind: state === 'split' ? 'split found' : 'old side returned',
        link,
        message: state === 'split' ? `${someOf(topics)}: ${tails}` : someOf(topics),
      });
    }
  }
}

function isWhole({ topics }: ClusterMetadata, topic: string): boolean {
  return topics.get(topic)?.partitions.every(({ leader }) => leader !== undefined) === true;
}

interface FoundEnds {
  readonly ends: readonly { readonly partition: number; readonly end: bigint }[];
  readonly at: string;
  readonly known: ReturnedRecord | undefined;
}

/** The known one where nothing changed. Pure. */
export function returnedRecord(cut: CutRecord, { ends, at, known }: FoundEnds): ReturnedRecord {
  const partitions = ends
    .toSorted((left, right) => left.partition - right.partition)
    .map(({ partition, end }) => ({ cut: cut.partitions[partition]?.offset ?? '0', end: String(end) }));
  const { topic, operation, term } = cut;
  const same =
    known?.operation === operation &&
    known.partitions.length === partitions.length &&
    known.partitions.every((each, index) => each.cut === partitions[index]?.cut && each.end === partitions[index].end);
  if (same) return known;
  const since = known?.operation === operation && countsOf(known).state === countsOf({ partitions }).state;
  return { topic, operation, term: termSchema.parse(term), partitions, at: since ? known.at : at };
}
