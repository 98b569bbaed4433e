import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../../src/kafka/frame-pool.ts';
import { Copier } from '../../../src/replication/copier/copier.ts';
import type { CopierState } from '../../../src/replication/copier/copier-state.ts';
import { end, type Model, type Real, setup, steps } from './copier-model.ts';
import { attribute, denseRun, makeBatch } from '../batches/batches.ts';
import { deliver } from '../streams/deliver.ts';

describe('a copier', () => {
  it('copies in order, one batch in flight, each once, whatever happens around it', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 2 ** 31 - 3), (commands, sequence) => {
        let run: { model: Model; real: Real } | undefined;
        fc.modelRun(() => (run = setup(sequence)), commands);
        end(run!.model, run!.real);
      }),
      { numRuns: 300 },
    );
  });

  it('is level only when everything the source has is acknowledged', () => {
    const { copier, fetched, states } = started();
    fetched(denseRun(0n, [2, 3]), 5n);
    expect(states.at(-1)).toBe('copying');
    copier.takeBatch().frame.release();
    copier.appended(0n);
    copier.takeBatch().frame.release();
    expect(states.at(-1)).toBe('copying');
    expect(copier.appendedToAtMost).toBe(5n);
    expect(copier.copiedTo).toBe(2n);
    copier.appended(2n);
    expect(states.at(-1)).toBe('waiting');
    expect(copier.caughtUpOnce).toBe(true);
    expect(copier.lag()).toMatchObject({ records: 0n, seconds: 0 });
    expect(copier.counters).toEqual({
      fetchedRecords: 5,
      batches: 2,
      records: 5,
      bytes: Buffer.concat(denseRun(0n, [2, 3])).length,
      markers: 0,
    });
  });

  it('may have an append that still lands before its first resume, and while an answer is lost; not for a source that fails', () => {
    const { copier, fetched } = started();
    expect(copier.landing.isOpen).toBe(false);
    fetched(denseRun(0n, [2, 2]), 4n);
    copier.takeBatch().frame.release();
    copier.interrupt('the source does not answer', 50);
    copier.appended(0n);
    expect([copier.state.kind, copier.landing.isOpen]).toEqual(['resuming', false]);
    copier.resumed({ logEnd: 2n, sequence: 2, lastFetchedEpoch: 0 }, copier.generation);
    fetched(denseRun(2n, [2]), 4n);
    copier.takeBatch().frame.release();
    copier.appendUnknown();
    copier.interrupt('the answer did not come', 1_000);
    expect(copier.landing.isOpen).toBe(true);
    copier.interrupt('the source does not answer', 50);
    expect(copier.landing.isOpen).toBe(true);
    copier.resumed({ logEnd: 4n, sequence: 4, lastFetchedEpoch: 0 }, copier.generation);
    expect(copier.landing.isOpen).toBe(false);
  });

  it('says who took an offset: a base beyond ours is somebody else’s write', () => {
    const { copier, fetched } = started();
    fetched(denseRun(0n, [2]), 2n);
    copier.takeBatch().frame.release();
    copier.appended(7n);
    expect(copier.state).toMatchObject({
      kind: 'faulted',
      fault: { code: 'DIVERGED', offset: 0n, message: expect.stringContaining('our batch was put at 7') as unknown },
    });
  });

  it('finishes what stands before a fault of the source, and stops when it reads the fault a second time', () => {
    const { copier, fetched } = started();
    const old = makeBatch({ baseOffset: 2n, records: 1 });
    old.writeInt8(1, 16);
    fetched([...denseRun(0n, [2]), old], 3n);
    expect(copier.state.kind).toBe('copying');
    expect(copier.wantsFetch).toBe(false);
    copier.takeBatch().frame.release();
    copier.appended(0n);
    expect(copier.state).toMatchObject({ kind: 'resuming', reason: 'a message set of format 1 stands at offset 2' });
    copier.resumed({ logEnd: 2n, sequence: 2, lastFetchedEpoch: 0 }, copier.generation);
    fetched([old], 3n);
    expect(copier.state).toMatchObject({ kind: 'faulted', fault: { code: 'OLD_FORMAT', offset: 2n } });
    expect(copier.copiedTo).toBe(2n);
  });

  it('asks for no more while a thousand tiny batches wait, however few bytes they have', () => {
    const { copier, fetched } = started();
    fetched(
      denseRun(
        0n,
        Array.from({ length: 1_001 }, () => 1),
      ),
      2_000n,
    );
    expect(copier.wantsFetch).toBe(false);
    copier.takeBatch().frame.release();
    expect(copier.wantsFetch).toBe(false);
    copier.appended(0n);
    copier.takeBatch().frame.release();
    expect(copier.wantsFetch).toBe(true);
  });

  it('forgets a suspicion when it makes progress', () => {
    const { copier, fetched } = started();
    copier.suspect({ code: 'SOURCE_TRUNCATED', message: 'once' });
    copier.resumed({ logEnd: 0n, sequence: 0, lastFetchedEpoch: 0 }, copier.generation);
    fetched(denseRun(0n, [2]), 2n);
    copier.takeBatch().frame.release();
    copier.appended(0n);
    copier.suspect({ code: 'SOURCE_TRUNCATED', message: 'once more' });
    expect(copier.state.kind).toBe('resuming');
    copier.suspect({ code: 'SOURCE_TRUNCATED', message: 'twice' });
    expect(copier.state).toMatchObject({ kind: 'faulted', fault: { message: 'twice' } });
  });

  it('takes damaged bytes five times in a row, with growing pauses, then stops', () => {
    const { copier } = started();
    const pauses: number[] = [];
    for (let time = 0; time < 5; time++) {
      copier.damaged('the target says 2');
      pauses.push(copier.state.kind === 'resuming' ? copier.state.notBeforeMs : -1);
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600]);
    copier.damaged('the target says 2');
    expect(copier.state).toMatchObject({ kind: 'faulted', fault: { code: 'CORRUPT' } });
  });

  it('counts damage anew after progress', () => {
    const { copier, fetched } = started();
    for (let time = 0; time < 5; time++) copier.damaged('the target says 2');
    copier.resumed({ logEnd: 0n, sequence: 0, lastFetchedEpoch: 0 }, copier.generation);
    fetched(denseRun(0n, [2]), 2n);
    copier.takeBatch().frame.release();
    copier.appended(0n);
    copier.damaged('the target says 2');
    expect(copier.state).toMatchObject({ kind: 'resuming', notBeforeMs: 100 });
  });

  it('takes markers too many for its own late ones as long as they are inside the gap', () => {
    const { copier, fetched } = started();
    fetched([makeBatch({ baseOffset: 0n, records: 300, attributes: attribute.control })], 300n);
    expect(copier.takeMarkers(500)).toBe(100);
    copier.filled(200n);
    expect(copier.state).toMatchObject({ kind: 'resuming', reason: 'markers: the log ends at 200, 100 wanted' });
    copier.resumed({ logEnd: 200n, sequence: 0, lastFetchedEpoch: 0 }, copier.generation);
    fetched([makeBatch({ baseOffset: 0n, records: 300, attributes: attribute.control })], 300n);
    expect(copier.takeMarkers(500)).toBe(100);
    copier.filled(301n);
    expect(copier.state).toMatchObject({ kind: 'faulted', fault: { code: 'DIVERGED', offset: 300n } });
  });

  it('takes again what was not sent: the same batch, the same markers', () => {
    const { copier, fetched } = started();
    const control = makeBatch({ baseOffset: 2n, records: 150, attributes: attribute.control });
    fetched([...denseRun(0n, [2]), control], 152n);
    const first = Buffer.from(copier.takeBatch().batch);
    expect(copier.notSent()).toBe(true);
    const again = copier.takeBatch();
    expect(again.batch).toEqual(first);
    again.frame.release();
    copier.appended(0n);
    expect(copier.takeMarkers(500)).toBe(100);
    expect(copier.notSent()).toBe(true);
    for (const end of [102n, 152n]) {
      copier.takeMarkers(500);
      copier.filled(end);
    }
    expect([copier.copiedTo, copier.counters.markers, copier.state.kind]).toEqual([152n, 150, 'waiting']);
  });

  it('does not keep what was not sent when it was interrupted meanwhile', () => {
    const { copier, fetched } = started();
    fetched(denseRun(0n, [2]), 2n);
    const { frame } = copier.takeBatch();
    copier.interrupt('a leader moved', 0);
    expect(copier.mayResume(0)).toBe(false);
    expect(copier.notSent()).toBe(false);
    frame.release();
    expect(copier.mayResume(0)).toBe(true);
  });

  it('never leaves a fault but by being stopped', () => {
    const { copier, states } = started();
    copier.fault({ code: 'FOREIGN_WRITE', message: 'first' });
    copier.fault({ code: 'DIVERGED', message: 'second' });
    copier.interrupt('late', 0);
    copier.resumed({ logEnd: 9n, sequence: 9, lastFetchedEpoch: 1 }, copier.generation);
    expect(copier.state).toMatchObject({ kind: 'faulted', fault: { code: 'FOREIGN_WRITE' } });
    copier.stop();
    expect(copier.state).toEqual({ kind: 'stopped' } satisfies CopierState);
    expect(states.slice(-2)).toEqual(['faulted', 'stopped']);
  });
});

/** A copier that has resumed an empty copy; frames come from a pool that nobody else uses. */
function started(): {
  copier: Copier;
  fetched: (batches: readonly Buffer[], sourceEnd: bigint) => void;
  states: string[];
} {
  const states: string[] = [];
  const pool = new FramePool(1 << 24);
  const id = '0'.repeat(32);
  const copier = new Copier(
    { topic: 't', partition: 0, sourceTopicId: id, targetTopicId: id, producerId: 2n ** 52n },
    {
      clock: { monotonicMs: () => 0, now: () => new Date(0) },
      queueBytesMax: 1 << 20,
      gapOffsetsMax: () => 1_000_000n,
      changed: ({ state }) => states.push(state.kind),
    },
  );
  copier.resumed({ logEnd: 0n, sequence: 0, lastFetchedEpoch: undefined }, copier.generation);
  return {
    copier,
    states,
    fetched: (batches, sourceEnd) => deliver(copier, pool, Buffer.concat(batches), sourceEnd),
  };
}
