import { positionsShownMax, problemsShownMax, type RehearsedGroup } from '../drill/rehearsal-record.ts';
import { partitionKey, type PartitionRef } from '../kafka/log-queries.ts';

/** One partition of a group, as the copy has it and as the consumer saw it. */
export interface PartitionSight extends PartitionRef {
  /** Committed here for the group. */
  readonly position: bigint;
  /** Of the copy: its first offset, and where it ended for consumers after the position was read. */
  readonly start: bigint;
  readonly end: bigint;
  /** Committed at the source; undefined where that is not known. */
  readonly sourcePosition: bigint | undefined;
  /** Of the log at the source; undefined where it was not asked for, or does not answer. */
  readonly sourceStart: bigint | undefined;
  /** Undefined: nothing of it was to be read, by the bounds or since its position is in no log. */
  readonly reading: PartitionReading | undefined;
}

export interface PartitionReading {
  /** Offsets of the records that a consumer has to be given, as the log itself has them; ascending. */
  readonly records: readonly bigint[];
  /** The same, read once more behind the consumer: records may be compacted or deleted meanwhile. Absent: not read again. */
  readonly recordsAfter?: readonly bigint[] | undefined;
  /** Offsets of those it was given, in this order. */
  readonly given: readonly bigint[];
  /** Where it was told that it is. */
  readonly cameTo: bigint;
  /** What its group has committed, read back; undefined where nothing is. */
  readonly committed: bigint | undefined;
}

/** A group with everything that was seen of it. */
export interface GroupSight {
  readonly group: string;
  readonly as: string;
  readonly partitions: readonly PartitionSight[];
  /** Why it was not read to its end: a refusal, a time limit. */
  readonly trouble: string | undefined;
  readonly firstMs: number | undefined;
  /** Positions that it has at the source and not here, a line each. */
  readonly lost: readonly string[];
  /** Good to know. */
  readonly notes: readonly string[];
}

/** What there is to say of a group that was read. Pure. */
export function judgeGroup(sight: GroupSight): RehearsedGroup {
  const { group, as, partitions, trouble, firstMs } = sight;
  const read = partitions.filter(({ reading }) => reading !== undefined && reading.given.length > 0);
  const problems = [
    ...(trouble === undefined ? [] : [trouble]),
    ...sight.lost,
    ...partitions.flatMap((partition) => problemsOfPlace(partition)),
    // What is missing when it was not read to its end says nothing more.
    ...partitions.flatMap((partition) => (trouble === undefined ? problemsOfReading(partition) : [])),
  ];
  const notes = [...sight.notes, ...partitions.flatMap((partition) => lostAtSource(partition) ?? [])];
  const again = partitions.every(({ sourcePosition }) => sourcePosition === undefined)
    ? {}
    : { again: Number(partitions.reduce((sum, partition) => sum + (againOf(partition) ?? 0n), 0n)) };
  return {
    ...{ group, as, partitions: partitions.length, partitionsRead: read.length },
    records: read.reduce((sum, { reading }) => sum + (reading?.given.length ?? 0), 0),
    ...again,
    ...(firstMs === undefined ? {} : { firstMs }),
    goesOn: goesOn(partitions),
    problems: some(problems),
    notes: some(notes),
  };
}

/** So many of them, and how many more there are. */
export function some(lines: readonly string[]): string[] {
  const kept = lines.length > problemsShownMax ? lines.slice(0, problemsShownMax - 1) : lines;
  const more = lines.length - kept.length;
  return [...kept, ...(more > 0 ? [`and ${more} more`] : [])].map((line) => line.slice(0, 1_000));
}

function goesOn(partitions: readonly PartitionSight[]): RehearsedGroup['goesOn'] {
  return partitions
    .toSorted((left, right) => Number((againOf(right) ?? -1n) - (againOf(left) ?? -1n)))
    .slice(0, positionsShownMax)
    .map((partition) => {
      const again = againOf(partition);
      const { topic, partition: number, position, end } = partition;
      return {
        ...{ topic, partition: number, offset: String(position), end: String(end) },
        ...(again === undefined ? {} : { again: Number(again) }),
      };
    });
}

/** It goes on behind where it has come to at the source: so much is given again. */
function againOf({ position, sourcePosition }: PartitionSight): bigint | undefined {
  if (sourcePosition === undefined) return undefined;
  return sourcePosition > position ? sourcePosition - position : 0n;
}

/** A consumer that goes on there does not go on: it jumps by its `auto.offset.reset`. */
function problemsOfPlace(sight: PartitionSight): readonly string[] {
  const { position, start, end } = sight;
  const where = `the position ${position} on ${partitionKey(sight.topic, sight.partition)}`;
  if (position > end)
    return [`${where} is above the end of the copy, ${end}: a consumer would jump by its auto.offset.reset`];
  if (position >= start || isLostAtSource(sight)) return [];
  return [`${where} is below the start of the copy, ${start}: a consumer would jump by its auto.offset.reset`];
}

/** The records are gone at the source, too: the consumer would jump there as it does here. */
function isLostAtSource({ position, start, sourceStart }: PartitionSight): boolean {
  return position < start && sourceStart !== undefined && position < sourceStart;
}

function lostAtSource(sight: PartitionSight): string | undefined {
  if (!isLostAtSource(sight)) return undefined;
  const { topic, partition, position, sourceStart } = sight;
  return `the position ${position} on ${partitionKey(topic, partition)} is below the start of the log at the source, too (${sourceStart}): its records are gone at both sites`;
}

function problemsOfReading({ topic, partition, position, reading }: PartitionSight): readonly string[] {
  if (reading === undefined) return [];
  const { given, records, recordsAfter = records, cameTo, committed } = reading;
  const where = partitionKey(topic, partition);
  const seen = new Set(given);
  const known = new Set(records);
  // Only what was there before and after was to be given; what came or went between says nothing.
  const stayed = new Set(recordsAfter);
  const missing = records.filter((offset) => stayed.has(offset) && !seen.has(offset));
  const found: string[] = [];
  if (missing.length > 0)
    found.push(
      given.length === 0
        ? `${where} yields nothing, though ${missing.length} records are there from offset ${missing[0] ?? position} on`
        : `${missing.length} of ${records.length} records of ${where} were not given, the first one at offset ${missing[0] ?? position}`,
    );
  const strange = given.find((offset) => !known.has(offset));
  if (strange !== undefined)
    found.push(`${where} gave a record at offset ${strange}, where the log has none to be read from ${position} on`);
  const back = given.findIndex((offset, index) => offset <= (given[index - 1] ?? -1n));
  if (back > 0)
    found.push(`the offsets of ${where} do not ascend: ${given[back] ?? ''} behind ${given[back - 1] ?? ''}`);
  if (committed !== cameTo) found.push(`${where}: ${cameTo} was committed, and ${committed ?? 'nothing'} is read back`);
  return found;
}
