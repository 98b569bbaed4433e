import { describe, expect, test } from 'vitest';
import { planPositions, type SavedPositions } from '../../src/worker/rebuild/plan-positions.ts';

const saved = (offset: string): SavedPositions['positions'][number] => ({ group: 'g', partition: 0, offset });
const logs = { forks: new Map([[0, 100n]]), ends: new Map([[0, 111n]]), present: [] };

describe('a position on a copy that was made anew', () => {
  test('is put back as it was up to the fork, without a remark', () => {
    for (const offset of [99n, 100n]) {
      const { due, remarks } = planPositions({ ...logs, positions: [saved(String(offset))] });
      expect(due).toMatchObject([{ group: 'g', partition: 0, offset }]);
      expect(remarks).toEqual([]);
    }
  });

  test('behind the fork goes back to it: the group has not read what the source has there', () => {
    const { due, remarks } = planPositions({ ...logs, positions: [saved('105')] });
    expect(due).toMatchObject([{ offset: 100n }]);
    expect(remarks).toEqual([expect.stringContaining('group g stood at offset 105 of partition 0, behind the fork')]);
  });

  test('behind the fork and beyond the end goes back to the fork as well', () => {
    expect(planPositions({ ...logs, positions: [saved('200')] }).due).toMatchObject([{ offset: 100n }]);
  });

  test('beyond the end of a copy without a fork is not put back, and named', () => {
    const { due, remarks } = planPositions({ ...logs, forks: new Map(), positions: [saved('112')] });
    expect(due).toEqual([]);
    expect(remarks).toEqual([expect.stringContaining("beyond the new copy's end")]);
  });

  test('that the group has committed itself meanwhile is left, and named', () => {
    const present = [{ group: 'g', partition: 0, offset: 3n, metadata: undefined }];
    const { due, remarks } = planPositions({ ...logs, present, positions: [saved('50')] });
    expect(due).toEqual([]);
    expect(remarks).toEqual([expect.stringContaining('it has committed 3 by itself')]);
  });
});
