/**
 * How much a figure is worth, worst last: `measured`: the source has answered just now. `estimated`: it is silent, and
 * what it may have got since is extrapolated; or the copy was never level, so that nobody knows how old its oldest
 * missing record is. `stale`: the same, but it has been silent for long, or never said anything.
 */
export const bases = ['measured', 'estimated', 'stale'] as const;

export type Basis = (typeof bases)[number];

/** What would be lost if the source died now. */
export interface Exposure {
  /** The oldest record that only the source has is at most that old; 0 when there is none. */
  readonly seconds: number;
  /** Offsets: also those of records that an open transaction of the source holds back, and of markers. */
  readonly records: number;
  /** The same if the source went on as in the fastest second of its last half minute. */
  readonly recordsAtMost: number;
  readonly bytes: number;
  readonly basis: Basis;
  /** Age of the newest answer of the source; of several partitions the oldest. Absent where one never came. */
  readonly sampleAgeMs?: number | undefined;
}

/** What is known of one partition, as ages: it can be sent to others, and grows old there. */
export interface ExposureFacts {
  /** Since the newest answer of the source; absent before the first. */
  readonly answerAgeMs?: number | undefined;
  /** Since the moment up to which the copy is known to have everything; absent while it was never level. */
  readonly levelAgeMs?: number | undefined;
  /** Since somebody began to look. */
  readonly watchedMs: number;
  /** Offsets that the source had at that answer and the copy has not got. */
  readonly missing: number;
  /** The newest answer brought something new: more may have come since. */
  readonly moving: boolean;
  /** What the source got lately. */
  readonly recordsPerSecond: number;
  /** The same in its fastest second; absent in what workers of before told. */
  readonly fastestPerSecond?: number | undefined;
  /** Of batches seen lately; 0 before the first. */
  readonly bytesPerRecord: number;
}

/** A source that has not answered for longer is silent: nothing is 0 any more. Twice as long as it holds an answer back. */
export const measuredMsMax = 1_000;
/** A source that has been silent for longer is as good as dead. */
export const estimatedMsMax = 15_000;

/** Pure. With the same facts growing old no figure ever falls, and the basis gets no better. */
export function judgeExposure(facts: ExposureFacts): Exposure {
  const { answerAgeMs, levelAgeMs, watchedMs, missing, moving, recordsPerSecond, bytesPerRecord } = facts;
  const silent = answerAgeMs === undefined || answerAgeMs > measuredMsMax;
  const unseenSeconds = silent || moving ? (answerAgeMs ?? 0) / 1000 : 0;
  const records = Math.round(missing + unseenSeconds * recordsPerSecond);
  const fastest = Math.max(recordsPerSecond, facts.fastestPerSecond ?? 0);
  const seconds = silent || records > 0 ? Math.ceil(levelAgeMs ?? watchedMs) / 1000 : 0;
  return {
    seconds,
    records,
    recordsAtMost: Math.ceil(missing + unseenSeconds * fastest),
    bytes: Math.round(records * bytesPerRecord),
    basis: basisOf(facts),
    ...(answerAgeMs === undefined ? {} : { sampleAgeMs: Math.round(answerAgeMs) }),
  };
}

function basisOf({ answerAgeMs, levelAgeMs }: ExposureFacts): Basis {
  if (answerAgeMs === undefined || answerAgeMs > estimatedMsMax) return 'stale';
  return answerAgeMs > measuredMsMax || levelAgeMs === undefined ? 'estimated' : 'measured';
}

/** The same facts so much later, when nothing was heard since. */
export function aged(facts: ExposureFacts, byMs: number): ExposureFacts {
  const { answerAgeMs, levelAgeMs, watchedMs } = facts;
  return {
    ...facts,
    watchedMs: watchedMs + byMs,
    ...(answerAgeMs === undefined ? {} : { answerAgeMs: answerAgeMs + byMs }),
    ...(levelAgeMs === undefined ? {} : { levelAgeMs: levelAgeMs + byMs }),
  };
}

/** Of a partition of which nobody has heard anything for so long. */
export function unseenFor(watchedMs: number): ExposureFacts {
  return { watchedMs, missing: 0, moving: false, recordsPerSecond: 0, bytesPerRecord: 0 };
}

/** Of several partitions: the worst seconds, basis and age; records and bytes add up. */
export function sumExposures(parts: readonly Exposure[]): Exposure {
  let [seconds, records, recordsAtMost, bytes, sampleAgeMs, worst] = [0, 0, 0, 0, 0, 0];
  let answered = parts.length > 0;
  for (const part of parts) {
    seconds = Math.max(seconds, part.seconds);
    records += part.records;
    recordsAtMost += part.recordsAtMost;
    bytes += part.bytes;
    worst = Math.max(worst, bases.indexOf(part.basis));
    if (part.sampleAgeMs === undefined) answered = false;
    else sampleAgeMs = Math.max(sampleAgeMs, part.sampleAgeMs);
  }
  const basis = bases[worst] ?? 'stale';
  return { seconds, records, recordsAtMost, bytes, basis, ...(answered ? { sampleAgeMs } : {}) };
}
