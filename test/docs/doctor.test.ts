import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { doctorCodes } from '../../src/worker/doctor/doctor-codes.ts';

test('docs/doctor.md lists every finding there is, as the table has it, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'doctor.md'), 'utf8');
  const [, list = ''] = /<!-- findings:begin -->([\s\S]*)<!-- findings:end -->/.exec(page) ?? [];
  const rows = list
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.replaceAll(/ +/g, ' '));
  const wanted = Object.entries(doctorCodes).map(
    ([code, { level, subject, finds, remedy }]) => `| \`${code}\` | ${level} | ${subject} | ${finds} | ${remedy} |`,
  );
  expect(rows).toEqual(wanted);
});
