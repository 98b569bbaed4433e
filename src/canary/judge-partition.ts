import { unreachable } from '../kafka/unreachable.ts';
import type { CanaryLog } from './canary-log.ts';
import { outOfOrder, type Standing } from './canary-order.ts';
import {
  type CanaryCounts,
  type CanaryProblem,
  type CanaryProblemKind,
  problemOf,
  type Unjudged,
} from './canary-problem.ts';
import { type CanaryId, canaryKey } from './canary-record.ts';
import { type Sequence, sequencesOf } from './canary-sequences.ts';
import type { LedgerCoverage } from './ledger-coverage.ts';
import type { AckedEntry, LedgerEntry } from './ledger/ledger-entry.ts';

export interface PartitionEvidence {
  /** Of this partition of the topic. */
  readonly entries: readonly LedgerEntry[];
  readonly coverage: LedgerCoverage;
  /** Records below are not judged. */
  readonly from: bigint;
  readonly clocksApartMs: number;
}

export interface PartitionJudgement {
  readonly counts: CanaryCounts;
  readonly unjudged: Unjudged;
  readonly problems: readonly CanaryProblem[];
  readonly lost: readonly AckedEntry[];
}

export const noCounts: CanaryCounts = {
  ...{ sent: 0, acked: 0, once: 0, duplicate: 0, lost: 0 },
  ...{ reordered: 0, ghost: 0, shifted: 0 },
};

export const nothingUnjudged: Unjudged = {
  ...{ unansweredThere: 0, unansweredAbsent: 0, retired: 0, pending: 0, strangers: 0 },
};

/** What is known of one sequence by itself, before its place is compared with that of others. */
type Standpoint =
  | { readonly kind: 'ghost'; readonly offsets: readonly bigint[]; readonly text: string }
  | { readonly kind: 'duplicate'; readonly offsets: readonly bigint[] }
  | { readonly kind: 'lost'; readonly acked: AckedEntry }
  | { readonly kind: 'placed'; readonly offset: bigint }
  /** None of a verdict; `refused`: not there, as it is to be. */
  | { readonly kind: 'unansweredAbsent' | 'retired' | 'pending' | 'refused' };

interface Placed extends Standing {
  readonly id: CanaryId;
  readonly told: bigint | undefined;
}

/** The verdicts of `judgeCanaries` for one partition. Pure. */
export function judgePartition(log: CanaryLog, evidence: PartitionEvidence): PartitionJudgement {
  const { topic, partition } = log;
  const { from } = evidence;
  const counts = { ...noCounts };
  const unjudged = { ...nothingUnjudged };
  const problems: CanaryProblem[] = [];
  const lost: AckedEntry[] = [];
  const placed: Placed[] = [];
  const tell = (kind: CanaryProblemKind, id: CanaryId, { offset, text }: Told): void => {
    problems.push(problemOf(kind, { ...id, topic, partition, offset }, text));
  };
  const { told, untold } = sequencesOf(log, evidence.entries);
  for (const { record, id } of untold) {
    if (record.offset < from) continue;
    const misplaced = id !== undefined && id.partition !== partition;
    if (id === undefined || !(misplaced || evidence.coverage.isComplete(topic, id, record.decoded?.wallMs))) {
      unjudged.strangers += 1;
      continue;
    }
    counts.ghost += 1;
    tell('ghost', id, {
      offset: record.offset,
      text: misplaced ? `belongs to partition ${id.partition}` : 'was never sent',
    });
  }
  for (const sequence of told.filter((each) => concerns(each, from))) {
    const { id, sent, acked } = sequence;
    if (sent !== undefined) counts.sent += 1;
    if (acked !== undefined) counts.acked += 1;
    const standpoint = standpointOf(sequence, log, evidence);
    switch (standpoint.kind) {
      case 'ghost':
        counts.ghost += 1;
        for (const offset of standpoint.offsets) tell('ghost', id, { offset, text: standpoint.text });
        break;
      case 'duplicate':
        counts.duplicate += 1;
        tell('duplicate', id, {
          offset: standpoint.offsets.at(-1) ?? 0n,
          text: `stands at ${standpoint.offsets.join(' and ')}`,
        });
        break;
      case 'lost':
        counts.lost += 1;
        lost.push(standpoint.acked);
        tell('lost', id, { offset: standpoint.acked.offset, text: lostText(standpoint.acked) });
        break;
      case 'placed':
        if (acked === undefined) unjudged.unansweredThere += 1;
        placed.push({
          ...{ id, told: acked?.offset, acked: acked !== undefined },
          ...{ writer: `${id.vantage}/${id.life}`, sequence: id.sequence, offset: standpoint.offset },
        });
        break;
      case 'refused':
        break;
      case 'unansweredAbsent':
      case 'retired':
      case 'pending':
        unjudged[standpoint.kind] += 1;
        break;
      default:
        return unreachable(standpoint);
    }
  }
  for (const { id, offset, kind, text } of placesOf(placed)) {
    counts[kind] += 1;
    if (kind !== 'once') tell(kind, id, { offset, text });
  }
  for (const { id, offset } of brokenChains(told))
    tell('chain', id, { offset, text: 'names another record before it' });
  return { counts, unjudged, problems, lost };
}

interface Told {
  readonly offset: bigint;
  readonly text: string;
}

/** What was acknowledged below is none of this judgement, unless it turns up above. */
function concerns({ acked, standing, altered }: Sequence, from: bigint): boolean {
  const there = [...standing, ...altered];
  if (there.some(({ offset }) => offset >= from)) return true;
  return acked === undefined ? there.length === 0 : acked.offset >= from;
}

function standpointOf(
  { acked, refused, standing, altered }: Sequence,
  { start, end, readAtMs }: CanaryLog,
  { clocksApartMs }: PartitionEvidence,
): Standpoint {
  const [first, second] = standing;
  const offsetsOf = (records: Sequence['standing']): readonly bigint[] => records.map(({ offset }) => offset);
  if (altered.length > 0)
    return { kind: 'ghost', offsets: offsetsOf(altered), text: 'has another payload than was sent' };
  if (refused)
    return first === undefined
      ? { kind: 'refused' }
      : { kind: 'ghost', offsets: offsetsOf(standing), text: 'was refused, and is there' };
  if (second !== undefined) return { kind: 'duplicate', offsets: offsetsOf(standing) };
  if (first !== undefined) return { kind: 'placed', offset: first.offset };
  if (acked === undefined) return { kind: 'unansweredAbsent' };
  if (acked.offset < start) return { kind: 'retired' };
  if (acked.offset >= end && acked.at >= readAtMs - clocksApartMs) return { kind: 'pending' };
  return { kind: 'lost', acked };
}

function lostText({ site, term }: AckedEntry): string {
  return `was acknowledged by site ${site} in term ${term}, and is nowhere`;
}

interface Place extends Told {
  readonly id: CanaryId;
  readonly kind: 'once' | 'shifted' | 'reordered';
}

/** Whether each is where it was told to be, and in order. */
function placesOf(placed: readonly Placed[]): readonly Place[] {
  const moved = ({ told, offset }: Placed): boolean => told !== undefined && told !== offset;
  const { early, late } = outOfOrder(placed);
  // One that has moved is out of order with all that it passed: those that stayed are not to blame.
  const stayed = outOfOrder(placed.filter((each) => !moved(each)));
  return placed.flatMap((each): readonly Place[] => {
    const { id, told, offset } = each;
    if (moved(each)) {
      const kind = early.has(each) || late.has(each) ? 'reordered' : 'shifted';
      const passed = kind === 'reordered' ? ', on the other side of others' : '';
      return [{ id, offset, kind, text: `was acknowledged at ${told}${passed}` }];
    }
    if (stayed.early.has(each))
      return [{ id, offset, kind: 'reordered', text: 'stands before one that was acknowledged when it was sent' }];
    return told === undefined ? [] : [{ id, offset, kind: 'once', text: '' }];
  });
}

/** Records that name as the one before them another payload than their observer sent. */
function brokenChains(told: readonly Sequence[]): readonly { readonly id: CanaryId; readonly offset: bigint }[] {
  const hashes = new Map(told.map(({ id, sent }) => [canaryKey(id), sent?.hash]));
  return told.flatMap(({ id, standing: [first] }) => {
    if (first?.decoded === undefined) return [];
    const expected = id.sequence === 0 ? null : hashes.get(canaryKey({ ...id, sequence: id.sequence - 1 }));
    return expected === undefined || expected === first.decoded.previous ? [] : [{ id, offset: first.offset }];
  });
}
