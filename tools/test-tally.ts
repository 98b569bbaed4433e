import { z } from 'zod';

/** What vitest's JSON reporter writes, as far as it is counted here. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Full names of the tests that did not run. */
  readonly skippedNames: readonly string[];
}

export const emptyTally: Tally = { passed: 0, failed: 0, skipped: 0, skippedNames: [] };

/**
 * Counts one run of vitest. A file that failed without a failed test (it could not be loaded) counts as one failure,
 * and so does a run that ended badly with no failure in its report, or without a report (undefined).
 */
export function tallyRun(report: string | undefined, exitCode: number): Tally {
  const counted = report === undefined ? emptyTally : tallyReport(report);
  return exitCode !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted;
}

function tallyReport(report: string): Tally {
  const files = reportSchema.parse(JSON.parse(report)).testResults;
  const tests = files.flatMap((file) => file.assertionResults);
  const failedTests = tests.filter((test) => test.status === 'failed').length;
  const failedFiles = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const skippedNames = tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName);
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: failedTests + failedFiles,
    skipped: skippedNames.length,
    skippedNames,
  };
}

export function addTallies(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    skippedNames: [...one.skippedNames, ...other.skippedNames],
  };
}

/** The closing line that CI reads: it must stand alone and last. */
export function renderTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
