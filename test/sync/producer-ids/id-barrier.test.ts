import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BarrierLimits, defaultBarrierLimits } from '../../../src/sync/producer-ids/barrier-limits.ts';
import { IdBarrier } from '../../../src/sync/producer-ids/id-barrier.ts';
import { idsLeft, idToPass } from '../../../src/sync/producer-ids/plan-barrier.ts';
import { IdCluster } from './id-cluster.ts';

const signal = new AbortController().signal;
/** Nobody is asked for the mere passing of time. */
const limits: BarrierLimits = { ...defaultBarrierLimits, askMs: Infinity, idsPerSecond: 1_000_000 };

function barrierOf(
  cluster: IdCluster,
  highest: () => number | undefined,
  more: Partial<BarrierLimits> & { readonly sourceBrokers?: number; readonly passed?: bigint | undefined } = {},
): IdBarrier {
  const known = (): bigint | undefined => {
    const id = highest();
    return id === undefined ? undefined : BigInt(id);
  };
  const { sourceBrokers = 1, passed, ...changed } = more;
  const ports = { allocators: cluster, highest: known, sourceBrokers: () => sourceBrokers, passed };
  return new IdBarrier({ ...ports, mayAct: () => true }, { ...limits, ...changed });
}

/** The ids that fresh producers get, some at each broker that answers. */
function fresh(cluster: IdCluster, each: number): readonly number[] {
  const nodes = [...cluster.present].filter((nodeId) => !cluster.silent.has(nodeId));
  return nodes.flatMap((nodeId) =>
    Array.from({ length: each }, () => cluster.give(nodeId) ?? cluster.give(nodeId) ?? -1),
  );
}

describe('the barrier at a promotion', () => {
  test('when it holds, no broker gives out an id that is in use, whatever it gave out before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.option(fc.integer({ min: 0, max: 40_000 }), { nil: undefined }),
        fc.integer({ min: 0, max: 3 }).map((block) => block * 10_000),
        fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 2_500 })), { maxLength: 6 }),
        fc.integer({ min: 0, max: 2 }),
        async (brokers, highest, counter, before, loads) => {
          const cluster = new IdCluster({ brokers, counter, loads });
          for (const [which, count] of before)
            for (let given = 0; given < count; given++) cluster.give((which % brokers) + 1);
          const outcome = await barrierOf(cluster, () => highest).finish(signal);
          expect(outcome.kind).toBe('held');
          expect(outcome.brokers).toHaveLength(brokers);
          for (const id of fresh(cluster, 1_500).filter((given) => given >= 0))
            expect(id).toBeGreaterThan((highest ?? -1) + Number(limits.reserve));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('burns no more than it said that it would', async () => {
    const cluster = new IdCluster({ brokers: 3 });
    for (const nodeId of [1, 1, 2, 3, 3]) for (let given = 0; given < 700; given++) cluster.give(nodeId);
    const barrier = barrierOf(cluster, () => 20_000);
    await barrier.look(signal);
    const { idsLeft: said } = barrier.view();
    const { burnt } = await barrier.finish(signal);
    // One more per broker shows where it stands; the others are those under way when it is past.
    expect(burnt).toBeLessThanOrEqual(Number(said) + 3 * 33);
    expect(barrier.view()).toMatchObject({ idsLeft: 0n, secondsLeft: 0 });
  });

  test('asks each broker once where all are past already', async () => {
    const cluster = new IdCluster({ brokers: 2, counter: 50_000 });
    expect(await barrierOf(cluster, () => 20_000).finish(signal)).toMatchObject({ kind: 'held', burnt: 2 });
  });

  test('goes on where a connection breaks in the middle', async () => {
    const cluster = new IdCluster({ brokers: 2 });
    cluster.breaksAfter = 4_000;
    expect(await barrierOf(cluster, () => 20_000).finish(signal)).toMatchObject({ kind: 'held' });
  });

  test('names the brokers that do not answer; one of them that restarts begins above', async () => {
    const cluster = new IdCluster({ brokers: 3 });
    for (const nodeId of [1, 2, 3]) cluster.give(nodeId);
    const barrier = barrierOf(cluster, () => 30_000);
    await barrier.round(signal);
    cluster.silent.add(2);
    cluster.present.delete(3);
    const outcome = await barrier.finish(signal);
    expect(outcome).toMatchObject({ kind: 'unreached', nodeIds: [2, 3] });
    expect('message' in outcome && outcome.message).toContain('broker 2 (broker 2 refuses connections)');
    cluster.silent.clear();
    cluster.restart(2);
    expect(cluster.give(2)).toBeGreaterThan(32_000);
  });

  test.each([
    ['that makes rounds', (barrier: IdBarrier) => barrier],
    [
      'that leads after it',
      (barrier: IdBarrier, cluster: IdCluster) => barrierOf(cluster, () => 3_000, { passed: barrier.passed }),
    ],
  ])('holds a broker to it that was only cut off, however close it was: the worker %s', async (_who, next) => {
    const cluster = new IdCluster({ brokers: 2 });
    for (const nodeId of [1, 2]) cluster.give(nodeId);
    const barrier = barrierOf(cluster, () => 3_000);
    await barrier.round(signal);
    cluster.silent.add(2);
    expect(await barrier.finish(signal)).toMatchObject({ kind: 'unreached', nodeIds: [2] });
    cluster.silent.clear();
    await next(barrier, cluster).round(signal);
    expect(cluster.give(2)).toBeGreaterThan(5_000);
  });

  test('is short where nobody answers, or the right to ask is missing', async () => {
    const dead = new IdCluster({ brokers: 1 });
    dead.silent.add(1);
    expect(await barrierOf(dead, () => 5).finish(signal)).toMatchObject({ kind: 'short' });
    const closed = new IdCluster({ brokers: 1 });
    closed.refuses = 31;
    const outcome = await barrierOf(closed, () => 5).finish(signal);
    expect(outcome.kind).toBe('short');
    expect('message' in outcome && outcome.message).toContain('lacks WRITE on any topic');
  });

  test('tries nothing that takes longer than there is time, and says how long it would take', async () => {
    const cluster = new IdCluster({ brokers: 1 });
    const barrier = barrierOf(cluster, () => 2 ** 51, { idsPerSecond: 10_000 });
    const outcome = await barrier.finish(signal);
    expect(outcome).toMatchObject({ kind: 'too-far', burnt: 1 });
    expect('message' in outcome && outcome.message).toMatch(/ids up to 2251799813685248; .* 60 s are allowed/);
  });

  test('ends the round that is under way', async () => {
    const cluster = new IdCluster({ brokers: 1 });
    const barrier = barrierOf(cluster, () => 400_000, { roundIdsMax: 1_000_000 });
    const round = barrier.round(signal);
    const outcome = await barrier.finish(signal);
    await round;
    expect(outcome.kind).toBe('held');
    expect(outcome.burnt).toBeGreaterThan(390_000);
  });
});

describe('rounds in the background', () => {
  test('ask each broker once, and nothing more while no id of the source is far ahead', async () => {
    const cluster = new IdCluster({ brokers: 3 });
    let highest = 0;
    const barrier = barrierOf(cluster, () => highest);
    for (let round = 0; round < 20; round++) {
      await barrier.round(signal);
      highest += 300;
    }
    expect(cluster.asked).toBe(3);
  });

  test('burn at most so many ids each, until all are past', async () => {
    const cluster = new IdCluster({ brokers: 2, loads: 1 });
    const barrier = barrierOf(cluster, () => 20_000);
    for (let round = 0; round < 12; round++) {
      const before = barrier.view().burnt;
      await barrier.round(signal);
      expect(barrier.view().burnt - before).toBeLessThanOrEqual(limits.roundIdsMax + 2);
    }
    expect(barrier.view()).toMatchObject({ advancing: 0, idsLeft: 0n, trouble: undefined });
    expect(Math.min(...fresh(cluster, 1))).toBeGreaterThan(22_000);
  });

  test('do not chase an id that some client made up, and say so', async () => {
    const cluster = new IdCluster({ brokers: 1 });
    const barrier = barrierOf(cluster, () => 2 ** 51);
    for (let round = 0; round < 5; round++) await barrier.round(signal);
    expect(cluster.asked).toBe(1);
    expect(barrier.view().trouble).toContain('2251799813685248');
  });

  test('do nothing at a worker that does not lead', async () => {
    const cluster = new IdCluster({ brokers: 1 });
    const ports = { allocators: cluster, highest: () => 50_000n, sourceBrokers: () => 1, mayAct: () => false };
    await new IdBarrier(ports, limits).round(signal);
    expect(cluster.asked).toBe(0);
  });

  test('bring a broker ahead although another one does not answer', async () => {
    const cluster = new IdCluster({ brokers: 2 });
    cluster.silent.add(1);
    const barrier = barrierOf(cluster, () => 20_000);
    for (let round = 0; round < 12; round++) await barrier.round(signal);
    expect(cluster.give(2)).toBeGreaterThan(22_000);
    expect(barrier.view().trouble).toContain('broker 1');
  });
});

/** Two sites, each with the barrier of its own link; what the other one's brokers gave out is what each knows. */
class TwoSites {
  readonly clusters: readonly [IdCluster, IdCluster];
  readonly barriers: readonly [IdBarrier, IdBarrier];
  taken = 0;

  constructor(brokers: readonly [number, number]) {
    const [left, right] = [new IdCluster({ brokers: brokers[0] }), new IdCluster({ brokers: brokers[1] })];
    this.clusters = [left, right];
    // The worst that can be known of the other site: also ids that nobody writes with, those that its barrier burnt.
    const of = (own: IdCluster, other: IdCluster, sourceBrokers: number): IdBarrier =>
      barrierOf(own, () => other.counter, { sourceBrokers });
    this.barriers = [of(left, right, brokers[1]), of(right, left, brokers[0])];
  }

  take(site: 0 | 1, broker: number, count: number): void {
    const cluster = this.clusters[site];
    this.taken += count;
    for (let given = 0; given < count; given++) cluster.give((broker % cluster.present.size) + 1);
  }

  get burnt(): number {
    return this.barriers.reduce((sum, barrier) => sum + barrier.view().burnt, 0);
  }

  /** Rounds until both stand still. */
  async settle(): Promise<void> {
    for (let round = 0; round < 200; round++) {
      const before = this.burnt;
      for (const barrier of this.barriers) await barrier.round(signal);
      if (this.burnt === before) return;
    }
    throw new Error('the two sites chase each other');
  }
}

describe('two sites that stay ahead of each other', () => {
  test('come to rest, and burn no more than a few times what producers took', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })),
        fc.array(fc.tuple(fc.constantFrom(0 as const, 1 as const), fc.nat(40), fc.integer({ min: 1, max: 9_000 })), {
          minLength: 1,
          maxLength: 12,
        }),
        async (brokers, steps) => {
          const sites = new TwoSites(brokers);
          for (const [site, broker, count] of steps) {
            sites.take(site, broker, count);
            await sites.settle();
          }
          const all = brokers[0] + brokers[1];
          expect(sites.burnt).toBeLessThanOrEqual(4 * sites.taken + 4_000 * all);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('come to rest also with two brokers each, of which one lags behind the other', async () => {
    const sites = new TwoSites([2, 2]);
    const steps = [
      [0, 1_152],
      [1, 3_999],
      [0, 5_426],
      [0, 1_422],
    ] as const;
    for (const [site, count] of steps) {
      sites.take(site, 0, count);
      await sites.settle();
    }
  });

  test('leave an even growth alone', async () => {
    const sites = new TwoSites([2, 2]);
    for (let step = 0; step < 40; step++) {
      sites.take(0, step, 900);
      sites.take(1, step, 900);
      await sites.settle();
    }
    // Asked where they stand, now and then; never brought ahead.
    expect(sites.burnt).toBeLessThan(40);
  });
});

describe('the ids that are left', () => {
  test('are those up to the one to pass, and two blocks of each broker that lags behind', () => {
    const past = idToPass(10_000n, limits);
    expect(past).toBe(12_000n);
    expect(idsLeft([12_001n, 90_000n], past)).toBe(0n);
    expect(idsLeft([0n], past)).toBe(12_001n);
    expect(idsLeft([0n, 11_000n], past)).toBe(1_000n + 2_000n + 2n);
    expect(idsLeft([0n, 50_000n], past)).toBe(2_001n);
    expect(idToPass(undefined, limits)).toBe(1_999n);
  });
});
