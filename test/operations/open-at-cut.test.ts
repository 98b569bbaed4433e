import { expect, test } from 'vitest';
import { openRemarks } from '../../src/operations/open-at-cut.ts';

test('each transaction that was open at the cut is named in a line of its own', () => {
  const remarks = openRemarks([
    undefined,
    [{ firstOffset: '7', producerId: '4003', lastRecordAt: '2026-01-02T03:04:05.000Z' }, { firstOffset: '9' }],
  ]);
  expect(remarks).toHaveLength(2);
  expect(remarks[0]).toContain(
    'partition 1: a transaction of producer id 4003 was open at the source from offset 7 on, last written to at 2026-01-02T03:04:05.000Z',
  );
  expect(remarks[1]).toContain('partition 1: a transaction was open at the source from offset 9 on: what it wrote');
});
