import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CopiedPartition } from '../../../src/replication/partition/copied-partition.ts';
import { findFork, type Fork, forkFault, type ForkOutcome } from '../../../src/replication/resume/find-fork.ts';
import type { Fault } from '../../../src/replication/partition/fault.ts';
import { denseRun, makeBatch } from '../batches/batches.ts';
import { logBroker, type LogState, topicId } from '../logs/log-broker.ts';

const producerId = 2n ** 52n + 9n;
const leader = { broker: 1, epoch: 9, replicas: 'all' } as const;
const of: CopiedPartition = { topic: 't', partition: 0, sourceTopicId: topicId, targetTopicId: topicId, producerId };

interface Found {
  readonly outcome: ForkOutcome;
  readonly fault: Fault | undefined;
  /** Batches read from the copy. */
  readonly reads: number;
}

async function search(source: LogState, copy: LogState, copyEnd: bigint): Promise<Found> {
  const [left, right] = [await logBroker(source), await logBroker(copy)];
  try {
    const brokers = { source: left.broker, target: right.broker };
    const logs = { brokers, of, source: leader, target: leader };
    const outcome = await findFork(logs, copyEnd);
    const reads = right.asked.filter((key) => key === 1).length;
    const fault = outcome.kind === 'fork' ? await forkFault(logs, outcome.fork, 'a test') : undefined;
    return { outcome, fault, reads };
  } finally {
    await left.close();
    await right.close();
  }
}

function forkOf({ outcome }: Found): Fork {
  if (outcome.kind !== 'fork') throw new Error(`no fork: ${outcome.kind}`);
  return outcome.fork;
}

const endOf = (log: readonly Buffer[]): bigint => {
  const last = log.at(-1);
  return last === undefined ? 0n : last.readBigInt64BE(0) + BigInt(last.readInt32BE(23)) + 1n;
};
/** What the link makes of a source log. */
const copied = (log: readonly Buffer[]): Buffer[] =>
  log.map((batch) => {
    const copy = Buffer.from(batch);
    copy.writeBigInt64BE(producerId, 43);
    copy.writeInt32BE(0, 12);
    return copy;
  });

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 0, maxLength: 60 });

describe('the search for the fork of two logs', () => {
  it('names the first offset that differs, whatever was lost and whatever came after', async () => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60 }),
        sizes,
        async (same, lost, other) => {
          const common = denseRun(0n, same);
          const fork = endOf(common);
          const copy = [...copied(common), ...copied(denseRun(fork, lost))];
          const source = [...common, ...denseRun(fork, other, { valueBytes: 11, leaderEpoch: 4 })];
          const found = await search({ log: source }, { log: copy }, endOf(copy));
          expect(forkOf(found)).toMatchObject({ offset: fork, wholly: same.length === 0 });
          expect(found.fault).toMatchObject({ code: 'SOURCE_TRUNCATED', offset: fork });
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  it('is not led astray by batches that an application repeated at the same offsets', async () => {
    const common = denseRun(
      0n,
      Array.from({ length: 40 }, () => 3),
    );
    const lost = denseRun(
      120n,
      Array.from({ length: 30 }, () => 2),
    );
    // Of the other history only every fifth batch is another one.
    const other = lost.map((batch, index) =>
      index % 5 === 0 ? makeBatch({ baseOffset: batch.readBigInt64BE(0), records: 2, valueBytes: 11 }) : batch,
    );
    const found = await search({ log: [...common, ...other] }, { log: copied([...common, ...lost]) }, 180n);
    expect(forkOf(found).offset).toBe(120n);
  });

  it('reads few batches of a long log', async () => {
    const common = denseRun(
      0n,
      Array.from({ length: 3000 }, () => 1),
    );
    const copy = copied([
      ...common,
      ...denseRun(
        3000n,
        Array.from({ length: 2000 }, () => 1),
      ),
    ]);
    const found = await search({ log: common }, { log: copy }, 5000n);
    expect(forkOf(found).offset).toBe(3000n);
    expect(found.reads).toBeLessThan(60);
  });

  it('looks no lower than what both sides still hold', async () => {
    const source = { log: denseRun(20n, [5, 5], { valueBytes: 11 }), start: 20n };
    const found = await search(source, { log: copied(denseRun(0n, [10, 10, 10])) }, 30n);
    expect(forkOf(found)).toMatchObject({ offset: 20n, wholly: true });
    expect(found.fault?.message).toContain('from offset 20 on, the first that both still hold');
  });

  it('tells a source that began anew from a copy that went wrong and from a foreign write', async () => {
    const common = denseRun(0n, [5, 5]);
    const copy = copied([...common, makeBatch({ baseOffset: 10n, records: 5 })]);
    const faultFor = async (last: Buffer, copyLog = copy): Promise<unknown> => {
      const { fault } = await search({ log: [...common, last] }, { log: copyLog }, 15n);
      return [fault?.code, fault?.offset];
    };
    const other = { baseOffset: 10n, records: 5, valueBytes: 11 };
    expect(await faultFor(makeBatch({ ...other, leaderEpoch: 4 }))).toEqual(['SOURCE_TRUNCATED', 10n]);
    expect(await faultFor(makeBatch({ ...other, leaderEpoch: 0 }))).toEqual(['DIVERGED', 10n]);
    const foreign = [...copied(common), makeBatch({ baseOffset: 10n, records: 5, producerId: 7n })];
    expect(await faultFor(makeBatch({ ...other, leaderEpoch: 4 }), foreign)).toEqual(['FOREIGN_WRITE', 10n]);
  });

  it('knows that a leader that began below the fork never held what the copy has there', async () => {
    const before = denseRun(0n, [5], { leaderEpoch: 3 });
    const since = denseRun(5n, [5], { leaderEpoch: 9 });
    const late = copied([...before, ...since, makeBatch({ baseOffset: 10n, records: 5 })]);
    const { fault } = await search({ log: [...before, ...since] }, { log: late }, 15n);
    expect(fault).toMatchObject({ code: 'DIVERGED', offset: 10n });
    const lost = copied([...before, makeBatch({ baseOffset: 5n, records: 5 })]);
    const truncated = await search({ log: before }, { log: lost }, 10n);
    expect(truncated.fault).toMatchObject({ code: 'SOURCE_TRUNCATED', offset: 5n });
  });

  it('waits where the source does not show all of its log yet', async () => {
    const common = denseRun(0n, [5, 5]);
    const copy = copied([...common, ...denseRun(10n, [5], { valueBytes: 11 })]);
    // Its end is 15, but a fetch shows nothing from 10 on.
    const hidden = { fetched: Buffer.alloc(0), ends: [15n] };
    expect((await search(hidden, { log: copy }, 15n)).outcome).toEqual({ kind: 'hidden', side: 'source' });
    const moved = { fetched: { code: 6 }, ends: [15n] };
    expect((await search(moved, { log: copy }, 15n)).outcome).toEqual({ kind: 'unreadable', side: 'source', code: 6 });
  });
});
