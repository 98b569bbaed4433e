/** One piece of a ledger, by its name. */
export interface SegmentName {
  readonly vantage: string;
  readonly life: string;
  /** 1 for the first one of its life. */
  readonly index: number;
  /** ms since 1970. */
  readonly startedAtMs: number;
}

export interface StoredSegment extends SegmentName {
  readonly bytes: number;
}

/** The segment that a ledger is writing. */
export interface SegmentAppender {
  /** Resolves when the text is handed to the system as a whole. Rejects when none of it counts; then it may be tried again. */
  append(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Where ledgers are kept: outside of both clusters, so that what was acknowledged is known whatever becomes of them. */
export interface LedgerPlace {
  /** By the time of their beginnings; of all observers, or of one. A place that does not exist yet is empty. */
  segments(vantage?: string): Promise<readonly StoredSegment[]>;
  /** Rejects where there is one of that name. */
  begin(segment: SegmentName): Promise<SegmentAppender>;
  /** Its text, maybe with a last line that is not finished; undefined where it was removed meanwhile. */
  read(segment: SegmentName): Promise<string | undefined>;
  remove(segment: SegmentName): Promise<void>;
}
