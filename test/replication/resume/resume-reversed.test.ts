import { afterEach, describe, expect, it } from 'vitest';
import type { CopiedPartition } from '../../../src/replication/partition/copied-partition.ts';
import { checkTail, type ResumeOutcome, type ResumeTarget } from '../../../src/replication/resume/resume.ts';
import { attribute, makeBatch } from '../batches/batches.ts';
import { type LogBroker, logBroker, type LogState, topicId } from '../logs/log-broker.ts';

const producerId = 2n ** 52n + 9n;
/** Of the link that went the other way, and of some application. */
const [otherLink, application] = [2n ** 52n + 77n, 17n];
const cut = 50n;
const of: CopiedPartition = {
  ...{ topic: 't', partition: 0, sourceTopicId: topicId, targetTopicId: topicId, producerId },
  ownBelow: cut,
};
const at: ResumeTarget = {
  of,
  source: { broker: 1, epoch: 5, replicas: 'all' },
  target: { broker: 1, epoch: 8, replicas: 'all' },
  headMadeTo: undefined,
};

const open: LogBroker[] = [];

afterEach(async () => {
  for (const broker of open.splice(0)) await broker.close();
});

async function check(source: LogState, copy: LogState, logEnd = cut): Promise<ResumeOutcome> {
  const [left, right] = [await logBroker(source), await logBroker(copy)];
  open.push(left, right);
  return checkTail({ source: left.broker, target: right.broker }, at, { logEnd, sequence: 42 });
}

async function faultOf(...logs: Parameters<typeof check>): Promise<unknown> {
  const outcome = await check(...logs);
  return outcome.kind === 'fault' ? [outcome.fault.code, outcome.fault.offset] : outcome;
}

/** Goes on at `logEnd` with the source's epoch of what stands below it. */
const goesOn = (logEnd: bigint, lastFetchedEpoch: number | undefined): object => ({
  kind: 'resume',
  point: { logEnd, sequence: 42, lastFetchedEpoch },
});

const batch = (baseOffset: bigint, records: number, more: object = {}): Buffer =>
  makeBatch({ baseOffset, records, leaderEpoch: 3, producerId: otherLink, ...more });
const marker = (baseOffset: bigint, more: object = {}): Buffer =>
  batch(baseOffset, 1, { attributes: attribute.control | attribute.transactional, ...more });
const markers = (from: bigint, to: bigint): Buffer[] =>
  Array.from({ length: Number(to - from) }, (_, index) => marker(from + BigInt(index)));
/** As the application wrote it at the copy's site, long ago. */
const own = (baseOffset: bigint, records: number, more: object = {}): Buffer =>
  makeBatch({ baseOffset, records, leaderEpoch: 1, producerId: application, ...more });
const abortedOwn = (baseOffset: bigint, records: number): Buffer =>
  own(baseOffset, records, { attributes: attribute.transactional });
const aborted = [{ producerId: application, firstOffset: 40n }];

describe('going on behind what the site wrote itself', () => {
  it('takes its own batch for right, though the link did not write it, with the source’s epoch', async () => {
    const copy = [own(0n, 40), own(40n, 10)];
    expect(await check({ log: [batch(0n, 40), batch(40n, 10)] }, { log: copy })).toEqual(goesOn(cut, 3));
  });

  it('goes on where it ends with the end of a transaction and the source with fillers', async () => {
    const copy = { log: [own(0n, 40), abortedOwn(40n, 9), marker(49n, { producerId: application })], aborted };
    expect(await check({ log: [batch(0n, 40), ...markers(40n, cut)] }, copy)).toEqual(goesOn(cut, 3));
    const committed = { log: [own(0n, 49), marker(49n, { producerId: application })] };
    expect(await check({ log: [batch(0n, 49), marker(49n)] }, committed)).toEqual(goesOn(cut, 3));
  });

  it('finds a record of the source in what it shows to nobody', async () => {
    const copy = { log: [own(0n, 40), abortedOwn(40n, 9), marker(49n, { producerId: application })], aborted };
    const record = { log: [batch(0n, 40), ...markers(40n, 44n), batch(44n, 1), ...markers(45n, cut)] };
    expect(await faultOf(record, copy)).toEqual(['DIVERGED', 44n]);
    expect(await faultOf({ log: [batch(0n, 40), batch(40n, 10)] }, copy)).toEqual(['DIVERGED', 40n]);
  });

  it('finds a record that differs, and blames no producer for what the site may have written', async () => {
    const copy = { log: [own(0n, 40), own(40n, 10, { valueBytes: 11 })] };
    const outcome = await check({ log: [batch(0n, 40), batch(40n, 10)] }, copy);
    expect(outcome).toMatchObject({ kind: 'fault', fault: { code: 'DIVERGED', offset: 40n } });
    expect(outcome.kind === 'fault' && outcome.fault.message).toContain(
      'both were the same up to 50 when the roles moved',
    );
  });

  it('finds that the source lost what both had when the roles moved', async () => {
    const copy = { log: [own(0n, 40), own(40n, 10)] };
    expect(await faultOf({ log: [batch(0n, 40)] }, copy)).toEqual(['SOURCE_TRUNCATED', 40n]);
  });

  it('goes on where its own retention took all of it, with the source’s epoch of what it took', async () => {
    const emptied: LogState = { fetched: { code: 1 }, start: cut };
    const source = { log: [batch(0n, 40), batch(40n, 10)] };
    expect(await check(source, emptied)).toEqual(goesOn(cut, 3));
    // Not behind what it wrote itself: there the copy begins where the source begins.
    const more = { log: [batch(0n, 40), batch(40n, 10), batch(50n, 5)] };
    expect(await faultOf(more, { fetched: { code: 1 }, start: 55n }, 55n)).toEqual(['DIVERGED', 0n]);
  });

  it('never takes the site’s own records for fillers of a head, and names what retention took before it was copied', async () => {
    const lookalike = { log: [own(0n, 40), own(40n, 10)] };
    const ahead = { start: 80n, ends: [90n], fetched: { code: 1 } };
    expect(await faultOf(ahead, lookalike)).toEqual(['RETENTION_AHEAD', cut]);
    expect(await faultOf(ahead, { fetched: { code: 1 }, start: cut })).toEqual(['RETENTION_AHEAD', cut]);
  });
});

describe('going on behind what the link appended to the site’s log', () => {
  const before = [batch(0n, 50)];
  const ownLog = [own(0n, 50)];
  const ours = (baseOffset: bigint, records: number, more: object = {}): Buffer =>
    makeBatch({ baseOffset, records, leaderEpoch: 8, producerId, ...more });
  const source = { log: [...before, batch(cut, 10, { producerId: application })] };

  it('asks for the same bytes, as of every copy', async () => {
    expect(await check(source, { log: [...ownLog, ours(cut, 10)] }, 60n)).toEqual(goesOn(60n, 3));
    expect(await faultOf(source, { log: [...ownLog, ours(cut, 10, { valueBytes: 11 })] }, 60n)).toEqual([
      'DIVERGED',
      cut,
    ]);
  });

  it('finds a foreign record', async () => {
    const zombie = { log: [...ownLog, own(cut, 10, { valueBytes: 11 })] };
    expect(await faultOf(source, zombie, 60n)).toEqual(['FOREIGN_WRITE', cut]);
    expect(await faultOf({ log: before }, zombie, 60n)).toEqual(['FOREIGN_WRITE', cut]);
  });

  it('finds a marker that came late, in place of a record or of nothing yet', async () => {
    const late = { log: [...ownLog, marker(cut, { producerId: application })] };
    expect(await faultOf(source, late, 51n)).toEqual(['DIVERGED', cut]);
    // Beyond the source's end it cannot be told from one that stands where the source lost something.
    expect(await faultOf({ log: before }, late, 51n)).toEqual(['SOURCE_TRUNCATED', cut]);
  });
});
