import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tail } from '../../../src/quarantine/manifest.ts';
import { planHash } from '../../../src/worker/rebuild/plan-hash.ts';
import type { PlannedPartition } from '../../../src/worker/rebuild/rebuild-view.ts';
import { headersOf, originOffset } from '../../../src/worker/reconcile/provenance.ts';
import { lacksDecision, tailAsFound } from '../../../src/worker/reconcile/tail-method.ts';

const empty = {
  batches: 0,
  records: 0,
  recordsOnlyHere: 0,
  bytes: 0,
  sha256: '',
  recordsUnexplained: 0,
  unexplainedSha256: '',
};

function partition(copyEnd: string, unexplained = 0, forkOffset?: string): PlannedPartition {
  const quarantined = { ...empty, recordsOnlyHere: unexplained, recordsUnexplained: unexplained };
  return {
    ...{ partition: 0, copyStart: '0', copyEnd, quarantined, offsetsToCopy: 5 },
    ...(forkOffset === undefined ? {} : { forkOffset }),
  };
}

const asked: Omit<Tail, 'method'> = {
  ...{ operation: 'failover-20260102-0304-ab12', term: 1, site: 'a', cuts: ['5'] },
  decision: { kind: 'replay' },
};

function scanned(...partitions: readonly PlannedPartition[]): Parameters<typeof tailAsFound>[1] {
  return { partitions, partitionsHere: partitions.length };
}

describe('the log of an old primary', () => {
  test('that ends at the cut is a copy as it is, and there is nothing to be decided', () => {
    const { decision: _decision, ...rest } = asked;
    expect(tailAsFound(asked, scanned(partition('5')))).toEqual({ ...rest, method: 'in-place' });
  });

  test('that goes on above it is made anew, by what was decided', () => {
    expect(tailAsFound(asked, scanned(partition('8', 3, '5')))).toEqual({ ...asked, method: 'anew' });
  });

  test('with partitions that the new primary never had is made anew, empty ones too; fewer than there by now are no hindrance', () => {
    const more = { ...partition('0'), partition: 1 };
    expect(tailAsFound(asked, scanned(partition('5'), more))).toMatchObject({ method: 'anew' });
    const { decision: _decision, ...rest } = asked;
    const grown = { partitions: [partition('5'), more], partitionsHere: 1 };
    expect(tailAsFound(asked, grown)).toEqual({ ...rest, method: 'in-place' });
  });

  test('that lost records below the cut, or differs there, is no copy either', () => {
    expect(tailAsFound(asked, scanned(partition('4')))).toMatchObject({ method: 'anew' });
    expect(tailAsFound(asked, scanned(partition('5', 1, '3')))).toMatchObject({ method: 'anew' });
  });

  test('with a tail needs a decision, without one none', () => {
    const undecided = (found: PlannedPartition): boolean => {
      const { decision: _decision, ...rest } = asked;
      return lacksDecision(tailAsFound(rest, scanned(found)), [found]);
    };
    expect(undecided(partition('8', 3, '5'))).toBe(true);
    expect(undecided(partition('4'))).toBe(false);
    expect(undecided(partition('5'))).toBe(false);
    expect(lacksDecision(tailAsFound(asked, scanned(partition('8', 3, '5'))), [partition('8', 3, '5')])).toBe(false);
  });
});

describe('the hash of a plan', () => {
  const plan = (tail?: Tail): string =>
    planHash({
      ...{ topic: 'a_orders', link: 'b-a', copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's' },
      ...{ partitions: [partition('8', 3, '5')], tail },
    });
  const tail: Tail = { ...asked, method: 'anew' };

  test('is another one for each cut, operation, and decision with its reason', () => {
    const discarded = (reason: string): Tail => ({ ...tail, decision: { kind: 'discard', reason } });
    const { decision: _decision, ...undecided } = tail;
    const hashes = [
      ...[plan(), plan(tail), plan(undecided), plan({ ...tail, decision: { kind: 'export' } })],
      ...[plan(discarded('one')), plan(discarded('two'))],
      ...[plan({ ...tail, cuts: ['4'] }), plan({ ...tail, operation: 'failover-20260102-0304-ffff' })],
      ...[plan({ ...tail, term: 2 }), plan({ ...tail, method: 'in-place' })],
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('does not depend on the order in which a journal keeps its fields', () => {
    const { operation, term, site, cuts, method, decision } = tail;
    expect(plan({ ...(decision && { decision }), method, cuts, site, term, operation })).toBe(plan(tail));
  });
});

test('where a record comes from is read back from its headers, also where it brought such headers itself', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1n << 62n }), fc.nat(1_000), fc.boolean(), (offset, partitionOf, again) => {
      const origin = { site: 'a', term: 3, operation: 'failover-20260102-0304-ab12', partition: partitionOf, offset };
      const brought = again ? headersOf({ ...origin, operation: 'failover-20250102-0304-ab12', offset: 1n }) : [];
      const headers = [...brought, ...headersOf(origin)];
      expect(originOffset({ headers }, origin)).toBe(offset);
      expect(originOffset({ headers }, { ...origin, partition: partitionOf + 1 })).toBeUndefined();
      expect(originOffset({ headers: brought }, origin)).toBeUndefined();
    }),
  );
});
