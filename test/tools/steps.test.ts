import { expect, test } from 'vitest';
import { ToolError, renderError, renderStep, runStep } from '../../tools/steps.mjs';

function recorder(): { readonly lines: string[]; write: (text: string) => void } {
  const lines: string[] = [];
  return { lines, write: (text) => lines.push(text) };
}

test('a step that is done gives its value and prints one line with its time', async () => {
  const out = recorder();
  const value = await runStep('Java', () => Promise.resolve({ value: 17, summary: '17.0.15' }), { out });
  expect(value).toBe(17);
  expect(out.lines).toHaveLength(1);
  expect(out.lines[0]).toMatch(/^✓ Java +17\.0\.15 {2}\d+\.\d s\n$/);
});

test('without a terminal only the first detail of a step is printed at once', async () => {
  const out = recorder();
  const work = (report: (detail: string) => void): Promise<{ value: undefined; summary: string }> => {
    for (const count of [1, 2, 3]) report(`package ${count}`);
    return Promise.resolve({ value: undefined, summary: 'built' });
  };
  await runStep('Pulumi CLI', work, { out });
  expect(out.lines).toHaveLength(2);
  expect(out.lines[0]).toContain('… Pulumi CLI        package 1');
});

test('a step that fails prints its mark and the error goes on', async () => {
  const out = recorder();
  const failure = new ToolError('no Maven');
  await expect(runStep('Kafka', () => Promise.reject(failure), { out })).rejects.toBe(failure);
  expect(out.lines.join('')).toMatch(/^✗ Kafka/);
});

test('on a terminal the line is drawn over itself', async () => {
  const out = { ...recorder(), isTTY: true };
  await runStep(
    'Kafka',
    (report) => {
      report('fetching');
      return Promise.resolve({ value: undefined, summary: '92 jars' });
    },
    { out },
  );
  expect(out.lines.every((line) => line.startsWith('\r\u001B[2K'))).toBe(true);
});

test('times are in seconds with one digit', () => {
  expect(renderStep({ mark: '✓', name: 'npm packages', detail: '', elapsedMs: 12_340 })).toBe(
    '✓ npm packages      12.3 s',
  );
});

test('an error written for people is shown without a stack, any other with it', () => {
  expect(renderError(new ToolError('one line'))).toBe('one line');
  expect(renderError(new TypeError('a bug'))).toMatch(/TypeError: a bug\n\s+at /);
});
