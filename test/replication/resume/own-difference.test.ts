import { describe, expect, it } from 'vitest';
import type { ReadBatch } from '../../../src/replication/logs/read-batch.ts';
import { parseBatch } from '../../../src/replication/batches/record-batch.ts';
import { repackBatch } from '../../../src/replication/batches/repack.ts';
import { ownDifference } from '../../../src/replication/resume/own-difference.ts';
import { attribute, makeBatch } from '../batches/batches.ts';
import { sparseBatch } from '../batches/sparse-batch.ts';

type Found = Extract<ReadBatch, { kind: 'batch' }>;

function found(frame: Buffer, aborted = false): Found {
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('no batch');
  return { kind: 'batch', frame, header: parsed.header, aborted };
}

/** Both ways: either side may be the source now. */
async function both(left: Found, right: Found): Promise<readonly (string | undefined)[]> {
  return [await ownDifference(left, right), await ownDifference(right, left)];
}

const same = [undefined, undefined];
const data = (more: object = {}): Found => found(makeBatch({ baseOffset: 40n, records: 10, ...more }));
const marker = (baseOffset: bigint): Found =>
  found(makeBatch({ baseOffset, records: 1, attributes: attribute.control | attribute.transactional }));
const aborted = (): Found =>
  found(makeBatch({ baseOffset: 40n, records: 10, attributes: attribute.transactional }), true);
/** Records at 40, 43 and 47 of [40, 49]. */
const holed = { baseOffset: 40n, deltas: [0, 3, 7], lastOffsetDelta: 9 };

describe('what two sides hold of one log that both were primary of', () => {
  it('is the same where the batches are, whoever wrote them', async () => {
    expect(await both(data({ producerId: 7n, attributes: attribute.transactional }), data())).toEqual(same);
  });

  it('is the same where nobody sees anything, however it comes to that', async () => {
    const nothing = [marker(49n), aborted(), found(makeBatch({ baseOffset: 40n, records: 0, lastOffsetDelta: 9 }))];
    for (const left of nothing) for (const right of nothing) expect(await both(left, right)).toEqual(same);
  });

  it('is not where one side shows a record and a marker or an aborted record stands at the other', async () => {
    for (const nothing of [marker(49n), aborted()]) {
      const [first, second] = await both(data(), nothing);
      expect(first).toMatch(/^the source has a record at offset \d+, the copy none$/);
      expect(second).toMatch(/^the copy has a record at offset \d+, the source none$/);
    }
  });

  it('is the same where a batch was taken apart on either side, and not where a record of it is another', async () => {
    const whole = sparseBatch(holed);
    const { bytes, items } = repackBatch(Buffer.from(whole), 40n, { uncompressedBytesMax: 1e6, batchesMax: 100 });
    const parts = items.flatMap((item) => (item.kind === 'batch' ? [item.header] : []));
    expect(parts.map(({ baseOffset }) => baseOffset)).toEqual([40n, 43n, 47n]);
    for (const header of parts) {
      const part: Found = { kind: 'batch', frame: bytes, header, aborted: false };
      expect(await both(found(whole), part)).toEqual(same);
      const other = found(sparseBatch({ ...holed, value: (index) => Buffer.from(`other ${index}`) }));
      const value = `value of the record at offset ${header.baseOffset}`;
      expect(await both(other, part)).toEqual([value, value]);
    }
  });

  it('is the same where the times are the broker’s at one side and the records’ at the other', async () => {
    const appendTime = sparseBatch({ baseOffset: 40n, deltas: [0, 1, 2], attributes: attribute.logAppendTime });
    const limits = { uncompressedBytesMax: 1e6, batchesMax: 100 };
    const { bytes, items } = repackBatch(Buffer.from(appendTime), 40n, limits);
    const [only] = items;
    if (only?.kind !== 'batch' || items.length > 1) throw new Error('one batch');
    const createTime: Found = { kind: 'batch', frame: bytes, header: only.header, aborted: false };
    expect(await both(found(appendTime), createTime)).toEqual(same);
    const [first] = await both(data({ attributes: attribute.logAppendTime }), data());
    expect(first).toBe('timestamp of the record at offset 40');
  });

  it('may lack records where a cleaner was, on either side, but shows no others', async () => {
    const value = (index: number): Buffer => Buffer.from(`at ${[0, 3, 7][index]}`);
    const [a, b] = [sparseBatch({ ...holed, value }), sparseBatch({ ...holed, deltas: [0, 3], value })];
    expect(await both(found(a), found(b))).toEqual(same);
    // A dense batch has nothing to be removed from.
    const dense = found(sparseBatch({ ...holed, deltas: [0], lastOffsetDelta: 0, value }));
    expect(await both(dense, found(a))).toEqual(same);
    expect((await both(marker(43n), found(a)))[1]).toBe('the source has a record at offset 43, the copy none');
  });

  it('cannot be told where the source has a hole in place of the whole batch', async () => {
    expect(await ownDifference(found(makeBatch({ baseOffset: 50n, records: 3 })), data())).toBeUndefined();
  });
});
