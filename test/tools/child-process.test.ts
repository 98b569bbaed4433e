import { expect, test } from 'vitest';
import { capture } from '../../tools/child-process.ts';

const node = process.execPath;
const neverAborted = new AbortController().signal;

test('a program that runs gives its output, its last lines and its exit code', async () => {
  const lines: string[] = [];
  const script = 'console.log("out"); console.error("err"); process.exitCode = 3';
  const result = await capture(node, ['-e', script], { signal: neverAborted, onLine: (line) => lines.push(line) });
  expect(result).toMatchObject({ code: 3, stdout: 'out\n' });
  expect(result.tail.split('\n').sort()).toEqual(['err', 'out']);
  expect(lines.sort()).toEqual(['err', 'out']);
});

test('of a flood only the last lines are kept', async () => {
  const result = await capture(node, ['-e', 'for (let i = 0; i < 1000; i++) console.log(i)'], { signal: neverAborted });
  expect(result.tail.split('\n')).toHaveLength(40);
  expect(result.tail.endsWith('\n999')).toBe(true);
});

test('a program that does not exist is named', async () => {
  const missing = capture('umbra-no-such-program', [], { signal: neverAborted });
  await expect(missing).rejects.toThrow('umbra-no-such-program cannot be run: no such program on PATH.');
});

test('an abort ends the program and is what the caller gets', async () => {
  const controller = new AbortController();
  const endless = capture(node, ['-e', 'console.log("up"); setInterval(() => 0, 1000)'], {
    signal: controller.signal,
    onLine: () => controller.abort(new Error('enough')),
  });
  await expect(endless).rejects.toThrow('enough');
});

test('a program ended by a signal has the exit code that a shell would show', async () => {
  const result = await capture(node, ['-e', 'process.kill(process.pid, "SIGKILL")'], { signal: neverAborted });
  expect(result.code).toBe(137);
});
