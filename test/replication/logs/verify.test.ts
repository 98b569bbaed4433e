import { describe, expect, it } from 'vitest';
import { parseBatch } from '../../../src/replication/batches/record-batch.ts';
import { type LogPair, type PartitionVerdict, verifyPartition } from '../../../src/replication/logs/verify.ts';
import { denseRun } from '../batches/batches.ts';

const never = new AbortController().signal;

interface Log {
  /** One per question, the last one for ever. */
  readonly starts: readonly bigint[];
  readonly end: bigint;
  readonly batches: readonly Buffer[];
}

function logOf({ starts, end, batches }: Log): LogPair['source'] {
  let asked = 0;
  return {
    range: () => Promise.resolve({ start: starts[Math.min(asked++, starts.length - 1)] ?? 0n, end }),
    // eslint-disable-next-line @typescript-eslint/require-await -- what stands in is asynchronous
    async *batches(_of, { from }) {
      for (const frame of batches) {
        const parsed = parseBatch(frame, 0, frame.length);
        if (parsed.kind === 'batch' && parsed.header.lastOffset >= from) {
          yield { frame, header: parsed.header, dropped: false };
        }
      }
    },
  };
}

function verify(source: Log, copy: Log): Promise<PartitionVerdict> {
  const of = { topic: 't', partition: 0, compacted: false };
  return verifyPartition({ source: logOf(source), copy: logOf(copy) }, of, never);
}

describe('comparing a copy with its source', () => {
  const four = denseRun(0n, [5, 5, 5, 5]);

  it('finds no difference in what the source deletes while it is read, nor in what the copy does', async () => {
    const whole = { starts: [0n], end: 20n, batches: four };
    const shrinking = { starts: [0n, 10n], end: 20n, batches: four.slice(2) };
    const equal = { recordsEqual: 10, recordsDifferent: 0, batchesDifferent: 0, firstDifference: undefined };
    expect(await verify(shrinking, whole)).toMatchObject(equal);
    expect(await verify(whole, shrinking)).toMatchObject(equal);
  });

  it('finds what one of them lacks above both log starts', async () => {
    const whole = { starts: [0n], end: 20n, batches: four };
    const holed = { starts: [0n, 5n], end: 20n, batches: four.filter((_, index) => index !== 2) };
    const different = { recordsDifferent: 5, firstDifference: { offset: 10n } };
    expect(await verify(holed, whole)).toMatchObject(different);
    expect(await verify(whole, holed)).toMatchObject({ ...different, batchesDifferent: 1 });
  });

  it('counts a copy that cannot be decoded in the middle as different, and goes on behind it', async () => {
    const broken = four.map((batch, index) => {
      if (index !== 1) return batch;
      const damaged = Buffer.from(batch);
      damaged.fill(0xff, damaged.length - 12); // Inside the last of its records
      return damaged;
    });
    const verdict = await verify(
      { starts: [0n], end: 20n, batches: four },
      { starts: [0n], end: 20n, batches: broken },
    );
    expect(verdict).toMatchObject({ batchesEqual: 3, batchesDifferent: 1, firstDifference: { offset: 5n } });
    expect(verdict.recordsEqual + verdict.recordsDifferent).toBe(20);
  });
});
