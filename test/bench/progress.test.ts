import { expect, test } from 'vitest';
import { withClosing } from '../../bench/closing.ts';
import { type RunningMover } from '../../bench/mover.ts';
import { holds, reach } from '../../bench/progress.ts';

const { signal } = new AbortController();
const nothing = async (): Promise<undefined> => Promise.resolve(undefined);
const mover: RunningMover = {
  ...{ pid: 1, mark: nothing, inside: nothing, checkItself: nothing, stop: nothing },
  logTail: async () => Promise.resolve('its last line'),
};
const watched = { mover, signal };

test('what was reached is told, also when it is more than was wanted', async () => {
  const ends = [undefined, 0, 4, 12];
  await expect(reach(10, async () => Promise.resolve(ends.shift()), watched)).resolves.toBe(12);
});

test('a mover that makes no progress is given up with its last lines', async () => {
  const stuck = reach(10, async () => Promise.resolve(4), watched, { stuckAfterMs: 60, totalMaxMs: 60_000 });
  await expect(stuck).rejects.toThrow(/4 of 10 offsets were copied[^]*its last line/);
});

test('a progress that goes up and down is none beyond its most', async () => {
  let look = 0;
  const swinging = async (): Promise<number> => Promise.resolve(++look % 5);
  const stuck = reach(10, swinging, watched, { stuckAfterMs: 300, totalMaxMs: 60_000 });
  await expect(stuck).rejects.toThrow(/4 of 10 offsets/);
});

test('a mover that is slow without end is given up as well', async () => {
  let copied = 0;
  const slow = reach(1e9, async () => Promise.resolve(++copied), watched, { stuckAfterMs: 60_000, totalMaxMs: 100 });
  await expect(slow).rejects.toThrow(/of 1000000000 offsets/);
});

test('a condition that never holds is bounded as a whole', async () => {
  const never = holds('level', async () => Promise.resolve(false), { ...watched, timeoutMs: 50 });
  await expect(never).rejects.toThrow(/^level: not within 0.05 s:\nits last line$/);
});

test("everything is closed, last first, also when one does not close, and the work's error is told", async () => {
  const closed: string[] = [];
  const work = withClosing(async (later) => {
    for (const name of ['brokers', 'mover', 'load']) {
      later(async () => {
        closed.push(name);
        if (name === 'mover') throw new Error('the mover does not stop');
        return Promise.resolve();
      });
    }
    return Promise.reject(new Error('the run failed'));
  });
  await expect(work).rejects.toThrow('the run failed\nthe mover does not stop');
  expect(closed).toEqual(['load', 'mover', 'brokers']);
});
