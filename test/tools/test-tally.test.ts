import { expect, test } from 'vitest';
import { addTallies, emptyTally, renderTally, tallyRun } from '../../tools/test-tally.ts';

function report(...files: readonly { status: string; tests: readonly string[] }[]): string {
  return JSON.stringify({
    success: false,
    testResults: files.map(({ status, tests }, index) => ({
      name: `${index}.test.ts`,
      status,
      assertionResults: tests.map((result, test) => ({ fullName: `test ${test} of ${index}`, status: result })),
    })),
  });
}

test('tests are counted over all files, and those left out are named', () => {
  const tally = tallyRun(report({ status: 'failed', tests: ['passed', 'failed', 'skipped', 'todo'] }), 1);
  expect(tally).toEqual({ passed: 1, failed: 1, skipped: 2, skippedNames: ['test 2 of 0', 'test 3 of 0'] });
});

test('a file that could not be loaded is a failure', () => {
  expect(tallyRun(report({ status: 'failed', tests: [] }, { status: 'passed', tests: ['passed'] }), 1)).toMatchObject({
    passed: 1,
    failed: 1,
  });
});

test('a run that ended badly without a failed test is a failure', () => {
  expect(tallyRun(report({ status: 'passed', tests: ['passed'] }), 1)).toMatchObject({ passed: 1, failed: 1 });
  expect(tallyRun(undefined, 1)).toMatchObject({ passed: 0, failed: 1 });
  expect(tallyRun(undefined, 0)).toEqual(emptyTally);
});

test('the closing line counts both projects and stands in the form that CI reads', () => {
  const fast = { passed: 300, failed: 0, skipped: 1, skippedNames: ['x'] };
  const real = { passed: 40, failed: 2, skipped: 0, skippedNames: [] };
  expect(renderTally(addTallies(fast, real))).toBe('340 passed, 2 failed, 1 skipped');
});
