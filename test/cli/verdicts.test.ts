import { describe, expect, test } from 'vitest';
import { colours } from '../../src/cli/colours.ts';
import { doctorReportSchema, hasErrors, renderFindings } from '../../src/cli/findings-text.ts';
import { isEqual, renderVerify } from '../../src/cli/verify-text.ts';
import type { Finding } from '../../src/worker/finding.ts';
import { verifyReportSchema, type PartitionVerdict, type VerifyReport } from '../../src/worker/verify-report.ts';

const plain = colours(false);

function partition(number: number, overrides: Partial<PartitionVerdict> = {}): PartitionVerdict {
  const counts = {
    batchesEqual: 5,
    batchesRepacked: 0,
    batchesDifferent: 0,
    recordsEqual: 500,
    recordsDifferent: 0,
    behind: 0,
  };
  return { partition: number, ...counts, sourceStart: '0', sourceEnd: '500', copyEnd: '500', ...overrides };
}

function report(...partitions: readonly PartitionVerdict[]): VerifyReport {
  const sum = (
    field: 'batchesEqual' | 'batchesRepacked' | 'batchesDifferent' | 'recordsEqual' | 'recordsDifferent' | 'behind',
  ): number => partitions.reduce((total, each) => total + each[field], 0);
  const totals = {
    batchesEqual: sum('batchesEqual'),
    batchesRepacked: sum('batchesRepacked'),
    batchesDifferent: sum('batchesDifferent'),
    recordsEqual: sum('recordsEqual'),
    recordsDifferent: sum('recordsDifferent'),
    behind: sum('behind'),
  };
  return verifyReportSchema.parse({
    topics: [{ link: 'a-b', topic: 'a_orders', partitions: [...partitions] }],
    totals,
  });
}

describe('verify', () => {
  test('equal logs: one row per topic, the verdict last', () => {
    const equal = report(partition(0), partition(1));
    expect(isEqual(equal)).toBe(true);
    expect(renderVerify(equal, plain)).toBe(
      [
        'TOPIC     LINK  BATCHES EQUAL  REPACKED  DIFFERENT  RECORDS EQUAL  DIFFERENT  BEHIND  FIRST DIFFERENCE',
        'a_orders  a-b              10         0          0          1,000          0       0',
        '',
        'EQUAL: all 10 batches and 1,000 records of 1 topic are identical.',
      ].join('\n'),
    );
  });

  test('what is not yet copied is behind, not different', () => {
    const behind = report(partition(0, { behind: 7 }));
    expect(isEqual(behind)).toBe(true);
    expect(renderVerify(behind, plain)).toMatch(/\nEQUAL SO FAR: .* identical; 7 records not yet copied\.$/);
    const nothing = report(partition(0, { batchesEqual: 0, recordsEqual: 0, behind: 7 }));
    expect(renderVerify(nothing, plain)).toMatch(/\nNOTHING COPIED of 1 topic so far: 7 records not yet copied\.$/);
  });

  test('a difference names partition, offset and what it is', () => {
    const firstDifference = { offset: '123', what: 'key\u001B[2J differs' };
    const different = report(partition(0), partition(1, { batchesDifferent: 1, recordsDifferent: 2, firstDifference }));
    expect(isEqual(different)).toBe(false);
    const text = renderVerify(different, plain);
    expect(text).toContain('partition 1, offset 123: key[2J differs');
    expect(text).toMatch(/\nDIFFERENT: 1 batch and 2 records differ in 1 topic\.$/);
  });

  test('a difference that no batch counts is a difference all the same', () => {
    expect(isEqual(report(partition(0, { firstDifference: { offset: '500', what: 'the copy is longer' } })))).toBe(
      false,
    );
  });

  test('nothing to compare is said so', () => {
    const nothing = { ...report(), topics: [] };
    expect(renderVerify(nothing, plain)).toBe('Nothing to compare: no topic is copied yet.');
  });
});

describe('doctor', () => {
  const ok: Finding = { level: 'ok', site: 'a', subject: 'connection', message: '127.0.0.1:9092 answers' };
  const warn: Finding = { level: 'warn', subject: 'clock', message: 'sites differ by 3 s', remedy: 'Run NTP.' };
  const error: Finding = {
    level: 'error',
    site: 'b',
    subject: 'rights\u0007',
    message: 'no READ on a_*',
    remedy: 'Grant it.',
  };

  test('every finding is a row, with its remedy below it', () => {
    const text = renderFindings([ok, warn, error], plain);
    expect(text.split('\n')).toEqual([
      'LEVEL  SITE  SUBJECT     FINDING',
      'ok     a     connection  127.0.0.1:9092 answers',
      'warn   -     clock       sites differ by 3 s',
      '  → Run NTP.',
      'error  b     rights      no READ on a_*',
      '  → Grant it.',
      '',
      '1 error, 1 warning, 1 in order.',
    ]);
    expect(doctorReportSchema.parse({ findings: [ok, warn, error] }).findings).toHaveLength(3);
  });

  test('only errors fail', () => {
    expect([hasErrors([ok]), hasErrors([ok, warn]), hasErrors([ok, error])]).toEqual([false, false, true]);
    expect(renderFindings([ok], plain)).toMatch(/Everything is in order \(1 check\)\.$/);
  });
});
