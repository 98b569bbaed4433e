import { epochEnds, listOffsets, logEnds, partitionKey } from '../../kafka/log-queries.ts';
import { type BothLogs, compareAt, type FoundBatch } from './compare-at.ts';
import { isOwn } from '../partition/copied-partition.ts';
import type { Fault } from '../partition/fault.ts';

/**
 * Where two logs that began as one part: everything below `offset` that both still hold is the same, and at `offset`
 * they differ, or one of them ends.
 *
 * ```
 *  copy    ─────────────┬─ ours ──────────── L
 *  source  ─────────────┴─ another history ── ?
 *                     offset
 * ```
 */
export interface Fork {
  readonly offset: bigint;
  /** The copy's batch at the fork. Absent where the copy ends there. */
  readonly copy: FoundBatch | undefined;
  /** What the source has there. Absent where it ends there. */
  readonly original: FoundBatch | undefined;
  /** Nothing that both sides still hold is the same: the fork may lie lower, in what was deleted. */
  readonly wholly: boolean;
}

export type ForkOutcome =
  | { readonly kind: 'fork'; readonly fork: Fork }
  /** A leader moved, or does not show its end yet. */
  | { readonly kind: 'unreadable'; readonly side: 'source' | 'target'; readonly code: number }
  | { readonly kind: 'hidden'; readonly side: 'source' | 'target' };

/**
 * Batches before a found fork that must be the same, too. Where an application repeats what it lost, some batches of
 * the other history can come out equal at equal offsets, and a search by halves may end at one of these.
 */
const sameBeforeMin = 8;
/** Comparisons of one search. 2^63 offsets take 126; more come only from equal batches beyond the fork. */
const comparisonsMax = 400;
const offsetOutOfRange = 1;

/**
 * Finds the fork below `copyEnd` by comparing single batches: backwards with growing steps to one that is the same,
 * then by halves. Reads one batch of either side at a time, at most {@link comparisonsMax} times.
 */
export async function findFork(logs: BothLogs, copyEnd: bigint): Promise<ForkOutcome> {
  const bounds = await readBounds(logs);
  if ('kind' in bounds) return bounds;
  return new ForkSearch(logs, bounds, copyEnd).run();
}

interface Bounds {
  /** The lowest offset that both sides still hold. */
  readonly floor: bigint;
  readonly sourceEnd: bigint;
}

type Unreadable = Exclude<ForkOutcome, { kind: 'fork' }>;

async function readBounds({ brokers, of, source }: BothLogs): Promise<Bounds | Unreadable> {
  const key = partitionKey(of.topic, of.partition);
  const sourceEnd = (await logEnds(brokers.source, [{ ...of, leaderEpoch: source.epoch }])).get(key);
  const sourceStart = (await listOffsets(brokers.source, 'earliest', [of])).get(key);
  const copyStart = (await listOffsets(brokers.target, 'earliest', [of])).get(key);
  if (sourceEnd === undefined || sourceStart === undefined) return { kind: 'hidden', side: 'source' };
  if (copyStart === undefined) return { kind: 'hidden', side: 'target' };
  if (!sourceEnd.ok) return { kind: 'unreadable', side: 'source', code: sourceEnd.code };
  if (!sourceStart.ok) return { kind: 'unreadable', side: 'source', code: sourceStart.code };
  if (!copyStart.ok) return { kind: 'unreadable', side: 'target', code: copyStart.code };
  if (sourceEnd.value < 0n) return { kind: 'hidden', side: 'source' };
  const floor = sourceStart.value > copyStart.value ? sourceStart.value : copyStart.value;
  return { floor, sourceEnd: sourceEnd.value };
}

type Probe =
  | { readonly kind: 'same'; readonly base: bigint; readonly end: bigint }
  | { readonly kind: 'different'; readonly base: bigint }
  | Unreadable;

class ForkSearch {
  readonly #logs: BothLogs;
  readonly #floor: bigint;
  readonly #sourceEnd: bigint;
  /** The lowest offset known to differ. */
  #high: bigint;
  #copy: FoundBatch | undefined;
  #original: FoundBatch | undefined;
  #comparisons = 0;

  constructor(logs: BothLogs, { floor, sourceEnd }: Bounds, copyEnd: bigint) {
    this.#logs = logs;
    this.#floor = floor;
    this.#sourceEnd = sourceEnd;
    this.#high = sourceEnd < copyEnd ? sourceEnd : copyEnd;
  }

  async run(): Promise<ForkOutcome> {
    for (;;) {
      const before = await this.#descend();
      if (typeof before !== 'bigint' && before !== undefined) return before;
      const halved = before === undefined ? undefined : await this.#halve(before);
      if (halved !== undefined) return halved;
      const lower = before === undefined ? 'confirmed' : await this.#confirm();
      if (lower === 'lower') continue;
      if (lower !== 'confirmed') return lower;
      return this.#found(before === undefined);
    }
  }

  /** Down to a batch that is the same: the end of it; undefined when there is none. */
  async #descend(): Promise<bigint | undefined | Unreadable> {
    for (let step = 1n; this.#high > this.#floor; step *= 2n) {
      const below = this.#high - step;
      const probe = await this.#compare(below > this.#floor ? below : this.#floor);
      if (probe.kind === 'same') return probe.end;
      if (probe.kind !== 'different') return probe;
    }
    return undefined;
  }

  /** The same up to `low`, different at `#high`: until they meet. */
  async #halve(from: bigint): Promise<Unreadable | undefined> {
    let low = from;
    while (low < this.#high) {
      const probe = await this.#compare(low + (this.#high - low) / 2n);
      if (probe.kind === 'same') low = probe.end;
      else if (probe.kind !== 'different') return probe;
    }
    return undefined;
  }

  /** Looks at the batches before the fork one by one. */
  async #confirm(): Promise<'confirmed' | 'lower' | Unreadable> {
    let at = this.#high;
    for (let same = 0; same < sameBeforeMin && at > this.#floor; same++) {
      const probe = await this.#compare(at - 1n);
      if (probe.kind === 'different') return this.#comparisons < comparisonsMax ? 'lower' : 'confirmed';
      if (probe.kind !== 'same') return probe;
      at = probe.base;
    }
    return 'confirmed';
  }

  async #compare(offset: bigint): Promise<Probe> {
    this.#comparisons += 1;
    const compared = await compareAt(this.#logs, offset);
    switch (compared.kind) {
      case 'same':
        return {
          kind: 'same',
          base: compared.copy.header.baseOffset,
          end: compared.copy.header.lastOffset + 1n,
        };
      case 'different':
        return this.#differs(offset, compared.copy, compared.original);
      case 'no-original':
        if (compared.original.kind === 'error' && compared.original.code !== offsetOutOfRange)
          return { kind: 'unreadable', side: 'source', code: compared.original.code };
        // Written, but not yet for consumers to see.
        if (compared.copy.header.lastOffset < this.#sourceEnd) return { kind: 'hidden', side: 'source' };
        return this.#differs(offset, compared.copy, undefined);
      case 'no-copy':
        return compared.copy.kind === 'error'
          ? { kind: 'unreadable', side: 'target', code: compared.copy.code }
          : { kind: 'hidden', side: 'target' };
    }
  }

  #differs(offset: bigint, copy: FoundBatch, original: FoundBatch | undefined): Probe {
    const { baseOffset } = copy.header;
    const base = baseOffset < offset ? baseOffset : offset;
    if (base < this.#high) {
      this.#high = base > this.#floor ? base : this.#floor;
      this.#copy = copy;
      this.#original = original;
    }
    return { kind: 'different', base };
  }

  async #found(wholly: boolean): Promise<ForkOutcome> {
    const offset = this.#high;
    if (this.#copy === undefined) {
      // Never found different below `upTo`: the source ends there, or has another batch only above.
      const compared = await compareAt(this.#logs, offset);
      if (compared.kind !== 'no-copy') this.#copy = compared.copy;
      if (compared.kind === 'different' || compared.kind === 'same') this.#original = compared.original;
    }
    return { kind: 'fork', fork: { offset, copy: this.#copy, original: this.#original, wholly } };
  }
}

/**
 * What a fork means: a batch of the copy that the link did not write is foreign, where it is the link that has written;
 * a source on which a leader began anew at that very offset (or that ends there) lost what the copy has; anything else
 * is a copy that went wrong.
 */
export async function forkFault(logs: BothLogs, fork: Fork, what: string): Promise<Fault> {
  const { offset, copy, original } = fork;
  const own = isOwn(logs.of, offset);
  const where = whereText(fork, own ? logs.of.ownBelow : undefined);
  const writer = copy === undefined || own ? undefined : foreignWriter(copy, logs.of.producerId);
  if (writer !== undefined) {
    const message = `${where}: the copy's batch at that offset was written by ${writer}, not by the link (${what})`;
    return { code: 'FOREIGN_WRITE', offset, message };
  }
  if (original === undefined) {
    const message = `${where}: ${what}`;
    if (await beganBelow(logs, offset)) {
      // Its leader has only appended since, and never had what the copy has there.
      return { code: 'DIVERGED', offset, message: `${message}; the source never held records there` };
    }
    return { code: 'SOURCE_TRUNCATED', offset, message };
  }
  if (await beginsAnew(logs, offset, original)) {
    const message = `${where}: the source lost its records from there on and holds others, written under leader epoch ${original.header.leaderEpoch} (${what})`;
    return { code: 'SOURCE_TRUNCATED', offset, message };
  }
  return { code: 'DIVERGED', offset, message: `${where}: ${what}` };
}

function whereText({ offset, wholly }: Fork, ownBelow: bigint | undefined): string {
  const where = wholly
    ? `the copy differs from the source from offset ${offset} on, the first that both still hold`
    : `the copy and the source are the same below offset ${offset} and differ from there on`;
  return ownBelow === undefined ? where : `${where}, though both were the same up to ${ownBelow} when the roles moved`;
}

/** Markers have the producer id of the lease, which changes: they tell nothing. */
function foreignWriter({ frame, header }: FoundBatch, linkProducerId: bigint): string | undefined {
  const producerId = frame.readBigInt64BE(header.start + 43);
  if (header.control || producerId === linkProducerId) return undefined;
  return producerId < 0n ? 'a producer without id' : `producer id ${producerId}`;
}

/** Whether the source's present leader epoch began below `offset`, or is the first one. */
async function beganBelow({ brokers, of, source }: BothLogs, offset: bigint): Promise<boolean> {
  if (source.epoch <= 0) return true;
  const ends = await epochEnds(brokers.source, [{ ...of, leaderEpoch: source.epoch, epoch: source.epoch - 1 }]);
  const end = ends.get(partitionKey(of.topic, of.partition));
  return end?.ok === true && end.value >= 0n && end.value < offset;
}

/** Whether the source's leader epoch at `offset` begins there: no earlier leader wrote what stands there now. */
async function beginsAnew({ brokers, of, source }: BothLogs, offset: bigint, original: FoundBatch): Promise<boolean> {
  const { leaderEpoch } = original.header;
  if (leaderEpoch <= 0) return false;
  const ends = await epochEnds(brokers.source, [{ ...of, leaderEpoch: source.epoch, epoch: leaderEpoch - 1 }]);
  const end = ends.get(partitionKey(of.topic, of.partition));
  return end?.ok === true && end.value === offset;
}
