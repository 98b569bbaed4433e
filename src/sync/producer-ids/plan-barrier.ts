import { producerIdBlock } from '../../kafka/producer-id-allocators.ts';
import type { BarrierLimits } from './barrier-limits.ts';

/** Every answer of an allocator has to be above this. `highest`: of the ids that are known; undefined: none is. */
export function idToPass(highest: bigint | undefined, { reserve }: Pick<BarrierLimits, 'reserve'>): bigint {
  return (highest ?? -1n) + reserve;
}

/** A block that a broker gives out, and one that it may have in store. */
const idsOfBroker = 2n * producerIdBlock;

/**
 * How far a broker may be behind the highest known id before it is brought ahead in the background. When the source's own
 * barrier has just gone to its reserve ahead of us, its brokers have ids up to two blocks each further: that must not be
 * a reason to go ahead of it. Pure.
 */
export function slackFor(sourceBrokers: number, { slack }: Pick<BarrierLimits, 'slack'>): bigint {
  return slack + BigInt(sourceBrokers) * idsOfBroker;
}

/**
 * Ids that have to be asked for until every broker is past `past`, at most: those up to it that no broker was given yet,
 * and of brokers that lag behind the others the rest of their block and of one that they may have in store. Pure.
 */
export function idsLeft(standings: readonly bigint[], past: bigint): bigint {
  const lagging = standings.filter((at) => at <= past);
  if (lagging.length === 0) return 0n;
  const furthest = standings.reduce((most, at) => (at > most ? at : most), -1n);
  const ungiven = past > furthest ? past - furthest : 0n;
  const inBlocks = lagging.reduce((sum, at) => sum + smaller(furthest - at, idsOfBroker), 0n);
  return ungiven + inBlocks + BigInt(lagging.length);
}

function smaller(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
