import { afterEach, describe, expect, it } from 'vitest';
import type { Copier } from '../../../src/replication/copier/copier.ts';
import { denseRun } from '../batches/batches.ts';
import { retryDelays } from '../../../src/replication/waiting/retry-delays.ts';
import { type FetchSource, fetchSource, topicId } from './fetch-source.ts';
import { soon } from '../../kafka/soon.ts';

let source: FetchSource | undefined;

afterEach(async () => {
  await source?.stop();
  expect(source?.pool.heldBytes ?? 0).toBe(0);
  source = undefined;
});

async function start(bytesShare?: number): Promise<FetchSource> {
  source = await fetchSource(bytesShare);
  return source;
}

const place = (partition: number, offset: bigint): string => `${topicId}/${partition}@${offset}`;
const at = (partition: number): { topicId: string; partition: number } => ({ topicId, partition });
const run = (from: bigint, sizes: readonly number[]): Buffer => Buffer.concat(denseRun(from, sizes));

/** Appends whatever the copier has, as if the target took it. */
function drain(copier: Copier): void {
  while (copier.hasBatch) {
    const offset = copier.copiedTo!; // it runs
    copier.takeBatch().frame.release();
    copier.appended(offset);
  }
}

async function becomes(copier: Copier, kind: Copier['state']['kind']): Promise<void> {
  await soon(kind, () => (copier.state.kind === kind ? true : undefined));
}

describe('a fetch stream', () => {
  it('opens a session with all partitions, then tells only what changed', async () => {
    const { copier, asked, answer } = await start();
    const [first, second] = [copier(0), copier(1, 30n)];
    const opening = await asked(1);
    expect(opening).toMatchObject({ session: [0, 0], maxWaitMs: 500, bytesMax: 100_000, forgotten: [] });
    expect(opening.partitions).toEqual([place(0, 0n), place(1, 30n)]);
    expect(opening.details).toMatchObject([
      { currentLeaderEpoch: 7, lastFetchedEpoch: -1 },
      { currentLeaderEpoch: 7, lastFetchedEpoch: 4 },
    ]);
    answer({ sessionId: 55, partitions: [{ ...at(0), end: 2n, records: run(0n, [2]) }] });
    expect(await asked(2)).toMatchObject({ session: [55, 1], partitions: [place(0, 2n)], forgotten: [] });
    drain(first);
    answer({ sessionId: 55 });
    expect(await asked(3)).toMatchObject({ session: [55, 2], partitions: [], forgotten: [] });
    answer({ sessionId: 55, partitions: [{ ...at(1), end: 31n, records: run(30n, [1]) }] });
    expect(await asked(4)).toMatchObject({ session: [55, 3], partitions: [place(1, 31n)] });
    drain(second);
    expect([first.copiedTo, second.copiedTo]).toEqual([2n, 31n]);
    expect(first.state.kind).toBe('waiting');
  });

  it('asks anew for a partition whose copy was made anew while the session held it', async () => {
    const { copier, stream, asked, answer } = await start();
    const old = copier(0, 0n);
    await asked(1);
    answer({ sessionId: 55, partitions: [{ ...at(0), end: 0n }] });
    await becomes(old, 'waiting');
    await asked(2);
    old.stop();
    stream.unassign(old);
    const anew = copier(0, 0n);
    expect(anew.generation).toBe(old.generation - 1);
    answer({ sessionId: 55 });
    expect(await asked(3)).toMatchObject({ session: [55, 2], partitions: [], forgotten: [`${topicId}/0`] });
    answer({ sessionId: 0 });
    expect(await asked(4)).toMatchObject({ session: [0, 0], partitions: [place(0, 0n)], forgotten: [] });
    answer({ sessionId: 56, partitions: [{ ...at(0), end: 0n }] });
    await becomes(anew, 'waiting');
  });

  it('opens another session where a request left nothing in the one before, for the broker has closed it', async () => {
    const { copier, stream, asked, answer } = await start();
    const old = copier(0, 5n);
    await asked(1);
    answer({ sessionId: 55, partitions: [{ ...at(0), end: 5n }] });
    await becomes(old, 'waiting');
    await asked(2);
    old.stop();
    stream.unassign(old);
    copier(1, 6n);
    answer({ sessionId: 55 });
    const leaves = { session: [55, 2], partitions: [place(1, 6n)], forgotten: [`${topicId}/0`] };
    expect(await asked(3)).toMatchObject(leaves);
    answer({ sessionId: 0 });
    expect(await asked(4)).toMatchObject({ session: [0, 0], partitions: [place(1, 6n)], forgotten: [] });
    answer({ sessionId: 57 });
    expect(await asked(5)).toMatchObject({ session: [57, 1], partitions: [], forgotten: [] });
  });

  it('asks anew for a partition that resumed while the session held it: a session is silent about what did not change', async () => {
    const { copier, resume, asked, answer } = await start();
    const idle = copier(0, 5n);
    await asked(1);
    answer({ sessionId: 55, partitions: [{ ...at(0), end: 5n }] });
    await becomes(idle, 'waiting');
    await asked(2);
    idle.interrupt('the target moved', 0);
    resume(idle, 5n);
    answer({ sessionId: 55 });
    expect(await asked(3)).toMatchObject({
      session: [55, 2],
      partitions: [],
      forgotten: [`${topicId}/0`],
      maxWaitMs: 10,
    });
    answer({ sessionId: 0 });
    expect(await asked(4)).toMatchObject({ session: [0, 0], partitions: [place(0, 5n)], forgotten: [] });
    answer({ sessionId: 56, partitions: [{ ...at(0), end: 5n }] });
    await becomes(idle, 'waiting');
  });

  it.each([70, 71, 106])(
    'opens a new session with all partitions when the broker refuses the old one: %i',
    async (code) => {
      const { copier, asked, answer } = await start();
      copier(0, 5n);
      copier(1, 6n);
      await asked(1);
      answer({ sessionId: 55 });
      await asked(2);
      answer({ errorCode: code });
      const anew = { session: [0, 0], partitions: [place(0, 5n), place(1, 6n)], forgotten: [] };
      expect(await asked(3)).toMatchObject(anew);
      answer({ sessionId: 56 });
      expect(await asked(4)).toMatchObject({ session: [56, 1], partitions: [] });
    },
  );

  it('asks a broker that refuses every new session less and less often', async () => {
    const { copier, asked, answer } = await start();
    copier(0, 5n);
    await asked(1);
    answer({ errorCode: 71 });
    await asked(2);
    const refusedMs = performance.now();
    let leastMs = 0;
    for (const refusals of [1, 2]) {
      answer({ errorCode: 71 });
      expect(await asked(2 + refusals)).toMatchObject({ session: [0, 0], partitions: [place(0, 5n)] });
      leastMs += retryDelays.after(refusals);
    }
    // A timer may be early by the fraction of a millisecond that it does not count.
    expect(performance.now() - refusedMs).toBeGreaterThanOrEqual(leastMs - 2);
    answer({ sessionId: 55 });
    expect(await asked(5)).toMatchObject({ session: [55, 1] });
  });

  it('asks for everything every time where the broker has no room for a session', async () => {
    const { copier, asked, answer } = await start();
    copier(0, 5n);
    await asked(1);
    for (const request of [2, 3]) {
      answer({ sessionId: 0 });
      expect(await asked(request)).toMatchObject({ session: [0, -1], partitions: [place(0, 5n)] });
    }
  });

  it('sends the copiers through a resume when the connection breaks, then opens a new session', async () => {
    const { copier, asked, answer, hangUp, resume, meters } = await start();
    const only = copier(0, 5n);
    await asked(1);
    answer({ sessionId: 55 });
    await asked(2);
    hangUp();
    await becomes(only, 'resuming');
    expect(only.state).toMatchObject({ reason: expect.stringMatching(/^fetch: connection to .* ended/) as unknown });
    expect(meters.source.problem).toMatch(/ended/);
    resume(only, 5n);
    const anew = { session: [0, 0], partitions: [place(0, 5n)] };
    expect(await asked(3)).toMatchObject(anew);
    answer({ sessionId: 56 });
    await asked(4);
    expect(meters.source.problem).toBeUndefined();
  });

  it('leaves a full partition out of the session and takes it back when it has drained', async () => {
    const { copier, asked, answer } = await start();
    const [full] = [copier(0), copier(1)];
    await asked(1);
    answer({ sessionId: 55, partitions: [{ ...at(0), end: 9n, records: run(0n, [3, 3, 3]) }] });
    // Little patience: the full partition must be able to come back soon.
    const without = { session: [55, 1], partitions: [], forgotten: [`${topicId}/0`], maxWaitMs: 10 };
    expect(await asked(2)).toMatchObject(without);
    drain(full);
    answer({ sessionId: 55 });
    expect(await asked(3)).toMatchObject({
      session: [55, 2],
      partitions: [place(0, 9n)],
      forgotten: [],
      maxWaitMs: 500,
    });
  });

  it('forgets a partition that is no longer its own, and ignores what still comes for it', async () => {
    const { copier, asked, answer } = await start();
    const [moved, stays] = [copier(0), copier(1)];
    await asked(1);
    moved.interrupt('the leader moved', 0);
    answer({ sessionId: 55, partitions: [{ ...at(0), end: 2n, records: run(0n, [2]) }] });
    expect(await asked(2)).toMatchObject({ session: [55, 1], partitions: [], forgotten: [`${topicId}/0`] });
    expect(moved.state).toMatchObject({ kind: 'resuming', reason: 'the leader moved' });
    expect(stays.state.kind).toBe('copying');
  });

  it('ignores an answer to the question of an earlier generation', async () => {
    const { copier, asked, answer, resume } = await start();
    const only = copier(0);
    await asked(1);
    only.interrupt('moved', 0);
    resume(only, 2n);
    answer({ sessionId: 55, partitions: [{ ...at(0), end: 9n, records: run(0n, [2]) }] });
    expect(await asked(2)).toMatchObject({ session: [55, 1], partitions: [], forgotten: [`${topicId}/0`] });
    answer({ sessionId: 55 });
    expect(await asked(3)).toMatchObject({ session: [55, 2], partitions: [place(0, 2n)], forgotten: [] });
    expect(only).toMatchObject({ fetchOffset: 2n, hasBatch: false });
  });

  it('ignores partitions that nobody asked for', async () => {
    const { copier, asked, answer } = await start();
    copier(0);
    await asked(1);
    answer({
      sessionId: 55,
      partitions: [
        { ...at(9), end: 2n, records: run(0n, [2]) },
        { topicId: 'bb'.repeat(16), partition: 0 },
      ],
    });
    expect(await asked(2)).toMatchObject({ session: [55, 1], partitions: [] });
  });

  it.each([
    [6, 'fetch: NOT_LEADER_OR_FOLLOWER (6)', 50],
    [29, "fetch: TOPIC_AUTHORIZATION_FAILED (29), umbra's principal lacks READ at the source", 5000],
    [1, 'fetch: OFFSET_OUT_OF_RANGE (1)', 50],
  ])('sends one partition through a resume for its error %i, not the others', async (errorCode, reason, delayMs) => {
    const { copier, asked, answer } = await start();
    const [refused, fine] = [copier(0), copier(1)];
    await asked(1);
    const before = performance.now();
    answer({
      sessionId: 55,
      partitions: [
        { ...at(0), errorCode },
        { ...at(1), end: 2n, records: run(0n, [2]) },
      ],
    });
    expect(await asked(2)).toMatchObject({ partitions: [place(1, 2n)], forgotten: [`${topicId}/0`] });
    expect(refused.state).toMatchObject({ kind: 'resuming', reason });
    const { notBeforeMs } = refused.state as { notBeforeMs: number }; // it is resuming
    expect(notBeforeMs - before).toBeGreaterThanOrEqual(delayMs);
    drain(fine);
  });

  it('believes that the source lost records when it reads it twice', async () => {
    const { copier, asked, answer, resume } = await start();
    const only = copier(0, 20n);
    const diverging = { epoch: 2, endOffset: 12n };
    await asked(1);
    answer({ sessionId: 55, partitions: [{ ...at(0), diverging }] });
    await becomes(only, 'resuming');
    resume(only, 20n);
    await asked(2);
    answer({ sessionId: 55 });
    await asked(3);
    answer({ sessionId: 55, partitions: [{ ...at(0), diverging }] });
    await becomes(only, 'faulted');
    expect(only.state).toMatchObject({ fault: { code: 'SOURCE_TRUNCATED', offset: 12n } });
  });

  it('asks again for damaged batches of one partition, and delivers the others', async () => {
    const { copier, asked, answer, meters } = await start();
    const [broken, fine] = [copier(0), copier(1)];
    await asked(1);
    const partitions = [
      { ...at(0), end: 2n, records: Buffer.alloc(80, 0xff) },
      { ...at(1), end: 2n, records: run(0n, [2]) },
    ];
    answer({ sessionId: 55, partitions });
    await becomes(broken, 'resuming');
    expect(broken.state).toMatchObject({ reason: expect.stringContaining('no valid batches') as unknown });
    expect(meters.malformedAnswers).toBe(1);
    drain(fine);
    expect(fine.copiedTo).toBe(2n);
    await asked(2);
  });

  it('sends all through a resume when the whole answer is damaged or refused', async () => {
    const { copier, asked, answer, answerBytes, resume } = await start();
    const copiers = [copier(0), copier(1)];
    await asked(1);
    answerBytes(Buffer.from('ffffffffffffffffffffffffff', 'hex'));
    for (const each of copiers) await becomes(each, 'resuming');
    for (const each of copiers) resume(each, 0n);
    await asked(2);
    answer({ errorCode: 35 });
    for (const each of copiers) await becomes(each, 'resuming');
    expect(copiers[0]!.state).toMatchObject({ reason: expect.stringContaining('UNSUPPORTED_VERSION (35)') as unknown });
  });

  it('asks for less where its share of the buffer is small, and after a failure', async () => {
    const { copier, asked, hangUp, resume } = await start(90_000);
    const only = copier(0);
    expect(await asked(1)).toMatchObject({ bytesMax: 90_000 });
    hangUp();
    await becomes(only, 'resuming');
    resume(only, 0n);
    expect(await asked(2)).toMatchObject({ bytesMax: 64 * 1024 });
  });

  it('stops when it is told to, also while it waits for an answer', async () => {
    const { copier, asked } = await start();
    copier(0);
    await asked(1);
    await source!.stop();
  });
});
