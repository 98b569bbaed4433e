import { type RehearsedGroup, rehearsedGroupsMax } from '../drill/rehearsal-record.ts';
import type { Cluster } from '../kafka/cluster.ts';
import { errorName } from '../kafka/errors.ts';
import { commitGroupOffsets, fetchGroupOffsets, type GroupOffset } from '../kafka/group-admin.ts';
import { type GroupAnswer, GroupCoordinators, type GroupRequest } from '../kafka/group-coordinators.ts';
import { partitionKey, type PartitionRef } from '../kafka/log-queries.ts';
import { LogReader } from '../replication/logs/log-reader.ts';
import { type ChosenGroup, chooseGroups, type KeptGroup } from './choose-groups.ts';
import { rehearsalGroup } from './group-names.ts';
import { type GroupSight, judgeGroup, type PartitionReading, type PartitionSight } from './judge-group.ts';
import { type GroupReading, readAsGroup, type ReadingGoal } from './read-as-group.ts';
import { visibleRecords } from './visible-records.ts';

/** What reading the groups of one rehearsal may take. */
const recordsMax = 5_000;
const partitionBytesMax = 4 * 1024 * 1024;
const groupBytesMax = 64 * 1024 * 1024;
const partitionsReadMax = 100;
const groupsAtOnce = 4;
const bounds = { readMsMax: 30_000, quietMsMax: 5_000 };

export interface GroupRehearsalPorts {
  /** Where the copies are. */
  readonly here: Cluster;
  readonly source: Cluster;
  /** Asked when a position is about to be committed: under a renamed group, and nowhere else. */
  readonly mayAct: () => boolean;
}

export interface GroupRehearsal {
  readonly run: string;
  /** Of this controller: see {@link rehearsalGroup}. */
  readonly life: string;
  readonly kept: Iterable<KeptGroup>;
  /** The copies in scope. */
  readonly topics: ReadonlySet<string>;
}

export interface RehearsedGroups {
  readonly groups: readonly RehearsedGroup[];
  readonly topics: readonly string[];
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
}

const positions: GroupRequest<readonly GroupOffset[]> = {
  ...{ purpose: 'groups', groupsMax: 200, lanes: 1, send: fetchGroupOffsets },
};

/**
 * Has an ordinary consumer go on where each group would go on after a move, under another name. The groups themselves and their
 * topics are only read. Rejects when aborted, and where nobody of the cluster here answers.
 */
export async function rehearseGroups(
  ports: GroupRehearsalPorts,
  { run, life, kept, topics }: GroupRehearsal,
  signal: AbortSignal,
): Promise<RehearsedGroups> {
  const chosen = chooseGroups(kept, topics, rehearsedGroupsMax);
  const names = chosen.groups.map(({ group }) => group);
  const coordinators = new GroupCoordinators(ports.here);
  const here = await coordinators.ask(names, positions, signal);
  const there = await atSource(ports.source, names, signal);
  const reader = new GroupReader({ ...ports, coordinators });
  const rehearsed = new Map<string, RehearsedGroup>();
  const waiting = [...chosen.groups.entries()];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      signal.throwIfAborted();
      const [number, group] = next;
      const as = rehearsalGroup(run, life, number + 1);
      const seen = { group, as, here: here.get(group.group), there: there.get(group.group) };
      rehearsed.set(group.group, await reader.rehearse(seen, signal));
    }
  };
  // Of all of them the end: nothing goes on behind the back of who removes the groups.
  const lanes = await Promise.allSettled(Array.from({ length: groupsAtOnce }, lane));
  signal.throwIfAborted();
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
  const read = chosen.groups.flatMap(({ partitions }) => partitions.map(({ topic }) => topic));
  return {
    groups: names.flatMap((name) => rehearsed.get(name) ?? []),
    topics: [...new Set(read)].toSorted(),
    leftOut: chosen.leftOut.map((name) => ({
      name,
      why: `more than ${rehearsedGroupsMax} groups have positions here; those with most partitions are read`,
    })),
  };
}

type Positions = GroupAnswer<readonly GroupOffset[]>;

/** A source that does not answer leaves open how much would be given again, and nothing else. */
async function atSource(
  source: Cluster,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Positions>> {
  try {
    await source.metadata([]);
    return await new GroupCoordinators(source).ask(names, positions, signal);
  } catch {
    signal.throwIfAborted();
    return new Map();
  }
}

interface SeenGroup {
  readonly group: ChosenGroup;
  readonly as: string;
  readonly here: Positions | undefined;
  readonly there: Positions | undefined;
}

interface Goal extends ReadingGoal {
  readonly records: readonly bigint[];
}

class GroupReader {
  readonly #ports: GroupRehearsalPorts & { readonly coordinators: GroupCoordinators };
  readonly #log: LogReader;
  readonly #sourceLog: LogReader;

  constructor(ports: GroupRehearsalPorts & { readonly coordinators: GroupCoordinators }) {
    this.#ports = ports;
    this.#log = new LogReader(ports.here);
    this.#sourceLog = new LogReader(ports.source, { attemptsMax: 2 });
  }

  async rehearse(seen: SeenGroup, signal: AbortSignal): Promise<RehearsedGroup> {
    const { group, as } = seen;
    try {
      return judgeGroup(await this.#look(seen, signal));
    } catch (error) {
      signal.throwIfAborted();
      const trouble = `it could not be read: ${error instanceof Error ? error.message : String(error)}`;
      const nothing = { partitions: group.partitions.length, partitionsRead: 0, records: 0, goesOn: [], notes: [] };
      return { group: group.group, as, ...nothing, problems: [trouble.slice(0, 1_000)] };
    }
  }

  async #look({ group, as, here, there }: SeenGroup, signal: AbortSignal): Promise<GroupSight> {
    if (here?.kind !== 'answered') throw new Error(whyUnread(here));
    const own = byPartition(here.value);
    const source = there?.kind === 'answered' ? byPartition(there.value) : undefined;
    const notes = source === undefined ? ['its positions at the source are not known'] : [];
    const lost: string[] = [];
    const places: PartitionSight[] = [];
    for (const of of group.partitions) {
      const key = partitionKey(of.topic, of.partition);
      const position = own.get(key);
      const sourcePosition = source?.get(key);
      if (position === undefined) {
        if (sourcePosition === undefined) notes.push(`it has no position on ${key} any more`);
        else lost.push(`it has no position on ${key}, and ${sourcePosition} at the source`);
        continue;
      }
      const { start, end } = await this.#log.range(of.topic, of.partition, signal);
      const sourceStart = position < start ? await this.#sourceStart(of, signal) : undefined;
      places.push({ ...of, position, start, end, sourcePosition, sourceStart, reading: undefined });
    }
    const goals = await this.#goals(places, notes, signal);
    const reading = await this.#read(as, goals, signal);
    const partitions = await this.#seen(as, { places, goals, reading }, signal);
    const { trouble, firstMs } = reading;
    return { group: group.group, as, partitions, trouble, firstMs, lost, notes };
  }

  async #sourceStart({ topic, partition }: PartitionRef, signal: AbortSignal): Promise<bigint | undefined> {
    try {
      return (await this.#sourceLog.range(topic, partition, signal)).start;
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  /** Those that can be read, within the bounds, with the records that a consumer has to be given. */
  async #goals(places: readonly PartitionSight[], notes: string[], signal: AbortSignal): Promise<readonly Goal[]> {
    const goals: Goal[] = [];
    let bytes = 0;
    let unread = 0;
    for (const { topic, partition, position: from, start, end } of places) {
      if (from < start || from > end) continue;
      if (goals.length >= partitionsReadMax || bytes >= groupBytesMax) {
        unread += 1;
        continue;
      }
      const range = { from, to: end, recordsMax, bytesMax: partitionBytesMax };
      const found = await visibleRecords(this.#log, { topic, partition }, range, signal);
      bytes += found.bytes;
      goals.push({ topic, partition, from, last: found.offsets.at(-1), records: found.offsets });
    }
    if (unread > 0) notes.push(`${unread} of its partitions were not read, by the bounds of a rehearsal`);
    return goals;
  }

  async #read(as: string, goals: readonly Goal[], signal: AbortSignal): Promise<GroupReading> {
    const nothing = { given: new Map(), cameTo: new Map(), firstMs: undefined };
    if (goals.length === 0) return { ...nothing, trouble: undefined };
    const refused = await this.#seed(as, goals, signal);
    if (refused !== undefined) return { ...nothing, trouble: refused };
    return readAsGroup(this.#ports.here.config, { group: as, goals }, bounds, signal);
  }

  /** Gives the renamed group the positions of the original one. Resolves to why not. */
  async #seed(as: string, goals: readonly Goal[], signal: AbortSignal): Promise<string | undefined> {
    const offsets = goals.map(({ topic, partition, from }) => ({ topic, partition, offset: from, metadata: '' }));
    const guard = { maySend: this.#ports.mayAct };
    const request: GroupRequest<ReadonlyMap<string, number>> = {
      ...{ purpose: 'group-writes', groupsMax: 1, lanes: 1 },
      send: async (broker, [group]) =>
        new Map(
          group === undefined
            ? []
            : [[group, { ok: true, value: await commitGroupOffsets(broker, group, offsets, guard) }]],
        ),
    };
    const answer = (await this.#ports.coordinators.ask([as], request, signal)).get(as);
    if (answer?.kind !== 'answered') return whyUnread(answer);
    const [first] = answer.value;
    return first && `its positions cannot be committed under ${as}: ${first[0]}: ${errorName(first[1])}`;
  }

  /** What the consumer saw beside what is there, with what was committed read back. */
  async #seen(
    as: string,
    {
      places,
      goals,
      reading,
    }: { readonly places: readonly PartitionSight[]; readonly goals: readonly Goal[]; readonly reading: GroupReading },
    signal: AbortSignal,
  ): Promise<readonly PartitionSight[]> {
    if (reading.trouble !== undefined || goals.length === 0) return places;
    const answer = (await this.#ports.coordinators.ask([as], positions, signal)).get(as);
    if (answer?.kind !== 'answered') throw new Error(whyUnread(answer));
    const committed = byPartition(answer.value);
    const readings = new Map<string, PartitionReading>();
    for (const { topic, partition, from, records } of goals) {
      const key = partitionKey(topic, partition);
      const given = reading.given.get(key) ?? [];
      const has = new Set(given);
      // Asked once more only where something is missing.
      const recordsAfter = records.every((offset) => has.has(offset))
        ? records
        : await this.#recordsNow({ topic, partition }, { from, to: (records.at(-1) ?? from) + 1n }, signal);
      const cameTo = reading.cameTo.get(key) ?? from;
      readings.set(key, { records, recordsAfter, given, cameTo, committed: committed.get(key) });
    }
    return places.map((place) => ({ ...place, reading: readings.get(partitionKey(place.topic, place.partition)) }));
  }

  async #recordsNow(
    of: PartitionRef,
    range: { readonly from: bigint; readonly to: bigint },
    signal: AbortSignal,
  ): Promise<readonly bigint[]> {
    const all = { recordsMax: Number.MAX_SAFE_INTEGER, bytesMax: groupBytesMax };
    return (await visibleRecords(this.#log, of, { ...range, ...all }, signal)).offsets;
  }
}

function byPartition(offsets: readonly GroupOffset[]): ReadonlyMap<string, bigint> {
  return new Map(offsets.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]));
}

function whyUnread(answer: GroupAnswer<unknown> | undefined): string {
  if (answer?.kind === 'refused') return `its coordinator refused it: ${errorName(answer.code)}`;
  return `its coordinator does not answer${answer?.kind === 'unreachable' ? `: ${answer.message}` : ''}`;
}
