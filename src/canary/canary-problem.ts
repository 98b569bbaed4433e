import type { CanaryId } from './canary-record.ts';

/** How many sequences have which verdict; `sent` and `acked` count all of them. */
export interface CanaryCounts {
  readonly sent: number;
  readonly acked: number;
  readonly once: number;
  readonly duplicate: number;
  readonly lost: number;
  readonly reordered: number;
  /** Also of records that nobody sent. */
  readonly ghost: number;
  readonly shifted: number;
}

/** What has none of these verdicts. */
export interface Unjudged {
  /** Nobody answered, and it stands in the log. */
  readonly unansweredThere: number;
  /** Nobody answered, and it does not. */
  readonly unansweredAbsent: number;
  /** Acknowledged below where the log begins now. */
  readonly retired: number;
  /** Acknowledged above the end of the log as it was read, about then or later. */
  readonly pending: number;
  /** Records of no canary, or of observers and times that the entries do not tell of. */
  readonly strangers: number;
}

export type CanaryProblemKind =
  | 'lost'
  | 'duplicate'
  | 'reordered'
  | 'ghost'
  | 'shifted'
  /** Two sites took writes of one topic. */
  | 'two writers'
  /** A record names another one before it than its observer sent: ledger and log are not of one history. */
  | 'chain'
  /** Written, and its log was not read. */
  | 'unread';

export interface CanaryProblem {
  readonly kind: CanaryProblemKind;
  readonly topic: string;
  readonly partition: number;
  /** Where it stands, or was to stand. */
  readonly offset: bigint;
  readonly vantage: string;
  readonly life: string;
  readonly sequence: number;
  /** One line. */
  readonly message: string;
}

/** `text` goes on behind the name of the record. */
export function problemOf(
  kind: CanaryProblemKind,
  at: CanaryId & { readonly topic: string; readonly offset: bigint },
  text: string,
): CanaryProblem {
  const { topic, partition, offset, vantage, life, sequence } = at;
  const message = `${topic}/${partition} at ${offset}: ${vantage}/${life} sequence ${sequence} ${text}`;
  return { kind, topic, partition, offset, vantage, life, sequence, message };
}
