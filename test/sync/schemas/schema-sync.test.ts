import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SiteId } from '../../../src/pair/site.ts';
import { SchemaSync } from '../../../src/sync/schemas/schema-sync.ts';
import { type SchemaSyncView } from '../../../src/sync/schemas/schema-view.ts';
import { anyRecord, config, schemaRecord, tombstone } from '../../schema-primary/schema-log.ts';
import { MemoryLog } from './memory-log.ts';

type Watched = Extract<SchemaSyncView, { kind: 'watched' }>;

class Bench {
  readonly a = new MemoryLog();
  readonly b = new MemoryLog();
  declared: SiteId | undefined = 'a';
  fork: bigint | undefined;
  nowMs = 0;
  readonly sync = new SchemaSync({
    schemaPrimary: () => this.declared,
    fork: () => this.fork,
    logs: { a: this.a, b: this.b },
    now: () => new Date(this.nowMs),
  });

  async look(atS = 0): Promise<Watched> {
    this.nowMs = atS * 1000;
    await this.sync.round(new AbortController().signal);
    const view = this.sync.view();
    if (view.kind !== 'watched') throw new Error('nothing is watched');
    return view;
  }
}

const orders = schemaRecord('orders', 1, { id: 1 });

describe('the watch over both logs', () => {
  test('a copy of everything is equal, with equal digests', async () => {
    const bench = new Bench();
    bench.a.append(orders, schemaRecord('orders', 2, { id: 2 }), config(undefined, 'FULL'));
    bench.b.copy(bench.a);
    const view = await bench.look(7);
    expect(view.comparison).toMatchObject({ verdict: 'equal', comparedAt: '1970-01-01T00:00:07.000Z' });
    expect(view.behind).toMatchObject({ records: 0, seconds: 0, basis: 'measured' });
    expect(view.sites.b.digest).toBe(view.sites.a.digest);
    expect(view.sites.a).toMatchObject({ role: 'primary', counts: { versions: 2, ids: 2 } });
  });

  test('what an old primary registered after the cut is listed for as long as its log is no copy', async () => {
    const bench = new Bench();
    bench.a.append(orders);
    bench.b.copy(bench.a).append(schemaRecord('umbra-id-leap', 1, { id: 1001, deleted: true }));
    bench.a.append(schemaRecord('orders', 2, { id: 2 }), config('orders', 'FULL'));
    expect((await bench.look()).lost).toBeUndefined();
    bench.declared = 'b';
    bench.fork = 1n;
    expect((await bench.look()).lost).toMatchObject({
      cut: '1',
      collisions: { total: 0 },
      gaps: { total: 1, first: [{ id: 2, subject: 'orders', version: 2, offset: '1' }] },
      changes: { total: 1 },
    });
    bench.fork = undefined;
    expect((await bench.look()).lost).toBeUndefined();
  });

  test('whatever is written, copied and cleaned between the looks: behind or equal, and equal at the end', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: anyRecord.map((record) => ({ kind: 'write', record }) as const) },
      { weight: 3, arbitrary: fc.nat(5).map((records) => ({ kind: 'copy', records }) as const) },
      { weight: 1, arbitrary: fc.constantFrom({ kind: 'clean' } as const, { kind: 'clean while read' } as const) },
      { weight: 3, arbitrary: fc.constant({ kind: 'look' } as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const bench = new Bench();
        // A deletion may be cleaned only when it is copied: what happens else is shown below.
        const cleaned = (): void => {
          if (bench.b.end === bench.a.end) bench.a.clean();
        };
        for (const each of steps) {
          if (each.kind === 'write') bench.a.append(each.record);
          if (each.kind === 'copy') bench.b.copy(bench.a, min(bench.a.end, bench.b.end + BigInt(each.records)));
          if (each.kind === 'clean') cleaned();
          if (each.kind === 'clean while read') bench.a.betweenLookAndRead = cleaned;
          if (each.kind === 'look') expect((await bench.look()).comparison.verdict).not.toBe('different');
        }
        bench.b.copy(bench.a);
        await bench.look();
        const { comparison, sites } = await bench.look();
        expect(comparison).toMatchObject({ verdict: 'equal', keysBehind: 0 });
        expect(sites.b.digest).toBe(sites.a.digest);
        expect(sites.b.counts).toEqual(sites.a.counts);
      }),
    );
  });

  test('behind is told in records and in seconds since the copy was level', async () => {
    const bench = new Bench();
    bench.a.append(orders);
    bench.b.copy(bench.a);
    await bench.look(10);
    bench.a.append(schemaRecord('orders', 2, { id: 2 }), schemaRecord('orders', 3, { id: 3 }));
    const view = await bench.look(14);
    expect(view.comparison).toMatchObject({ verdict: 'behind', keysBehind: 2, equalAt: '1970-01-01T00:00:10.000Z' });
    expect(view.behind).toMatchObject({ records: 2, seconds: 4, basis: 'measured' });
  });

  test('a primary that is gone: the comparison stays as of then, and the time goes on', async () => {
    const bench = new Bench();
    bench.a.append(orders);
    bench.b.copy(bench.a);
    await bench.look(10);
    bench.a.unreachable = true;
    const view = await bench.look(70);
    expect(view.comparison).toMatchObject({ verdict: 'equal', comparedAt: '1970-01-01T00:00:10.000Z' });
    expect(view.behind).toMatchObject({ seconds: 60, basis: 'stale', asOf: '1970-01-01T00:00:10.000Z' });
    expect(view.sites.a.trouble).toEqual({ message: 'nobody answers', since: '1970-01-01T00:01:10.000Z' });
    expect((await bench.look(80)).sites.a.trouble?.since).toBe('1970-01-01T00:01:10.000Z');
    bench.a.unreachable = false;
    expect((await bench.look(90)).sites.a.trouble).toBeUndefined();
  });

  test('a write at the standby is a difference, and named', async () => {
    const bench = new Bench();
    bench.a.append(orders);
    bench.b.copy(bench.a).append(schemaRecord('mine', 1, { id: 2 }));
    expect((await bench.look()).comparison).toMatchObject({
      verdict: 'different',
      differences: {
        total: 1,
        first: [{ kind: 'extra', explanation: expect.stringMatching(/somebody wrote/) as string }],
      },
    });
    expect((await bench.look()).comparison.differences.first).toMatchObject([
      { label: 'the end of _schemas' },
      { label: 'subject "mine" version 1' },
    ]);
    // The primary goes on, over the same offset with another record.
    bench.a.append(schemaRecord('orders', 2, { id: 2 }), schemaRecord('orders', 3, { id: 3 }));
    bench.b.append(schemaRecord('orders', 3, { id: 3 }));
    await bench.look();
    const { comparison } = await bench.look();
    expect(comparison.verdict).toBe('different');
    expect(comparison.differences.first.map(({ kind, label }) => [kind, label])).toEqual([
      ['extra', 'subject "mine" version 1'],
      ['missing', 'subject "orders" version 2'],
    ]);
  });

  test('a deletion that was cleaned before it was copied is named as a difference', async () => {
    const bench = new Bench();
    bench.a.append(orders, schemaRecord('users', 1, { id: 2 }));
    bench.b.copy(bench.a);
    bench.a.append(tombstone('orders', 1), config(undefined, 'NONE'));
    bench.a.clean();
    await bench.look();
    bench.b.copy(bench.a);
    expect((await bench.look()).comparison).toMatchObject({
      verdict: 'different',
      differences: { first: [{ kind: 'extra', standbyId: 1 }] },
    });
  });

  test('logs that are deleted, made anew, or lose their head are read anew', async () => {
    const bench = new Bench();
    bench.a.append(orders, schemaRecord('orders', 2, { id: 2 }));
    bench.b.copy(bench.a);
    await bench.look();
    for (const log of [bench.a, bench.b]) {
      log.start = 1n;
      log.records = log.records.slice(1);
    }
    expect((await bench.look()).sites.a.counts.versions).toBe(1);
    for (const log of [bench.a, bench.b]) log.exists = false;
    expect(await bench.look()).toMatchObject({
      comparison: { verdict: 'equal' },
      sites: { a: { state: 'absent', counts: { versions: 0 } } },
    });
    bench.a.exists = true;
    bench.a.topicId = 'second';
    expect((await bench.look()).comparison.verdict).toBe('behind');
  });

  test('an end that is lower for one look is waited for; one that stays lower is a lost tail', async () => {
    const bench = new Bench();
    bench.a.append(orders, schemaRecord('orders', 2, { id: 2 }));
    bench.b.copy(bench.a);
    await bench.look();
    bench.a.end = 1n;
    bench.a.records = bench.a.records.slice(0, 1);
    expect(await bench.look()).toMatchObject({ comparison: { verdict: 'equal' }, sites: { a: { state: 'reading' } } });
    expect((await bench.look()).comparison).toMatchObject({
      verdict: 'different',
      differences: { first: [{ explanation: expect.stringContaining('the primary lost records') as string }] },
    });
  });

  test('a topic with several partitions is no log of a registry', async () => {
    const bench = new Bench();
    bench.a.partitions = 3;
    expect((await bench.look()).sites.a.trouble?.message).toMatch(/has 3 partitions/);
    expect((await bench.look()).comparison.verdict).toBe('unknown');
  });

  test('without a declared primary nothing is looked at; a new one turns the comparison round', async () => {
    const bench = new Bench();
    bench.declared = undefined;
    await bench.sync.round(new AbortController().signal);
    expect(bench.sync.view()).toEqual({ kind: 'undeclared' });
    bench.declared = 'b';
    bench.a.append(orders);
    bench.b.copy(bench.a).append(schemaRecord('orders', 2, { id: 2 }));
    expect(await bench.look()).toMatchObject({ primarySite: 'b', comparison: { verdict: 'behind' } });
    bench.declared = 'a';
    expect((await bench.look()).comparison.verdict).toBe('different');
  });
});

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
