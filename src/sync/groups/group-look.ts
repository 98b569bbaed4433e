import type { GroupOffset } from '../../kafka/group-admin.ts';
import type { GroupRecord } from './group-record.ts';

/** Positions by `topic/partition`. */
export type Positions = ReadonlyMap<string, GroupOffset>;

/** Kinds of groups whose positions are not synced: `share` and `streams`. */
export type UnsyncedType = 'share' | 'streams';

/** A group as the source shows it. */
export type SourceSide =
  /** Its coordinator answered. No positions: there is no such group, or it has committed nothing. */
  | { readonly kind: 'read'; readonly positions: Positions }
  | { readonly kind: 'unsynced'; readonly type: UnsyncedType }
  | Unread;

/** A group as the target shows it. */
export type TargetSide =
  | {
      readonly kind: 'read';
      /** `absent` may still hold positions: the list of groups and the positions are read one after the other. */
      readonly state: 'absent' | 'empty' | 'live';
      readonly positions: Positions;
    }
  | { readonly kind: 'unsynced'; readonly type: UnsyncedType }
  | Unread;

export interface Unread {
  readonly kind: 'unread';
  readonly why: string;
  /** A right is missing: only a person can put that right. */
  readonly denied: boolean;
}

/** One group as seen in one look at both clusters. */
export interface GroupLook {
  readonly group: string;
  readonly source: SourceSide;
  readonly target: TargetSide;
  readonly record: GroupRecord | undefined;
  /** It belongs to the target: its positions there on topics that are copies now are the link's to write. Default no. */
  readonly isHomeHere?: boolean;
}

export interface CopyRange {
  /** First offset that the copy has. */
  readonly start: bigint;
  /** Next offset that the copy will take: everything below is acknowledged by the target. */
  readonly end: bigint;
}

/** The link's copies, as the worker knows them now. */
export interface Copies {
  /**
   * Whether the link copies this topic from the source now. False for topics that were promoted, and while the topic
   * at the source is not the one that was copied: positions on it mean other records.
   */
  follows(topic: string): boolean;
  /** The target was primary of this topic before: its groups committed there in their own right. Default no. */
  isReversed?(topic: string): boolean;
  /** What the copy of a partition holds; undefined while that is not known, as before the first resume. */
  range(topic: string, partition: number): CopyRange | undefined;
}
