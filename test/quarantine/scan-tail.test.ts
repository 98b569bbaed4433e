import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanPartition } from '../../src/quarantine/scan-partition.ts';
import { decodeRecords } from '../../src/replication/batches/records.ts';
import { parseBatch } from '../../src/replication/batches/record-batch.ts';
import type { RawBatch } from '../../src/replication/logs/log-reader.ts';
import { sumsOf, wrongSums } from '../../src/worker/reconcile/partition-sums.ts';
import { makeBatch } from '../replication/batches/batches.ts';

interface WrittenBatch {
  readonly records: number;
  /** Records of the same offset and mark are equal. */
  readonly mark: number;
  readonly aborted?: boolean;
}

const never = new AbortController().signal;

function raw({ records, mark, aborted = false }: WrittenBatch, baseOffset: bigint): RawBatch {
  const frame = makeBatch({ baseOffset, records, valueBytes: mark });
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('no batch');
  return { frame, header: parsed.header, dropped: aborted };
}

function logOf(batches: readonly WrittenBatch[], from = 0n): RawBatch[] {
  let next = from;
  return batches.map((batch) => {
    const written = raw(batch, next);
    next += BigInt(batch.records);
    return written;
  });
}

function endOf(log: readonly RawBatch[], none = 0n): bigint {
  const last = log.at(-1);
  return last === undefined ? none : last.header.lastOffset + 1n;
}

/** A log that is there already, as its reader shows it: what begins below `start` was deleted. */
function reader(
  log: readonly RawBatch[],
  start: bigint,
  end = endOf(log),
): Parameters<typeof scanPartition>[0]['copy'] {
  return {
    range: () => Promise.resolve({ start, end }),
    leaderEpoch: () => Promise.resolve(0),
    // eslint-disable-next-line @typescript-eslint/require-await -- a log that is there already
    async *batches(_of, { from, to }) {
      for (const batch of log) {
        if (batch.header.lastOffset >= from && batch.header.lastOffset >= start && batch.header.baseOffset < to)
          yield batch;
      }
    },
  };
}

const batch = fc.record({ records: fc.integer({ min: 1, max: 5 }), mark: fc.integer({ min: 1, max: 3 }) });
const tailBatch = fc.record({
  ...{ records: fc.integer({ min: 1, max: 5 }), mark: fc.integer({ min: 1, max: 3 }) },
  aborted: fc.boolean(),
});
const logs = fc.record({
  common: fc.array(batch, { maxLength: 6 }),
  old: fc.array(tailBatch, { maxLength: 6 }),
  now: fc.array(batch, { maxLength: 6 }),
  /** Batches below the cut that are not at that side any more: deleted by their age, or compacted away. */
  agedNow: fc.integer({ min: 0, max: 3 }),
  agedOld: fc.integer({ min: 0, max: 3 }),
  compactedNow: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
  /** A batch below the cut that an unclean election replaced at the new primary. */
  replaced: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
});

test('each record of an old log is at the new primary below the cut, or quarantined: never neither, never both', async () => {
  await fc.assert(
    fc.asyncProperty(logs, async ({ common, old, now, agedNow, agedOld, compactedNow, replaced }) => {
      const shared = logOf(common);
      const cut = endOf(shared);
      const startOf = (aged: number): bigint => shared[Math.min(aged, shared.length) - 1]?.header.lastOffset ?? -1n;
      const [startOld, startNow] = [startOf(agedOld) + 1n, startOf(agedNow) + 1n];
      const oldLog = [...shared, ...logOf(old, cut)];
      const nowBelow = logOf(common.map((each, index) => (index === replaced ? { ...each, mark: 9 } : each))).filter(
        (_, index) => !compactedNow.includes(index),
      );
      const nowLog = [...nowBelow, ...logOf(now, cut)];
      const found: { readonly first: bigint; readonly last: bigint }[] = [];
      const { range, quarantined } = await scanPartition(
        {
          source: reader(nowLog, startNow, endOf(logOf(now, cut), cut)),
          copy: reader(oldLog, startOld, endOf(logOf(old, cut), cut)),
        },
        {
          ...{ topic: 'a_orders', partition: 0, producerId: 1n, atSource: true, compacted: true },
          ...{ ownBelow: cut, sourceTo: cut },
        },
        { signal: never, sink: ({ onlyHere }) => Promise.resolve(void found.push(...onlyHere)) },
      );
      const kept = new Set(found.flatMap(({ first, last }) => offsets(first, last)));
      const atNew = new Map(
        nowBelow
          .filter(({ header }) => header.lastOffset >= startNow)
          .flatMap((each) => decodeRecords(each))
          .map((record) => [record.offset, String(record.value)]),
      );
      let acknowledged = 0;
      for (const each of oldLog) {
        if (each.header.lastOffset < startOld) continue;
        for (const { offset, value } of decodeRecords(each)) {
          acknowledged += 1;
          const present = offset < cut && atNew.get(offset) === String(value);
          expect([offset, kept.has(offset)]).toEqual([offset, !present]);
        }
      }
      const sums = sumsOf([{ sum: range.sum, quarantined: quarantined.recordsOnlyHere }]);
      expect(sums[0]).toMatchObject({ acknowledged, quarantined: kept.size });
      expect(wrongSums(sums)).toEqual([]);
      const tail = old.reduce((sum, { records }) => sum + records, 0);
      const lost = replaced !== undefined && !compactedNow.includes(replaced) ? shared[replaced] : undefined;
      const isSeen = lost !== undefined && lost.header.baseOffset >= startOld && lost.header.baseOffset >= startNow;
      // What was never there has no other reason than the fork, whatever the new primary deleted since.
      expect(quarantined.recordsUnexplained).toBe(tail + (isSeen ? lost.header.records : 0));
      const fork = isSeen ? lost.header.baseOffset : tail > 0 ? cut : undefined;
      expect(range.forkOffset).toBe(fork === undefined ? undefined : String(fork));
    }),
    { numRuns: 500 },
  );
});

function offsets(first: bigint, last: bigint): bigint[] {
  return Array.from({ length: Number(last - first) + 1 }, (_, index) => first + BigInt(index));
}
