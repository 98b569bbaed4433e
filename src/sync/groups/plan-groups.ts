import type { OffsetToCommit } from '../../kafka/group-admin.ts';
import { partitionKey, type PartitionRef } from '../../kafka/log-queries.ts';
import type { GoneLooks } from './gone-looks.ts';
import type { Copies, GroupLook, Positions, TargetSide } from './group-look.ts';
import type { GroupRecord } from './group-record.ts';

export interface PlanLimits {
  /** Looks in a row in which a position must be gone at the source before it is removed here. */
  readonly goneLooksMin: number;
  /** Positions are committed again after this time, changed or not. */
  readonly refreshMs: number;
  /** Up to so many groups may disappear at once; more only while they are less than half of the link's. */
  readonly goneGroupsMax: number;
}

export interface PlanInput {
  readonly looks: readonly GroupLook[];
  readonly copies: Copies;
  readonly gone: GoneLooks;
  readonly nowMs: number;
}

/** What there is to say about a group; `level` and `behind` when the plan has been carried out. */
export type GroupFinding =
  | { readonly state: 'level' | 'behind' | 'removing' }
  | { readonly state: 'live-at-standby' | 'foreign' | 'not-synced' | 'refused' | 'unread'; readonly why: string };

/** A position of the source that the copy does not reach. */
export interface ClampedPosition extends PartitionRef {
  readonly sourceOffset: bigint;
  /** The end of the copy, which is committed instead; undefined when that is not known and nothing is committed. */
  readonly copyEnd: bigint | undefined;
}

/** What to do about one group, in this order. */
export interface GroupPlan {
  readonly group: string;
  readonly finding: GroupFinding;
  /** Positions of the source on topics that the link copies. */
  readonly partitions: number;
  /** Of these. */
  readonly topics: ReadonlySet<string>;
  readonly clamped: readonly ClampedPosition[];
  /** To be recorded before the first write: from then on the group is the link's. */
  readonly claim: GroupRecord | undefined;
  readonly commits: readonly OffsetToCommit[];
  readonly removals: readonly PartitionRef[];
  /** Nothing is left of it at either side: the empty group goes too. */
  readonly deleteGroup: boolean;
  /** To be recorded when all of that was done; `none`: the record is removed. */
  readonly settle: GroupRecord | 'none' | undefined;
}

export interface GroupsPlan {
  readonly groups: readonly GroupPlan[];
  /** Why removals are withheld. */
  readonly withheld: string | undefined;
}

/**
 * What makes the target's committed positions those of the source, as far as the copies reach: pure. Names only what
 * differs; carried out completely and planned again from what is there then, it names nothing.
 */
export function planGroups(input: PlanInput, limits: PlanLimits): GroupsPlan {
  const withheld = massRemoval(input, limits);
  const context = { ...input, limits, mayRemove: withheld === undefined };
  const groups = input.looks.flatMap((look) => {
    const plan = planGroup(look, context);
    return plan === undefined ? [] : [plan];
  });
  return { groups, withheld };
}

interface Context extends Omit<PlanInput, 'looks'> {
  readonly limits: PlanLimits;
  readonly mayRemove: boolean;
}

function planGroup(look: GroupLook, context: Context): GroupPlan | undefined {
  const { group, source, target, record, isHomeHere = false } = look;
  if (source.kind === 'unsynced') return found(group, { state: 'not-synced', why: unsyncedWhy(source.type, 'source') });
  if (source.kind === 'unread') return found(group, unreadFinding(source));
  const wanted = wantedOf(source.positions, context.copies);
  if (wanted.partitions === 0 && record === undefined) return undefined;
  const idle = (finding: GroupFinding): GroupPlan => ({ ...found(group, finding), ...shown(wanted) });
  if (target.kind === 'unsynced') return idle({ state: 'not-synced', why: unsyncedWhy(target.type, 'target') });
  if (target.kind === 'unread') return idle(unreadFinding(target));
  if (target.state === 'live') return idle({ state: 'live-at-standby', why: liveWhy });
  if (record === undefined && !isHomeHere && hasOthers(target.positions, context.copies))
    return idle({ state: 'foreign', why: foreignWhy });
  return planOurs({ group, target, record, wanted, source: source.positions }, context);
}

/** Positions that neither the link wrote nor a time when the target was primary of their topics left. */
function hasOthers(positions: Positions, copies: Copies): boolean {
  return [...positions.values()].some(({ topic }) => copies.isReversed?.(topic) !== true);
}

const liveWhy =
  'it has members at the standby; its positions there are not touched until it is empty: stop them, or promote';
const foreignWhy =
  'a group of that name with positions of its own was at the standby before; delete it there, or adopt it, and it is synced';

function unsyncedWhy(type: 'share' | 'streams', side: 'source' | 'target'): string {
  const where = side === 'source' ? '' : ' at the standby';
  return type === 'share'
    ? `it is a share group${where}: those keep the state of single records, not positions`
    : `it is a streams group${where} (KIP-1071): its tasks and their state do not go with its positions`;
}

function unreadFinding(side: { readonly why: string; readonly denied: boolean }): GroupFinding {
  return { state: side.denied ? 'refused' : 'unread', why: side.why };
}

function found(group: string, finding: GroupFinding): GroupPlan {
  const nothing = { claim: undefined, commits: [], removals: [], deleteGroup: false, settle: undefined };
  return { group, finding, partitions: 0, topics: new Set(), clamped: [], ...nothing };
}

interface Wanted {
  readonly partitions: number;
  readonly topics: ReadonlySet<string>;
  /** What the target should hold, by `topic/partition`. */
  readonly positions: ReadonlyMap<string, OffsetToCommit>;
  readonly clamped: readonly ClampedPosition[];
}

function shown({ partitions, topics, clamped }: Wanted): Pick<GroupPlan, 'partitions' | 'topics' | 'clamped'> {
  return { partitions, topics, clamped };
}

/**
 * A position beyond the copy's end would make a consumer jump by its `auto.offset.reset`; the end is committed
 * instead, without metadata, since that tells of the records up to the true position. One below the copy's start is
 * kept as it is: at the source it lies below the start too, and the consumer's own rule for lost records must apply.
 */
function wantedOf(source: Positions, copies: Copies): Wanted {
  const positions = new Map<string, OffsetToCommit>();
  const clamped: ClampedPosition[] = [];
  const topics = new Set<string>();
  let partitions = 0;
  for (const [key, { topic, partition, offset, metadata }] of source) {
    if (!copies.follows(topic)) continue;
    partitions += 1;
    topics.add(topic);
    const end = copies.range(topic, partition)?.end;
    if (end !== undefined && offset <= end) {
      positions.set(key, { topic, partition, offset, metadata });
      continue;
    }
    clamped.push({ topic, partition, sourceOffset: offset, copyEnd: end });
    if (end !== undefined) positions.set(key, { topic, partition, offset: end, metadata: '' });
  }
  return { partitions, topics, positions, clamped };
}

interface OurGroup {
  readonly group: string;
  readonly target: Extract<TargetSide, { kind: 'read' }>;
  readonly record: GroupRecord | undefined;
  readonly wanted: Wanted;
  readonly source: Positions;
}

function planOurs(ours: OurGroup, context: Context): GroupPlan {
  const { group, target, record, wanted } = ours;
  const now = new Date(context.nowMs).toISOString();
  const refresh = record !== undefined && context.nowMs - Date.parse(record.refreshedAt) >= context.limits.refreshMs;
  const commits = [...wanted.positions.values()].filter((position) => refresh || differs(position, target.positions));
  const { removals, dropped, waiting } = goneOf(ours, context);
  const before = record ?? { group, written: {}, refreshedAt: now };
  const claim = withPartitions(before, commits);
  const held = claim ?? before;
  const left = without(held, dropped);
  const ended = Object.keys(left.written).length === 0 && wanted.partitions === 0 && removals.length === 0;
  const state =
    removals.length > 0 || waiting > 0 || ended ? 'removing' : wanted.clamped.length > 0 ? 'behind' : 'level';
  return {
    group,
    finding: { state },
    ...shown(wanted),
    claim,
    commits,
    removals,
    deleteGroup: ended && target.state === 'empty' && target.positions.size === 0,
    settle: ended ? 'none' : settled({ held, left, refresh, now }),
  };
}

function settled(of: { held: GroupRecord; left: GroupRecord; refresh: boolean; now: string }): GroupRecord | undefined {
  if (of.refresh) return { ...of.left, refreshedAt: of.now };
  return of.left === of.held ? undefined : of.left;
}

function differs(wanted: OffsetToCommit, target: Positions): boolean {
  const present = target.get(partitionKey(wanted.topic, wanted.partition));
  if (present === undefined) return true;
  return present.offset !== wanted.offset || present.metadata !== wanted.metadata || present.leaderEpoch !== undefined;
}

interface Gone {
  /** To be removed at the target. */
  readonly removals: readonly PartitionRef[];
  /** No longer the link's: removed, or not there any more. */
  readonly dropped: readonly PartitionRef[];
  /** Gone at the source, not yet for long enough, or not to be removed now. */
  readonly waiting: number;
}

/** Only what the link wrote, on topics that it copies, and only when it was seen gone often enough. */
function goneOf({ group, target, record, source }: OurGroup, context: Context): Gone {
  const removals: PartitionRef[] = [];
  const dropped: PartitionRef[] = [];
  let waiting = 0;
  for (const ref of writtenOf(record)) {
    const key = partitionKey(ref.topic, ref.partition);
    const looks = context.gone.get(group)?.get(key) ?? 0;
    if (source.has(key) || looks === 0 || !context.copies.follows(ref.topic)) continue;
    const due = looks >= context.limits.goneLooksMin;
    if (due && !target.positions.has(key)) dropped.push(ref);
    else if (due && context.mayRemove) {
      removals.push(ref);
      dropped.push(ref);
    } else waiting += 1;
  }
  return { removals, dropped, waiting };
}

/**
 * Many groups that disappear at once are more likely a source that lost its `__consumer_offsets` than a wish, and what
 * is here would then be the only copy.
 */
function massRemoval({ looks, gone, copies }: PlanInput, limits: PlanLimits): string | undefined {
  const ours = looks.filter(({ record }) => record !== undefined && writtenOf(record).length > 0);
  const disappeared = ours.filter(
    ({ group, source, target, record }) =>
      source.kind === 'read' &&
      target.kind === 'read' &&
      target.positions.size > 0 &&
      writtenOf(record).every(
        ({ topic, partition }) =>
          copies.follows(topic) && (gone.get(group)?.get(partitionKey(topic, partition)) ?? 0) > 0,
      ),
  );
  if (disappeared.length <= limits.goneGroupsMax || disappeared.length * 2 < ours.length) return undefined;
  return `${disappeared.length} of ${ours.length} groups have lost all positions at the source at once: none are removed here; if that is meant, delete the groups at the standby`;
}

function writtenOf(record: GroupRecord | undefined): readonly PartitionRef[] {
  return Object.entries(record?.written ?? {}).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

/** The record with these partitions too; undefined when it has them all. */
function withPartitions(record: GroupRecord, added: readonly PartitionRef[]): GroupRecord | undefined {
  const news = [...Map.groupBy(added, ({ topic }) => topic)].flatMap(([topic, list]) => {
    const before = record.written[topic] ?? [];
    const all = new Set([...before, ...list.map(({ partition }) => partition)]);
    return all.size === before.length ? [] : [[topic, [...all].sort((x, y) => x - y)] as const];
  });
  return news.length === 0 ? undefined : { ...record, written: { ...record.written, ...Object.fromEntries(news) } };
}

/** The record without these partitions; the same one when there are none. */
function without(record: GroupRecord, removed: readonly PartitionRef[]): GroupRecord {
  if (removed.length === 0) return record;
  const keys = new Set(removed.map(({ topic, partition }) => partitionKey(topic, partition)));
  const written = Object.entries(record.written).flatMap(([topic, partitions]) => {
    const left = partitions.filter((partition) => !keys.has(partitionKey(topic, partition)));
    return left.length === 0 ? [] : [[topic, left] as const];
  });
  return { ...record, written: Object.fromEntries(written) };
}
