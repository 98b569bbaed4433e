import type { Broker } from '../../kafka/cluster.ts';
import { discardFrame } from '../../kafka/discard-frame.ts';
import { judge, refusalText } from '../../kafka/errors.ts';
import { type Answer, lastSequences, listOffsets, logEnds, partitionKey } from '../../kafka/log-queries.ts';
import { type CopiedPartition, isOwn } from '../partition/copied-partition.ts';
import type { ResumePoint } from '../copier/copier-state.ts';
import { type BothLogs, compareAt, type ComparedAt, type FoundBatch } from './compare-at.ts';
import type { Fault } from '../partition/fault.ts';
import { findFork, forkFault } from './find-fork.ts';
import type { Leader } from '../partition/leaders.ts';
import { sequenceAfter, sequenceForOffset } from '../partition/producer-identity.ts';
import { type Head, isFiller } from './head-fill.ts';
import { readBatchAt } from '../logs/read-batch.ts';
import { checkTrailingMarkers } from './trailing-markers.ts';

export interface ResumeTarget {
  readonly of: CopiedPartition;
  readonly source: Leader;
  readonly target: Leader;
  /** Where the head ends that this process made for the copy: up to there no record was ever copied. */
  readonly headMadeTo: bigint | undefined;
}

export type ResumeOutcome =
  | { readonly kind: 'resume'; readonly point: ResumePoint }
  /** The source begins above the copy's end, and the copy holds nothing but fillers: it is to be brought there. */
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'again'; readonly reason: string; readonly denied: boolean }
  | { readonly kind: 'fault'; readonly fault: Fault };

export type LogEnd =
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

interface End {
  readonly logEnd: bigint;
  readonly sequence: number;
}

export interface ResumeBrokers {
  readonly source: Broker;
  readonly target: Broker;
  readonly onRead?: (bytes: number) => void;
}

/**
 * Checks that the source still holds what the copy ends with, and finds the epoch to fetch with. The last batch below
 * the log end is compared on both sides: a copy that somebody wrote to, or a source that lost records, stops here.
 */
export async function checkTail(brokers: ResumeBrokers, resuming: ResumeTarget, end: End): Promise<ResumeOutcome> {
  const { logEnd } = end;
  const { of, source, target } = resuming;
  if (logEnd === 0n) return startFromNothing(brokers, resuming, end);
  const logs: BothLogs = { brokers, of, source, target };
  const compared = await compareAt(logs, logEnd - 1n);
  try {
    return await conclude(logs, end, compared, () => startFromNothing(brokers, resuming, end));
  } finally {
    if (compared.copy.kind === 'batch') discardFrame(compared.copy.frame);
    if (compared.kind !== 'no-copy' && compared.original.kind === 'batch') discardFrame(compared.original.frame);
  }
}

async function conclude(
  logs: BothLogs,
  end: End,
  compared: ComparedAt,
  startFromNothing: () => Promise<ResumeOutcome>,
): Promise<ResumeOutcome> {
  const { logEnd, sequence } = end;
  switch (compared.kind) {
    case 'no-copy':
      // The copy was emptied up to its end, with the source or when its head was made: there is nothing to compare.
      if (compared.copy.kind === 'error' && compared.copy.code === offsetOutOfRange) return startFromNothing();
      if (compared.copy.kind === 'error') return againFor(compared.copy.code, 'target');
      return again('the end of the copy is not yet visible at the target');
    case 'no-original':
      return missingAtSource(logs, end, compared);
    case 'different':
      return forked(logs, logEnd, `in the batch at offset ${compared.copy.header.baseOffset}: ${compared.what}`);
    case 'same': {
      const markers = compared.copy.header.control ? await wrongMarkers(logs, logEnd) : undefined;
      if (markers !== undefined) return markers;
      const lastFetchedEpoch = epochBelow(compared.original, logEnd);
      return { kind: 'resume', point: { logEnd, sequence, lastFetchedEpoch } };
    }
  }
}

/** The source's leader epoch just below `logEnd`; unknown where its next batch begins only there or above. */
function epochBelow({ header }: FoundBatch, logEnd: bigint): number | undefined {
  return header.baseOffset < logEnd ? header.leaderEpoch : undefined;
}

/** The logs differ below `logEnd`: says from where on, and what that means. */
async function forked(logs: BothLogs, logEnd: bigint, what: string): Promise<ResumeOutcome> {
  const outcome = await findFork(logs, logEnd);
  switch (outcome.kind) {
    case 'fork':
      return { kind: 'fault', fault: await forkFault(logs, outcome.fork, what) };
    case 'unreadable':
      return againFor(outcome.code, outcome.side);
    case 'hidden':
      return again(`the ${outcome.side} does not show all of its log yet`);
  }
}

/** The last marker looks right: do those before it? Undefined when they do. */
async function wrongMarkers(
  { brokers, of, source, target }: BothLogs,
  logEnd: bigint,
): Promise<ResumeOutcome | undefined> {
  const verdict = await checkTrailingMarkers({
    ...{ of, logEnd },
    source: { broker: brokers.source, leaderEpoch: source.epoch },
    target: { broker: brokers.target, leaderEpoch: target.epoch },
  });
  switch (verdict.kind) {
    case 'right':
      return undefined;
    case 'unreadable':
      return againFor(verdict.code, verdict.side);
    case 'wrong': {
      const what = isOwn(of, verdict.offset) ? 'nothing to be seen' : 'a marker';
      const message = `the copy has ${what} at offset ${verdict.offset}, where the source has a record`;
      return { kind: 'fault', fault: { code: 'DIVERGED', offset: verdict.offset, message } };
    }
  }
}

/** A copy without any record: empty, its head just made, or everything deleted with the source. */
async function startFromNothing(
  brokers: ResumeBrokers,
  { of, source, headMadeTo }: ResumeTarget,
  { logEnd, sequence }: End,
): Promise<ResumeOutcome> {
  const bounds = await sourceBounds(brokers.source, of, source);
  if (bounds.kind === 'again') return bounds;
  const { start, end } = bounds;
  if (start === logEnd) return { kind: 'resume', point: { logEnd, sequence, lastFetchedEpoch: undefined } };
  if (start > logEnd) {
    const nothingYet = logEnd === 0n || logEnd === headMadeTo;
    return nothingYet ? { kind: 'head', head: { from: logEnd, to: start, sequence } } : retentionAhead(start, logEnd);
  }
  if (end < logEnd) {
    const message = `the source ends at offset ${end}, the copy (emptied with the source) at ${logEnd}`;
    return { kind: 'fault', fault: { code: 'SOURCE_TRUNCATED', offset: end, message } };
  }
  if (isOwn(of, logEnd - 1n)) {
    // The site's own retention took all of it, before or after the roles moved; the source need not have done so yet.
    const last = await readBatchAt(brokers.source, {
      ...{ topicId: of.sourceTopicId, partition: of.partition, leaderEpoch: source.epoch, offset: logEnd - 1n },
    });
    if (last.kind === 'error') return againFor(last.code, 'source');
    if (last.kind === 'nothing') return again('the source does not show all of its log yet');
    brokers.onRead?.(last.frame.length);
    discardFrame(last.frame);
    return { kind: 'resume', point: { logEnd, sequence, lastFetchedEpoch: epochBelow(last, logEnd) } };
  }
  const message = `the copy is empty up to its end at ${logEnd}, the source still has records from ${start} on`;
  return { kind: 'fault', fault: { code: 'DIVERGED', offset: start, message } };
}

const offsetOutOfRange = 1;

async function missingAtSource(
  logs: BothLogs,
  { logEnd, sequence }: End,
  { copy, original }: Extract<ComparedAt, { kind: 'no-original' }>,
): Promise<ResumeOutcome> {
  if (original.kind === 'error' && original.code !== offsetOutOfRange) return againFor(original.code, 'source');
  const bounds = await sourceBounds(logs.brokers.source, logs.of, logs.source);
  if (bounds.kind === 'again') return bounds;
  const { start, end } = bounds;
  if (end < logEnd) return forked(logs, logEnd, `the source ends at offset ${end}, the copy at ${logEnd}`);
  // Also where nothing but their deletion is left to be done. What the site had itself is never taken for fillers.
  const mayBeHead = start >= logEnd && !isOwn(logs.of, copy.header.baseOffset);
  if (mayBeHead && (await isFiller(copy))) return { kind: 'head', head: { from: logEnd, to: start, sequence } };
  if (start > logEnd) return retentionAhead(start, logEnd);
  // Everything the copy holds was deleted at the source by retention, and nothing is missing: go on unchecked.
  if (start === logEnd) return { kind: 'resume', point: { logEnd, sequence, lastFetchedEpoch: undefined } };
  return again('the tail of the copy is not yet visible at the source');
}

function retentionAhead(start: bigint, logEnd: bigint): ResumeOutcome {
  const message = `the source begins at offset ${start}, the copy ends at ${logEnd}: the ${start - logEnd} offsets from ${logEnd} to ${start - 1n} were deleted before they were copied`;
  return { kind: 'fault', fault: { code: 'RETENTION_AHEAD', offset: logEnd, message } };
}

type Again = Extract<ResumeOutcome, { kind: 'again' }>;

async function sourceBounds(
  broker: Broker,
  of: CopiedPartition,
  { epoch }: Leader,
): Promise<{ readonly kind: 'bounds'; readonly start: bigint; readonly end: bigint } | Again> {
  const key = partitionKey(of.topic, of.partition);
  const end = (await logEnds(broker, [{ ...of, leaderEpoch: epoch }])).get(key);
  const start = (await listOffsets(broker, 'earliest', [of])).get(key);
  if (end === undefined || start === undefined) return again('the source leaves this partition out');
  if (!end.ok) return againFor(end.code, 'source');
  if (!start.ok) return againFor(start.code, 'source');
  if (end.value < 0n) return again('the source does not know its log end yet');
  return { kind: 'bounds', start: start.value, end: end.value };
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
