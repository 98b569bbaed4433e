import type { FolderArchive } from '../../aws/s3-folders.ts';
import type { Logger } from 'pino';
import type { TopicMetadata } from '../../kafka/cluster.ts';
import type { SiteState } from '../state/state.ts';
import type { RebuildRecord } from './rebuild-record.ts';
import type { Sides } from './scan-topic.ts';
import type { FaultedSubject } from './subject.ts';

/** Who has the lease of a link decides alone what becomes of its copies (replication/lease). */
export interface RebuildLease {
  /** Resolves with true when an answer of just now showed that it is ours; false when it is not, or `signal` aborts. */
  ours(signal: AbortSignal): Promise<boolean>;
  /** Asked when the bytes of what cannot be taken back are about to go out. */
  maySend(): boolean;
  /** Fires when another worker took over. */
  readonly lost: AbortSignal;
}

/** What is done with the tail of an old primary, beside what is done with every copy that goes. */
export interface TailPorts {
  /** Before the log is deleted: umbra's rights to make a copy in its place. Idempotent. */
  readonly prepare: (record: RebuildRecord, signal: AbortSignal) => Promise<void>;
  /** What the new primary has made of the tail, which it appends by itself. */
  readonly replayed: (record: RebuildRecord, signal: AbortSignal) => Promise<ReplayProgress>;
  /** Turns the log into a copy as it is. Idempotent; throws what passes, and {@link Stopped} where it is none any more. */
  readonly makeCopyInPlace: (record: RebuildRecord, signal: AbortSignal) => Promise<void>;
}

export type ReplayProgress =
  | { readonly kind: 'done'; readonly records: number }
  | { readonly kind: 'waiting'; readonly trouble: string | undefined };

/** What a rebuild needs of the link whose copy it is. */
export interface RebuildPorts {
  readonly link: string;
  readonly pair: string;
  readonly version: string;
  readonly sides: Sides;
  readonly lease: RebuildLease;
  readonly state: Pick<SiteState, 'shadow' | 'rebuild' | 'rebuilds' | 'putRebuild'>;
  /** The journal as the cluster has it now: another worker may have gone on with it since ours was read. */
  readonly newestRecord: (topic: string, signal: AbortSignal) => Promise<RebuildRecord | undefined>;
  /** Undefined: no folder was configured, so nothing can be rebuilt. */
  readonly folder: string | undefined;
  /** Where quarantines outlive the disk that the folder is on; undefined where the disk outlives the worker. */
  readonly archive?: FolderArchive | undefined;
  readonly now: () => Date;
  readonly logger: Logger;
  /** Of reconciliations alone. */
  readonly tails?: TailPorts;
  /** What the link knows of a topic, and its faults; asks both clusters. */
  readonly subject: (topic: string) => Promise<FaultedSubject>;
  /** Undefined while the link has not looked yet. */
  readonly mayCopy: (source: TopicMetadata) => boolean | undefined;
  /** Stops the topic's copiers. Nothing follows it until it is released or dropped. */
  readonly hold: (topic: string) => void;
  /** Resolves when no worker can append to the copy any more, or `signal` aborts. */
  readonly quiet: (topic: string, signal: AbortSignal) => Promise<void>;
  /** The copy is as it was; the link examines it anew. */
  readonly release: (topic: string) => void;
  /** The copy is gone; the link makes a new one. */
  readonly dropped: (topic: string) => void;
  /** What became of the new copy: the one that is not this one. */
  readonly seeded: (topic: string, oldCopyTopicId: string) => 'level' | 'faulted' | 'not-yet';
}
