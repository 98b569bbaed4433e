import { afterEach, describe, expect, it } from 'vitest';
import type { Copier } from '../../../src/replication/copier/copier.ts';
import { denseRun, libraryCrc } from '../batches/batches.ts';
import { type ProduceTarget, produceTarget, serveOldProduce } from './produce-target.ts';
import { soon } from '../../kafka/soon.ts';

let target: ProduceTarget | undefined;

afterEach(async () => {
  await target?.stop();
  target = undefined;
});

async function start(...options: Parameters<typeof produceTarget>): Promise<ProduceTarget> {
  target = await produceTarget(...options);
  return target;
}

async function becomes(copier: Copier, kind: Copier['state']['kind']): Promise<void> {
  await soon(kind, () => (copier.state.kind === kind ? true : undefined));
}

async function released(): Promise<void> {
  await soon('all memory back', () => (target!.pool.heldBytes === 0 ? true : undefined));
}

describe('a produce stream', () => {
  it('sends one stamped batch of each partition, waits for the answer, and goes on', async () => {
    const { copier, asked, answer, requests, meters } = await start();
    const first = copier(0, denseRun(0n, [2, 3]));
    const second = copier(1, denseRun(40n, [4]), 40n);
    const opening = await asked(1);
    const { batches } = opening.batches.size === 2 ? opening : await both();
    async function both(): Promise<typeof opening> {
      answer({ partition: 0, baseOffset: 0n }); // the first copier was faster than the second
      return asked(2);
    }
    expect(opening).toMatchObject({ version: 11, acks: -1, timeoutMs: 4_000 });
    const batch = batches.get('t/1')!;
    expect([batch.readBigInt64BE(0), batch.readBigInt64BE(43), batch.readInt32BE(53)]).toEqual([
      0n,
      2n ** 52n + 5n,
      40,
    ]);
    expect(batch.readUInt32BE(17)).toBe(libraryCrc(batch.subarray(21)));
    const before = requests();
    answer({ partition: 1, baseOffset: 40n }, { partition: 0, baseOffset: batches === opening.batches ? 0n : 2n });
    await soon('both', () => (second.copiedTo === 44n ? true : undefined));
    if (first.copiedTo !== 5n) {
      expect((await asked(before + 1)).batches.get('t/0')!.readInt32BE(53)).toBe(2);
      answer({ partition: 0, baseOffset: 2n });
    }
    await soon('the rest', () => (first.copiedTo === 5n ? true : undefined));
    expect(meters).toMatchObject({ producedBatches: 3 });
    await released();
  });

  it.each([3n, 1n])('stops a copy for good whose batch was put at offset %i instead of 2', async (baseOffset) => {
    const { copier, asked, answer, requests } = await start();
    const wrong = copier(0, denseRun(2n, [2, 3]), 2n);
    await asked(1);
    answer({ partition: 0, baseOffset });
    await becomes(wrong, 'faulted');
    expect(wrong.state).toMatchObject({ fault: { code: 'DIVERGED', offset: 2n } });
    await released();
    copier(1, denseRun(0n, [1])); // the stream goes on with others
    expect([...(await asked(2)).batches.keys()]).toEqual(['t/1']);
    answer({ partition: 1, baseOffset: 0n });
    expect(requests()).toBe(2);
  });

  it.each([
    [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 100],
    [46, 'DUPLICATE_SEQUENCE_NUMBER', 100],
    [2, 'CORRUPT_MESSAGE', 100],
    [3, 'UNKNOWN_TOPIC_OR_PARTITION', 50],
    [6, 'NOT_LEADER_OR_FOLLOWER', 50],
    [7, 'REQUEST_TIMED_OUT', 50],
    [19, 'NOT_ENOUGH_REPLICAS', 50],
    [29, 'TOPIC_AUTHORIZATION_FAILED', 5_000],
  ])('sends a copy through a resume for error %i', async (errorCode, name, delayMs) => {
    const { copier, asked, answer, meters } = await start();
    const refused = copier(0, denseRun(0n, [2, 3]));
    await asked(1);
    const beforeMs = performance.now();
    answer({ partition: 0, errorCode });
    await becomes(refused, 'resuming');
    const state = refused.state as { reason: string; notBeforeMs: number }; // it is resuming
    const lacks = errorCode === 29 ? ", umbra's principal lacks WRITE at the target" : '';
    expect(state.reason).toBe(`produce: ${name} (${errorCode})${lacks}`);
    expect(state.notBeforeMs - beforeMs).toBeGreaterThanOrEqual(delayMs);
    expect(state.notBeforeMs - beforeMs).toBeLessThan(delayMs + 3_000);
    expect(refused.mayResume(state.notBeforeMs)).toBe(true);
    expect(meters.corruptBatches).toBe(errorCode === 2 ? 1 : 0);
    await released();
  });

  it.each([
    [47, 'PRODUCER_FENCED'],
    [90, 'PRODUCER_FENCED'],
    [10, 'REFUSED'],
    [87, 'REFUSED'],
  ])('stops a copy for good for error %i, with the broker’s text', async (errorCode, code) => {
    const { copier, asked, answer } = await start();
    const refused = copier(0, denseRun(0n, [2]));
    await asked(1);
    answer({ partition: 0, errorCode, message: 'because of the test' });
    await becomes(refused, 'faulted');
    expect(refused.state).toMatchObject({
      fault: { code, offset: 0n, message: expect.stringContaining('because of the test') as unknown },
    });
    await released();
  });

  it('sends all copies of a request through a resume when its answer is lost', async () => {
    const { copier, asked, hangUp, meters } = await start();
    const lost = copier(0, denseRun(0n, [2, 2]));
    await asked(1);
    hangUp();
    await becomes(lost, 'resuming');
    const { reason } = lost.state as { reason: string }; // it is resuming
    expect(reason).toMatch(/^produce: connection to .* ended/);
    expect(lost.mayResume(performance.now())).toBe(false); // the broker may still be working on it
    expect(lost.mayResume(performance.now() + 1_000)).toBe(true);
    expect(lost.copiedTo).toBe(0n);
    expect(meters.target.problem).toMatch(/ended/);
    await released();
  });

  it('takes an answer that it cannot read for lost, and does not use that connection again', async () => {
    const { copier, asked, answerBytes, answer, connections } = await start();
    const lost = copier(0, denseRun(0n, [2]));
    await asked(1);
    answerBytes(Buffer.from('ffffffff0f', 'hex'));
    await becomes(lost, 'resuming');
    await released();
    const next = copier(1, denseRun(0n, [1]));
    await asked(2);
    expect(connections[1]).not.toBe(connections[0]);
    answer({ partition: 1, baseOffset: 0n });
    await soon('the next', () => (next.copiedTo === 1n ? true : undefined));
  });

  it('sends a copy through a resume that the answer leaves out, and ignores what nobody asked for', async () => {
    const { copier, asked, answer } = await start();
    const left = copier(0, denseRun(0n, [2]));
    await asked(1);
    answer({ partition: 9, baseOffset: 0n });
    await becomes(left, 'resuming');
    expect(left.state).toMatchObject({ reason: 'produce: the answer leaves this partition out' });
    await released();
  });

  it('concludes nothing from an answer that comes after an interruption', async () => {
    const { copier, asked, answer } = await start();
    const moved = copier(0, denseRun(0n, [2, 2]));
    await asked(1);
    moved.interrupt('the source’s leader moved', 0);
    expect(moved.mayResume(performance.now())).toBe(false); // something of ours is still on its way
    answer({ partition: 0, baseOffset: 0n });
    await soon('the answer', () => (moved.mayResume(performance.now()) ? true : undefined));
    expect(moved.copiedTo).toBe(0n);
    await released();
  });

  it('takes no more batches than fit, the first whatever its size, and nobody starves', async () => {
    const { copier, asked, answer, stream } = await start({ requestBytesMax: 1_000, partitionsMax: 3 });
    const blocker = copier(0, denseRun(0n, [1], { valueBytes: 5_000 }));
    expect([...(await asked(1)).batches.keys()]).toEqual(['t/0']); // larger than the request may be
    for (const partition of [1, 2, 3, 4]) copier(partition, denseRun(0n, [1, 1, 1]));
    for (const partition of [5, 6]) copier(partition, denseRun(0n, [1], { valueBytes: 700 }));
    stream.touch(blocker); // has nothing: takes no place
    answer({ partition: 0, baseOffset: 0n });
    const seen: string[][] = [];
    const ends = new Map<number, bigint>();
    const left = (): boolean => [...ends.values()].reduce((sum, end) => sum + end, 0n) < 14n;
    while (left()) {
      const { batches } = await asked(seen.length + 2);
      seen.push([...batches.keys()]);
      const partitions = [...batches.keys()].map((key) => Number(key.slice(2)));
      answer(...partitions.map((partition) => ({ partition, baseOffset: ends.get(partition) ?? 0n })));
      for (const partition of partitions) ends.set(partition, (ends.get(partition) ?? 0n) + 1n);
    }
    expect(seen[0]).toEqual(['t/1', 't/2', 't/3']);
    expect(seen[1]!.slice(0, 2)).toEqual(['t/4', 't/5']); // those who were left out go first
    expect(Math.max(...seen.map((keys) => keys.length))).toBe(3);
    expect(seen.filter((keys) => keys.includes('t/5') && keys.includes('t/6'))).toEqual([]); // together too large
    expect(ends).toEqual(new Map([1, 2, 3, 4, 5, 6].map((partition) => [partition, partition >= 5 ? 1n : 3n])));
    await released();
  });

  it('sends its copies through a resume when the broker cannot be reached', async () => {
    const { copier, leave } = await start();
    await leave();
    const first = copier(0, denseRun(0n, [1]));
    await becomes(first, 'resuming');
    const reason = expect.stringMatching(/^produce: .* refuses connections: no broker listens there$/) as unknown;
    expect(first.state).toMatchObject({ reason });
    expect(first.mayResume(Number.MAX_SAFE_INTEGER)).toBe(true); // nothing was sent
    await released();
  });

  it('sends its copies through a resume when the broker is too old, and stays alive', async () => {
    const { copier, requests, stream } = await start({}, serveOldProduce);
    const first = copier(0, denseRun(0n, [1]));
    await becomes(first, 'resuming');
    expect(first.state).toMatchObject({
      reason: expect.stringMatching(/needs API 0 version 9 .* the broker has versions 0 to 8/) as unknown,
    });
    const second = copier(1, denseRun(0n, [1]));
    await becomes(second, 'resuming');
    stream.touch(second);
    expect(requests()).toBe(0);
    expect(first.mayResume(Number.MAX_SAFE_INTEGER)).toBe(true); // nothing is in flight
    await released();
  });
});
