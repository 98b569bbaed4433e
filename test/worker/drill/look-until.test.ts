import { expect, test } from 'vitest';
import { lookUntil } from '../../../src/worker/drill/look-until.ts';

const everyMs = 1;
const { signal } = new AbortController();

test('what is said at the first look is the answer', async () => {
  const looks: boolean[] = [];
  const look = (last: boolean): string => `look ${looks.push(last)}`;
  expect(await lookUntil(look, { forMs: 60_000, everyMs }, signal)).toBe('look 1');
  expect(looks).toEqual([false]);
});

test('the last look says that it is the last one, and there is none after it', async () => {
  const looks: boolean[] = [];
  expect(await lookUntil((last) => void looks.push(last), { forMs: 20, everyMs }, signal)).toBeUndefined();
  expect(looks.length).toBeGreaterThan(1);
  expect(looks.indexOf(true)).toBe(looks.length - 1);
  expect(await lookUntil((last) => (last ? 'what is left' : undefined), { forMs: 0, everyMs }, signal)).toBe(
    'what is left',
  );
});

test('nobody looks for somebody who has gone', async () => {
  const gone = new AbortController();
  const looking = lookUntil(() => void gone.abort(new Error('gone')), { forMs: 60_000, everyMs }, gone.signal);
  await expect(looking).rejects.toThrow('gone');
});
