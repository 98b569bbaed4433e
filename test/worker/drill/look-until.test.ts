import { expect, test } from 'vitest';
import { lookUntil } from '../../../src/worker/drill/look-until.ts';

const everyMs = 1;
const { signal } = new AbortController();

test('what is said at the first look is the answer', async () => {
  const looks: boolean[] = [];
  const look = (last: boolean): string => {
    looks.push(last);
    return `look ${looks.length}`;
  };
  expect(await lookUntil(look, { forMs: 60_000, everyMs }, signal)).toBe('look 1');
  expect(looks).toEqual([false]);
});

test('the last look says that it is the last one, and there is none after it', async () => {
  const looks: boolean[] = [];
  const look = (last: boolean): undefined => {
    looks.push(last);
  };
  expect(await lookUntil<string>(look, { forMs: 20, everyMs }, signal)).toBeUndefined();
  expect(looks.length).toBeGreaterThan(1);
  expect(looks.indexOf(true)).toBe(looks.length - 1);
  const left = await lookUntil((last) => (last ? 'what is left' : undefined), { forMs: 0, everyMs }, signal);
  expect(left).toBe('what is left');
});

test('nobody looks for somebody who has gone', async () => {
  const gone = new AbortController();
  const leave = (): undefined => {
    gone.abort(new Error('gone'));
  };
  const looking = lookUntil(leave, { forMs: 60_000, everyMs }, gone.signal);
  await expect(looking).rejects.toThrow('gone');
});
