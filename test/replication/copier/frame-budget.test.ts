import { describe, expect, it } from 'vitest';
import { FramePool } from '../../../src/kafka/frame-pool.ts';
import { Copier } from '../../../src/replication/copier/copier.ts';
import { FrameBudget } from '../../../src/replication/copier/frame-budget.ts';
import { makeBatch } from '../batches/batches.ts';

const topicId = 'aa'.repeat(16);
const mib = 1024 * 1024;

function copierOf(partition: number, budget?: FrameBudget): Copier {
  const copier = new Copier(
    { topic: 't', partition, sourceTopicId: topicId, targetTopicId: topicId, producerId: 2n ** 52n },
    {
      clock: { monotonicMs: () => 0, now: () => new Date(0) },
      queueBytesMax: 2 * mib,
      gapOffsetsMax: () => 1n,
      changed: () => undefined,
    },
  );
  copier.resumed({ logEnd: 0n, sequence: 0, lastFetchedEpoch: undefined }, copier.generation, budget);
  return copier;
}

/** One answer of 1 MiB in which every copier that wants to be fetched gets a batch of some bytes. */
function answer(pool: FramePool, copiers: readonly Copier[]): void {
  const frame = pool.acquire(mib);
  let start = 0;
  for (const copier of copiers.filter(({ wantsFetch }) => wantsFetch)) {
    const batch = makeBatch({ baseOffset: copier.fetchOffset, records: 1 });
    batch.copy(frame.bytes, start);
    const end = copier.fetchOffset + 1n;
    const offsets = { highWatermark: end, lastStableOffset: end, logStartOffset: 0n };
    copier.fetched(frame, {
      ...{ topicId, partition: copier.of.partition, errorCode: 0, ...offsets },
      ...{ abortedTransactions: [], records: { start, end: start + batch.length }, diverging: undefined },
    });
    start += batch.length;
  }
  frame.release();
}

function drain(copier: Copier): void {
  while (copier.hasBatch) {
    const offset = copier.copiedTo ?? 0n;
    copier.takeBatch().frame.release();
    copier.appended(offset);
  }
}

describe('the budget of a target broker', () => {
  it('keeps a broker that hangs from taking the memory of the others, and ends when it goes on', () => {
    const pool = new FramePool(64 * mib);
    let timesOfRoom = 0;
    const hanging = new FrameBudget(
      () => 16 * mib,
      () => (timesOfRoom += 1),
    );
    const free = new FrameBudget(
      () => 16 * mib,
      () => undefined,
    );
    const stuck = Array.from({ length: 40 }, (_, partition) => copierOf(partition, hanging));
    const going = copierOf(40, free);
    // The hanging broker was sent a request, and never answers it.
    answer(pool, [...stuck, going]);
    const inFlight = stuck.slice(0, 20).map((copier) => copier.takeBatch().frame);
    for (let round = 0; round < 200; round++) {
      drain(going);
      answer(pool, [...stuck, going]);
    }
    expect(going.copiedTo).toBe(200n);
    // What it may hold, and the answer that went over it.
    expect(pool.heldBytes).toBeLessThanOrEqual(18 * mib);
    expect(stuck.every(({ wantsFetch }) => !wantsFetch)).toBe(true);

    // Its request times out: what was sent is in doubt, everything queued is fetched again.
    for (const [index, copier] of stuck.entries()) {
      if (index < 20) {
        inFlight[index]?.release();
        copier.appendUnknown();
      }
      copier.interrupt('timed out', 0);
    }
    expect(timesOfRoom).toBe(1);
    drain(going);
    expect(pool.heldBytes).toBe(0);
    for (const copier of stuck) {
      const point = { logEnd: copier.copiedTo ?? 0n, sequence: 0, lastFetchedEpoch: undefined };
      copier.resumed(point, copier.generation, hanging);
    }
    expect(stuck.every(({ wantsFetch }) => wantsFetch)).toBe(true);
  });

  it('counts a frame once, and has room again when half is free', () => {
    const pool = new FramePool(64 * mib);
    const events: string[] = [];
    const budget = new FrameBudget(
      () => 2 * mib,
      () => events.push('room'),
    );
    const frames = [1, 2, 3].map(() => pool.acquire(mib));
    const [first, second, third] = frames;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three frames');
    budget.hold(first);
    budget.hold(first);
    budget.hold(second);
    expect(budget.hasRoom).toBe(true);
    budget.hold(third);
    expect(budget.hasRoom).toBe(false);
    budget.free(first);
    budget.free(third);
    expect(budget.hasRoom).toBe(false);
    budget.free(first);
    expect([budget.hasRoom, events]).toEqual([true, ['room']]);
    expect(() => budget.free(first)).toThrow('not held');
    for (const frame of frames) frame.release();
  });
});
