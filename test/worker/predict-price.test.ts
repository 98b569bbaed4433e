import { describe, expect, test } from 'vitest';
import { colours } from '../../src/cli/colours.ts';
import { priceLines } from '../../src/cli/rebuild-text.ts';
import { renderTailPlan } from '../../src/cli/reconcile-text.ts';
import { tailSchema } from '../../src/quarantine/manifest.ts';
import { predictPrice } from '../../src/worker/rebuild/predict-price.ts';
import type { PlannedPartition } from '../../src/worker/rebuild/rebuild-view.ts';

const mib = 1 << 20;
const sha256 = '0'.repeat(64);

function partitionOf(offsetsToCopy: number, quarantinedBytes = 0): PlannedPartition {
  const bytes = quarantinedBytes;
  const none = { records: 0, recordsOnlyHere: 0, sha256, recordsUnexplained: 0, unexplainedSha256: sha256 };
  return {
    ...{ partition: 0, copyStart: '0', copyEnd: '10', offsetsToCopy },
    quarantined: { ...none, batches: bytes === 0 ? 0 : 1, bytes },
  };
}

const tail = (method: 'in-place' | 'anew', kind?: 'replay'): ReturnType<typeof tailSchema.parse> =>
  tailSchema.parse({
    ...{ operation: 'failover-20260102-0304-ab12', term: 1, site: 'a', cuts: ['10'], method },
    ...(kind === undefined ? {} : { decision: { kind } }),
  });

/** 100 bytes an offset, 20 MiB in two seconds. */
const measured = {
  source: { bytes: 10 * mib, offsets: (10 * mib) / 100 },
  copy: { bytes: 10 * mib, offsets: (10 * mib) / 100 },
  tookMs: 2_000,
};
const nothing = { bytes: 0, offsets: 0 };

describe('the price of a plan', () => {
  test('is both logs once more and the source anew, at the rate at which they were read', () => {
    const price = predictPrice({ tail: tail('anew'), partitions: [partitionOf((30 * mib) / 100)] }, measured);
    expect(price?.bytesPerSecond).toBe(10 * mib);
    expect((price?.bytesToCopy ?? 0) / mib).toBeCloseTo(30, 1);
    expect(price?.seconds).toBeCloseTo(5, 1);
    expect(priceLines({ price })[0]).toMatch(
      /^about 30\.0 MiB are copied again; it takes about 5\.0 s, at the 10\.0 MiB\/s/,
    );
  });

  test('of a tail that is replayed counts what is read and appended', () => {
    const partitions = [partitionOf((10 * mib) / 100, 5 * mib)];
    const price = predictPrice({ tail: tail('anew', 'replay'), partitions }, measured);
    expect(price).toMatchObject({ bytesToReplay: 5 * mib });
    expect(price?.seconds).toBeCloseTo(4, 1);
    expect(predictPrice({ tail: tail('anew'), partitions }, measured)).toMatchObject({ bytesToReplay: 0 });
    expect(priceLines({ price })[0]).toContain('up to 5.0 MiB appended to the new primary');
  });

  test('of a log that is a copy as it is is nothing, where no record goes to files', () => {
    const price = predictPrice({ tail: tail('in-place'), partitions: [partitionOf(1_000)] }, measured);
    expect(price).toEqual({ bytesToCopy: 0, bytesToReplay: 0, seconds: 0 });
  });

  test('is unknown, and says so, where too little was read', () => {
    const little = { source: { bytes: 1_000, offsets: 10 }, copy: nothing, tookMs: 5 };
    const price = predictPrice({ tail: tail('anew'), partitions: [partitionOf(20)] }, little);
    expect(price).toEqual({ bytesToCopy: 2_000, bytesToReplay: 0 });
    expect(priceLines({ price })[0]).toMatch(/how long it takes is unknown/);
    const unread = predictPrice({ tail: tail('anew'), partitions: [partitionOf(20)] }, { ...little, source: nothing });
    expect(unread).toEqual({ bytesToReplay: 0 });
    expect(priceLines({ price: unread })[0]).toMatch(/^an unknown amount is copied again/);
  });

  test('stands first among what a plan of a reconciliation says', () => {
    const plan = {
      ...{ topic: 'a_orders', link: 'b-a', copyTopicId: 'o', copiedTopicId: 'n', sourceTopicId: 'n', faults: [] },
      ...{ folder: '/q', neededBytes: 1, freeBytes: 2, groups: 0, groupsHidden: [], autoCreated: false, hash: sha256 },
      ...{ tail: tail('anew'), partitions: [partitionOf(20)], price: { bytesToCopy: 2_000, bytesToReplay: 0 } },
    };
    const [first] = renderTailPlan(plan, colours(false))
      .split('\n')
      .filter((line) => line.startsWith('- '));
    expect(first).toMatch(/^- about 2\.0 KiB are copied again/);
  });
});
