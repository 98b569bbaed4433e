import { afterEach, describe, expect, it } from 'vitest';
import type { CopiedPartition } from '../../../src/replication/partition/copied-partition.ts';
import {
  checkTail,
  readLogEnds,
  type ResumeOutcome,
  type ResumeTarget,
} from '../../../src/replication/resume/resume.ts';
import { WireWriter } from '../../../src/kafka/wire-writer.ts';
import { encodeBatch } from '../../../src/replication/batches/encode-batch.ts';
import { attribute, makeBatch, resealed } from '../batches/batches.ts';
import { type LogBroker, logBroker, type LogState, topicId } from '../logs/log-broker.ts';

const producerId = 2n ** 52n + 9n;
const of: CopiedPartition = { topic: 't', partition: 0, sourceTopicId: topicId, targetTopicId: topicId, producerId };
const at: ResumeTarget = {
  of,
  source: { broker: 1, epoch: 3, replicas: 'all' },
  target: { broker: 1, epoch: 8, replicas: 'all' },
  headMadeTo: undefined,
};

const open: LogBroker[] = [];

afterEach(async () => {
  for (const broker of open.splice(0)) await broker.close();
});

async function serve(log: LogState): Promise<LogBroker> {
  const broker = await logBroker(log);
  open.push(broker);
  return broker;
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

describe('reading where a copy ends', () => {
  const read = async (log: LogState): Promise<unknown> => {
    const { broker, asked } = await serve(log);
    const ends = await readLogEnds(broker, [at]);
    expect(asked).toEqual([23, 61, 23]); // the end, the sequence, the end again
    return ends.get('t/0');
  };
  const end = (logEnd: bigint, sequence: number): object => ({ kind: 'end', logEnd, sequence });
  const again = (reason: string, denied = false): object => ({ kind: 'again', reason, denied });

  it('goes on behind the last sequence of the link, whatever others wrote', async () => {
    const state = new Map([
      [7n, 99],
      [producerId, 41],
    ]);
    expect(await read({ ends: [50n], producers: state })).toEqual(end(50n, 42));
    expect(await read({ ends: [50n], producers: new Map([[producerId, 2 ** 31 - 1]]) })).toEqual(end(50n, 0));
  });

  it('begins at the offset where the broker has no state of the link, or only that of markers', async () => {
    expect(await read({ ends: [50n], producers: new Map([[7n, 99]]) })).toEqual(end(50n, 50));
    expect(await read({ ends: [2n ** 31n + 4n], producers: new Map([[producerId, -1]]) })).toEqual(
      end(2n ** 31n + 4n, 4),
    );
    expect(await read({ ends: [0n] })).toEqual(end(0n, 0));
  });

  it('asks again while the log end moves, is unknown or is asked at the wrong broker', async () => {
    expect(await read({ ends: [50n, 51n] })).toEqual(again('the log end of the copy still moves'));
    expect(await read({ ends: [-1n] })).toEqual(again('the target does not know its log end yet'));
    expect(await read({ ends: [{ code: 6 }] })).toEqual(again('target: NOT_LEADER_OR_FOLLOWER (6)'));
    expect(await read({ ends: [5n, { code: 74 }] })).toEqual(again('target: FENCED_LEADER_EPOCH (74)'));
    expect(await read({ ends: [{ code: 29 }] })).toEqual(
      again("target: TOPIC_AUTHORIZATION_FAILED (29), umbra's principal lacks READ at the target", true),
    );
  });

  it('asks again for a partition that the answer leaves out', async () => {
    const { broker } = await serve({ ends: [5n] });
    const other: ResumeTarget = { ...at, of: { ...of, partition: 4 } };
    expect((await readLogEnds(broker, [other])).get('t/4')).toEqual(again('the target leaves this partition out'));
  });
});

describe('checking the tail of a copy', () => {
  const sourceBatch = (more: object = {}): Buffer =>
    makeBatch({ baseOffset: 40n, records: 10, leaderEpoch: 2, ...more });
  const copyBatch = (more: object = {}): Buffer =>
    makeBatch({ baseOffset: 40n, records: 10, leaderEpoch: 8, producerId, ...more });

  const check = async (source: LogState, copy: LogState, logEnd = 50n): Promise<ResumeOutcome> => {
    const [left, right] = [await serve(source), await serve(copy)];
    return checkTail({ source: left.broker, target: right.broker }, at, { logEnd, sequence: 42 });
  };
  const faultOf = async (...logs: Parameters<typeof check>): Promise<unknown> => {
    const outcome = await check(...logs);
    return outcome.kind === 'fault' ? [outcome.fault.code, outcome.fault.offset] : outcome;
  };

  it('goes on when both sides end with the same batch, with the source’s epoch of it', async () => {
    expect(await check({ fetched: sourceBatch() }, { fetched: copyBatch() })).toEqual({
      kind: 'resume',
      point: { logEnd: 50n, sequence: 42, lastFetchedEpoch: 2 },
    });
  });

  it('goes on from nothing where the source begins at 0', async () => {
    expect(await check({ start: 0n }, {}, 0n)).toEqual({
      kind: 'resume',
      point: { logEnd: 0n, sequence: 42, lastFetchedEpoch: undefined },
    });
    expect(await check({ start: 7n }, {}, 0n)).toEqual({ kind: 'head', head: { from: 0n, to: 7n, sequence: 42 } });
  });

  it('goes on at the end of a copy that was emptied, unless the source still has what is gone', async () => {
    const emptied = { fetched: { code: 1 } };
    expect(await check({ start: 50n, ends: [50n] }, emptied)).toMatchObject({ kind: 'resume' });
    expect(await faultOf({ start: 20n, ends: [50n] }, emptied)).toEqual(['DIVERGED', 20n]);
    expect(await faultOf({ start: 0n, ends: [20n] }, emptied)).toEqual(['SOURCE_TRUNCATED', 20n]);
  });

  it('names what retention took before it was copied, also where the copy was emptied with the source', async () => {
    const emptied = { fetched: { code: 1 } };
    const ahead = { start: 80n, ends: [90n] };
    expect(await faultOf(ahead, emptied)).toEqual(['RETENTION_AHEAD', 50n]);
    const [left, right] = [await serve(ahead), await serve(emptied)];
    const brokers = { source: left.broker, target: right.broker };
    // The head was made a moment ago and the source's start moved on: nothing was ever copied.
    const making = { ...at, headMadeTo: 50n };
    expect(await checkTail(brokers, making, { logEnd: 50n, sequence: 42 })).toEqual({
      kind: 'head',
      head: { from: 50n, to: 80n, sequence: 42 },
    });
  });

  const before = (more: object = {}): Buffer => makeBatch({ baseOffset: 0n, records: 40, leaderEpoch: 2, ...more });
  const copyOf = (last: Buffer): LogState => ({ log: [before({ producerId }), last] });

  it('tells a foreign batch from one of ours that differs', async () => {
    const original = { log: [before(), sourceBatch()] };
    const foreign = copyOf(copyBatch({ producerId: 17n, valueBytes: 11 }));
    expect(await faultOf(original, foreign)).toEqual(['FOREIGN_WRITE', 40n]);
    const plain = copyOf(copyBatch({ producerId: -1n, valueBytes: 11 }));
    expect(await faultOf(original, plain)).toEqual(['FOREIGN_WRITE', 40n]);
    const ours = copyOf(copyBatch({ valueBytes: 11 }));
    expect(await faultOf(original, ours)).toEqual(['DIVERGED', 40n]);
  });

  it('goes on where the source’s cleaner has written the last batch anew, records as they were', async () => {
    const body = Buffer.from([0x02, 0x6b, 0x01, 0x00]); // key "k", value null, no headers
    const times = [5_000n, 5_001n];
    const batch = (baseTimestamp: bigint): Buffer => {
      const records = times.flatMap((time, index) => {
        const head = new WireWriter().int8(0).unsignedVarint(zigzag(Number(time - baseTimestamp)));
        const record = Buffer.concat([...head.unsignedVarint(zigzag(index)).parts(), body]);
        return [...new WireWriter().unsignedVarint(zigzag(record.length)).parts(), record];
      });
      const largestDelta = (times[1] ?? baseTimestamp) - baseTimestamp;
      const content = { codec: 0, records: times.length, baseTimestamp, largestDelta };
      return encodeBatch(Buffer.concat(records), content);
    };
    const placed = (bytes: Buffer, { attributes = 0, producer = -1n } = {}): Buffer => {
      bytes.writeBigInt64BE(48n, 0);
      bytes.writeInt16BE(attributes, 21);
      bytes.writeBigInt64BE(producer, 43);
      return resealed(bytes);
    };
    const copy = { fetched: placed(batch(5_000n), { producer: producerId }) };
    const cleaned = { fetched: placed(batch(9_000n), { attributes: attribute.deleteHorizon }) };
    expect(await check(cleaned, copy)).toMatchObject({ kind: 'resume' });
    times[1] = 5_002n;
    const other = placed(batch(9_000n), { attributes: attribute.deleteHorizon });
    const log = (last: Buffer, of = {}): LogState => ({ log: [before(of), last] });
    // These logs hold nothing between the batch before, which ends at 40, and this one.
    expect(await faultOf(log(other), log(copy.fetched, { producerId }))).toEqual(['DIVERGED', 40n]);
  });

  it('finds that the source lost what the copy has', async () => {
    const lost = { log: [before()] };
    expect(await faultOf(lost, copyOf(copyBatch()))).toEqual(['SOURCE_TRUNCATED', 40n]);
    expect(await faultOf(lost, copyOf(copyBatch({ producerId: 17n })))).toEqual(['FOREIGN_WRITE', 40n]);
    const other = makeBatch({ baseOffset: 40n, records: 3, leaderEpoch: 3, valueBytes: 11 });
    expect(await faultOf({ log: [before(), other] }, copyOf(copyBatch()))).toEqual(['SOURCE_TRUNCATED', 40n]);
    const grown = makeBatch({ baseOffset: 43n, records: 30, leaderEpoch: 3 });
    expect(await faultOf({ log: [before(), other, grown] }, copyOf(copyBatch()))).toEqual(['SOURCE_TRUNCATED', 40n]);
  });

  it('finds that the source deleted what was not copied', async () => {
    const deleted = { fetched: { code: 1 }, ends: [90n], start: 60n };
    expect(await faultOf(deleted, { fetched: copyBatch() })).toEqual(['RETENTION_AHEAD', 50n]);
  });

  it('goes on unchecked when the source deleted exactly what was copied', async () => {
    const deleted = { fetched: { code: 1 }, ends: [90n], start: 50n };
    expect(await check(deleted, { fetched: copyBatch() })).toEqual({
      kind: 'resume',
      point: { logEnd: 50n, sequence: 42, lastFetchedEpoch: undefined },
    });
  });

  const nothing = Buffer.alloc(0);
  it.each<[reason: string, source: LogState, copy: LogState]>([
    ['source: NOT_LEADER_OR_FOLLOWER (6)', { fetched: { code: 6 } }, { fetched: copyBatch() }],
    ['source: UNKNOWN_LEADER_EPOCH (75)', { fetched: { code: 1 }, ends: [{ code: 75 }] }, { fetched: copyBatch() }],
    ['the end of the copy is not yet visible at the target', {}, { fetched: nothing }],
    ['the tail of the copy is not yet visible at the source', { ends: [50n] }, { fetched: copyBatch() }],
  ])('asks again: %s', async (reason, source, copy) => {
    expect(await check(source, copy)).toEqual({ kind: 'again', reason, denied: false });
  });
});
