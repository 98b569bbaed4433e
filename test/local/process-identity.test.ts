import { expect, test } from 'vitest';
import { parseProcStat, parsePsLine, processStart } from '../../src/local/process-identity.ts';

const stat = (state: string, threads: number): string =>
  `${state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 ${threads} 18 987654 20 21`;
const after = stat('S', 17);

test('the start is field 22 of /proc/<pid>/stat, whatever the program is called', () => {
  expect(parseProcStat(`42 (java) ${after}`)).toBe('987654');
  expect(parseProcStat(`42 (a) b (c d) ${after}`)).toBe('987654');
});

test('a process that has ended and waits for its parent does not run', () => {
  expect(parseProcStat(`42 (java) ${stat('Z', 1)}`)).toBeUndefined();
  expect(parsePsLine('Z    Sat Nov 21 11:41:29 2026')).toBeUndefined();
});

test('a process of which only the first thread has ended still runs: it holds its ports', () => {
  expect(parseProcStat(`42 (java) ${stat('Z', 2)}`)).toBe('987654');
});

test('ps tells the start where there is no /proc', () => {
  expect(parsePsLine('Ss   Sat Nov 21 11:41:29 2026\n')).toBe('Sat Nov 21 11:41:29 2026');
  expect(parsePsLine('\n')).toBeUndefined();
});

test('this process has one start, and it stays the same', async () => {
  const start = await processStart(process.pid);
  expect(start).toBeDefined();
  expect(await processStart(process.pid)).toBe(start);
});

test('a number that no process has, has no start', async () => {
  expect(await processStart(2 ** 22 + 1)).toBeUndefined();
});
