import { createHash } from 'node:crypto';

/** Lowest id of a link. A broker's allocator counts up from 0 and does not get there. */
export const firstLinkProducerId = 2n ** 52n;
const sequences = 2 ** 31;

/**
 * The producer id under which a link appends to one partition: the same after every restart, out of reach of the
 * broker's allocator (which counts up from 0), and different for every link and every source topic
 * (protocol.md S2). 2^52 <= id < 2^53.
 */
export function linkProducerId(link: string, sourceTopicId: string, partition: number): bigint {
  const digest = createHash('sha256').update(`${link}\n${sourceTopicId}\n${partition}`).digest();
  return firstLinkProducerId + (digest.readBigUInt64BE(0) & (firstLinkProducerId - 1n));
}

/** The link never changes its epoch: a bump is not a safe take-over (protocol.md S7). */
export const linkProducerEpoch = 0;

/** Sequence after `count` records from `sequence`; sequences wrap from 2^31 - 1 to 0. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % sequences;
}

/** First sequence where the broker has no state for the link: deterministic, so that two starters collide. */
export function sequenceForOffset(logEnd: bigint): number {
  return Number(logEnd % BigInt(sequences));
}
