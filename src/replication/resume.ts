import type { Broker } from '../kafka/cluster.ts';
import { judge, refusalText } from '../kafka/errors.ts';
import { type Answer, lastSequences, listOffsets, logEnds, partitionKey } from '../kafka/log-queries.ts';
import type { CopiedPartition } from './copied-partition.ts';
import type { ResumePoint } from './copier-state.ts';
import type { Fault } from './fault.ts';
import type { Leader } from './leaders.ts';
import { sequenceAfter, sequenceForOffset } from './producer-identity.ts';
import { readBatchAt, type ReadBatch } from './read-batch.ts';
import { tailDifference } from './compare-tail.ts';
import { type Head, isFiller } from './head-fill.ts';

export interface ResumeTarget {
  readonly of: CopiedPartition;
  readonly source: Leader;
  readonly target: Leader;
}

export type ResumeOutcome =
  | { readonly kind: 'resume'; readonly point: ResumePoint }
  /** The source begins above the copy's end, and the copy holds nothing but fillers: it is to be brought there. */
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'again'; readonly reason: string; readonly denied: boolean }
  | { readonly kind: 'fault'; readonly fault: Fault };

type LogEnd =
  | { readonly kind: 'end'; readonly logEnd: bigint; readonly sequence: number }
  | Extract<ResumeOutcome, { kind: 'again' }>;

/**
 * Where the copies end, read from their leader without any state of our own (protocol.md, algorithm 3).
 *
 * The target's log end and the link's last sequence must belong together: a request of an earlier life may still be
 * on its way. So the end is asked before and after the sequence, on one connection, with the leader's epoch; only
 * when both ends agree do the three form one picture.
 */
export async function readLogEnds(
  broker: Broker,
  targets: readonly ResumeTarget[],
): Promise<ReadonlyMap<string, LogEnd>> {
  const refs = targets.map(({ of, target }) => ({
    topic: of.topic,
    partition: of.partition,
    leaderEpoch: target.epoch,
  }));
  const before = await logEnds(broker, refs);
  const sequences = await lastSequences(broker, refs);
  const after = await logEnds(broker, refs);
  const result = new Map<string, LogEnd>();
  for (const { of } of targets) {
    const key = partitionKey(of.topic, of.partition);
    result.set(key, combine(of, before.get(key), sequences.get(key), after.get(key)));
  }
  return result;
}

function combine(
  of: CopiedPartition,
  before: Answer<bigint> | undefined,
  sequences: Answer<ReadonlyMap<bigint, number>> | undefined,
  after: Answer<bigint> | undefined,
): LogEnd {
  if (before === undefined || sequences === undefined || after === undefined)
    return again('the target leaves this partition out');
  for (const answer of [before, sequences, after]) if (!answer.ok) return againFor(answer.code, 'target');
  // The loop above leaves only good answers; the compiler cannot see it.
  if (!before.ok || !sequences.ok || !after.ok) return again('unreachable');
  if (before.value < 0n) return again('the target does not know its log end yet');
  if (before.value !== after.value) return again('the log end of the copy still moves');
  const last = sequences.value.get(of.producerId);
  const sequence = last === undefined || last < 0 ? sequenceForOffset(after.value) : sequenceAfter(last, 1);
  return { kind: 'end', logEnd: after.value, sequence };
}

export interface ResumeBrokers {
  readonly source: Broker;
  readonly target: Broker;
}

/**
 * Checks that the source still holds what the copy ends with, and finds the epoch to fetch with. The last batch below
 * the log end is compared on both sides: a copy that somebody wrote to, or a source that lost records, stops here.
 */
export async function checkTail(
  brokers: ResumeBrokers,
  { of, source, target }: ResumeTarget,
  end: { readonly logEnd: bigint; readonly sequence: number },
): Promise<ResumeOutcome> {
  const { logEnd, sequence } = end;
  if (logEnd === 0n) return startFromNothing(brokers.source, of, end);
  const offset = logEnd - 1n;
  const copy = await readBatchAt(brokers.target, {
    topicId: of.targetTopicId,
    partition: of.partition,
    leaderEpoch: target.epoch,
    offset,
  });
  // The copy was emptied up to its end when its head was made: there is nothing to compare.
  if (copy.kind === 'error' && copy.code === offsetOutOfRange) return startFromNothing(brokers.source, of, end);
  if (copy.kind === 'error') return againFor(copy.code, 'target');
  if (copy.kind === 'nothing') return again('the end of the copy is not yet visible at the target');
  const original = await readBatchAt(brokers.source, {
    topicId: of.sourceTopicId,
    partition: of.partition,
    leaderEpoch: source.epoch,
    offset,
  });
  if (original.kind !== 'batch')
    return missingAtSource(brokers.source, { of, source, logEnd, sequence, copy, original });
  const difference = tailDifference(original, copy, of.producerId);
  if (difference === undefined) {
    const below = original.header.baseOffset < logEnd;
    const lastFetchedEpoch = below ? original.header.leaderEpoch : undefined;
    return { kind: 'resume', point: { logEnd, sequence, lastFetchedEpoch } };
  }
  return { kind: 'fault', fault: foreignOrDiverged(of, copy, `compared with the source: ${difference}`) };
}

/** A copy without any record: empty, or its head just made. */
async function startFromNothing(
  source: Broker,
  of: CopiedPartition,
  { logEnd, sequence }: { readonly logEnd: bigint; readonly sequence: number },
): Promise<ResumeOutcome> {
  const starts = await listOffsets(source, 'earliest', [of]);
  const start = starts.get(partitionKey(of.topic, of.partition));
  if (start === undefined) return again('the source leaves this partition out');
  if (!start.ok) return againFor(start.code, 'source');
  if (start.value > logEnd) return { kind: 'head', head: { from: logEnd, to: start.value, sequence } };
  if (start.value < logEnd) {
    const message = `the copy is empty up to its end at ${logEnd}, the source still has records from ${start.value} on`;
    return { kind: 'fault', fault: { code: 'DIVERGED', offset: start.value, message } };
  }
  return { kind: 'resume', point: { logEnd, sequence, lastFetchedEpoch: undefined } };
}

interface MissingAtSource {
  readonly of: CopiedPartition;
  readonly source: Leader;
  readonly logEnd: bigint;
  readonly sequence: number;
  readonly copy: Extract<ReadBatch, { kind: 'batch' }>;
  readonly original: Exclude<ReadBatch, { kind: 'batch' }>;
}

const offsetOutOfRange = 1;

async function missingAtSource(broker: Broker, missing: MissingAtSource): Promise<ResumeOutcome> {
  const { of, source, logEnd, sequence, copy, original } = missing;
  if (original.kind === 'error' && original.code !== offsetOutOfRange) return againFor(original.code, 'source');
  const key = partitionKey(of.topic, of.partition);
  const ends = await logEnds(broker, [{ ...of, leaderEpoch: source.epoch }]);
  const starts = await listOffsets(broker, 'earliest', [of]);
  const end = ends.get(key);
  const start = starts.get(key);
  if (end === undefined || start === undefined) return again('the source leaves this partition out');
  if (!end.ok) return againFor(end.code, 'source');
  if (!start.ok) return againFor(start.code, 'source');
  if (end.value < logEnd) {
    const message = `the source ends at offset ${end.value}, the copy at ${logEnd}`;
    const fault = foreignOrDiverged(of, copy, message);
    return {
      kind: 'fault',
      fault:
        fault.code === 'FOREIGN_WRITE'
          ? { ...fault, offset: end.value }
          : { code: 'SOURCE_TRUNCATED', offset: end.value, message },
    };
  }
  if (start.value > logEnd && isFiller(copy.frame, copy.header)) {
    return { kind: 'head', head: { from: logEnd, to: start.value, sequence } };
  }
  if (start.value > logEnd) {
    const message = `the source begins at offset ${start.value}, the copy ends at ${logEnd}: ${start.value - logEnd} records were deleted before they were copied`;
    return { kind: 'fault', fault: { code: 'RETENTION_AHEAD', offset: logEnd, message } };
  }
  // Everything the copy holds was deleted at the source by retention, and nothing is missing: go on unchecked.
  if (start.value === logEnd) return { kind: 'resume', point: { logEnd, sequence, lastFetchedEpoch: undefined } };
  return again('the tail of the copy is not yet visible at the source');
}

function foreignOrDiverged(of: CopiedPartition, copy: Extract<ReadBatch, { kind: 'batch' }>, what: string): Fault {
  const { header, frame } = copy;
  const producerId = frame.readBigInt64BE(header.start + 43);
  const where = `the copy's batch at offsets ${header.baseOffset} to ${header.lastOffset}`;
  if (producerId === of.producerId) {
    return { code: 'DIVERGED', offset: header.baseOffset, message: `${where}: ${what}` };
  }
  const who = producerId < 0n ? 'a producer without id' : `producer id ${producerId}`;
  return {
    code: 'FOREIGN_WRITE',
    offset: header.baseOffset,
    message: `${where} was written by ${who}, not by the link (${what})`,
  };
}

function again(reason: string): Extract<ResumeOutcome, { kind: 'again' }> {
  return { kind: 'again', reason, denied: false };
}

function againFor(code: number, side: 'source' | 'target'): Extract<ResumeOutcome, { kind: 'again' }> {
  return {
    kind: 'again',
    reason: `${side}: ${refusalText(code, `READ at the ${side}`)}`,
    denied: judge(code) === 'denied',
  };
}
