import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/kafka/errors.ts';
import { type AbortedTransaction, decodeFetch } from '../../../src/kafka/fetch-api.ts';
import { type BatchPlan, planBatches } from '../../../src/replication/copier/plan-batches.ts';
import { golden, goldenBodyStart, goldenVersions } from '../../kafka/golden-frames.ts';
import { anyBytes, damaged, outcomeOf } from '../../kafka/hostile.ts';
import { anySizes, attribute, denseRun, makeBatch, wholeOf } from '../batches/batches.ts';

interface Given {
  readonly aborted?: readonly AbortedTransaction[];
  readonly holesSeen?: ReadonlyMap<bigint, bigint>;
  readonly gapOffsetsMax?: bigint;
}

function planFrame(
  frame: Buffer,
  records: { start: number; end: number },
  wanted: bigint,
  given: Given = {},
): BatchPlan {
  const { aborted = [], holesSeen = new Map(), gapOffsetsMax = 1000n } = given;
  return planBatches({ frame, records, aborted, wanted, gapOffsetsMax, holesSeen });
}

function plan(batches: readonly Buffer[], wanted: bigint, given: Given = {}): BatchPlan {
  const frame = Buffer.concat(batches);
  return planFrame(frame, wholeOf(frame), wanted, given);
}

/** What becomes of the batches, as `pass 40-42`, `gap 43-43`, `repack 44-48`. */
function items({ items: planned }: BatchPlan): string[] {
  return planned.map((item) => {
    if (item.kind === 'gap') return `gap ${item.from}-${item.from + item.count - 1n}`;
    return `${item.kind} ${item.kind === 'repack' ? item.from : item.header.baseOffset}-${item.header.lastOffset}`;
  });
}

describe('planning the batches of an answer', () => {
  it('passes dense batches on, in order', () => {
    const planned = plan(denseRun(40n, [3, 1, 5]), 40n);
    expect(items(planned)).toEqual(['pass 40-42', 'pass 43-43', 'pass 44-48']);
    expect(planned).toMatchObject({ next: 49n, fault: undefined });
  });

  it('passes nothing of an answer without records', () => {
    expect(plan([], 7n)).toMatchObject({ items: [], next: 7n, fault: undefined });
  });

  it('skips batches that end below what is wanted', () => {
    expect(plan(denseRun(40n, [3, 2, 5]), 45n)).toMatchObject({
      items: [{ kind: 'pass', header: { baseOffset: 45n } }],
      next: 50n,
    });
  });

  it('passes what is whole and leaves a tail that the broker cut off', () => {
    const [first, second] = denseRun(40n, [3, 2]);
    for (const kept of [1, 16, 17, 60, second!.length - 1]) {
      expect(plan([first!, second!.subarray(0, kept)], 40n)).toMatchObject({
        items: [{ kind: 'pass' }],
        next: 43n,
        fault: undefined,
      });
    }
  });

  // Brokers send the first batch whole and begin with the one that holds the offset: asked again, they would send the
  // same bytes, for ever. Damage in a length or an offset looks like this.
  it('refuses records without any whole batch that reaches what is wanted', () => {
    const [batch] = denseRun(40n, [3]);
    expect(() => plan([batch!], 43n)).toThrow(MalformedError);
    expect(() => plan([batch!.subarray(0, 10)], 40n)).toThrow(MalformedError);
    batch!.writeInt32BE(1 << 30, 8);
    expect(() => plan([batch!], 40n)).toThrow(MalformedError);
  });

  const before = denseRun(40n, [2]);
  const next = { baseOffset: 42n, records: 3 };
  const holesSeen = new Map([
    [42n, 45n],
    [45n, 50n],
    [48n, 50n],
    [49n, 50n],
  ]);
  it.each([
    ['a hole between batches', { baseOffset: 45n, records: 3 }, ['gap 42-44', 'pass 45-47', 'gap 48-49']],
    ['a hole inside a batch', { ...next, lastOffsetDelta: 6 }, ['repack 42-48', 'gap 49-49']],
    ['a batch that compaction has emptied', { ...next, records: 0, lastOffsetDelta: 6 }, ['gap 42-49']],
    ['a marker', { ...next, records: 1, attributes: attribute.control | attribute.transactional }, ['gap 42-49']],
    ['committed records', { ...next, attributes: attribute.transactional }, ['pass 42-44', 'gap 45-49']],
    ['log append time', { ...next, attributes: attribute.logAppendTime }, ['repack 42-44', 'gap 45-49']],
    ['a batch that begins below what is wanted', { baseOffset: 41n, records: 4 }, ['repack 42-44', 'gap 45-49']],
  ])('finds a way for %s, when every hole was seen before', (_what, shape, expected) => {
    const seen = new Map([...holesSeen, [43n, 50n]] as const);
    const planned = plan([...before, makeBatch(shape), ...denseRun(50n, [1])], 40n, { holesSeen: seen });
    expect(items(planned)).toEqual(['pass 40-41', ...expected, 'pass 50-50']);
    expect(planned).toMatchObject({ next: 51n, fault: undefined });
  });

  it('ends before a hole that no earlier answer showed, and tells it', () => {
    const planned = plan([...before, ...denseRun(45n, [3]), ...denseRun(60n, [1])], 40n);
    expect(items(planned)).toEqual(['pass 40-41']);
    expect(planned).toMatchObject({ next: 42n, fault: undefined });
    expect([...planned.holes]).toEqual([
      [42n, 45n],
      [48n, 60n],
    ]);
    const again = plan([...denseRun(45n, [3]), ...denseRun(60n, [1])], 42n, { holesSeen: planned.holes });
    expect(items(again)).toEqual(['gap 42-44', 'pass 45-47', 'gap 48-59', 'pass 60-60']);
  });

  it('asks before it fills a hole over the bound, and names the price', () => {
    const planned = plan([...before, ...denseRun(2000n, [1])], 40n, { holesSeen: new Map([[42n, 2000n]]) });
    expect(items(planned)).toEqual(['pass 40-41']);
    expect(planned).toMatchObject({ next: 42n, fault: { code: 'GAP_TOO_LARGE', offset: 42n } });
    expect(planned.fault?.message).toContain('1958 markers');
  });

  it('knows the highest producer id, also of what is dropped; not of links, nor of damaged batches', () => {
    const shapes = [
      { producerId: 7n },
      { producerId: 5_000n, attributes: attribute.transactional },
      { producerId: 5_001n, attributes: attribute.transactional | attribute.control },
      { producerId: -1n },
      { producerId: 2n ** 52n },
    ];
    const batches = shapes.map((shape, index) => makeBatch({ baseOffset: 10n + BigInt(index), records: 1, ...shape }));
    const aborted = [{ producerId: 5_000n, firstOffset: 11n }];
    expect(plan(batches.slice(0, 1), 10n).highestProducerId).toBe(7n);
    expect(plan(batches.slice(3), 13n).highestProducerId).toBeUndefined();
    const frame = Buffer.concat(batches);
    const input = { frame, records: wholeOf(frame), aborted, gapOffsetsMax: 1000n, holesSeen: new Map() };
    expect(planBatches({ ...input, wanted: 10n }).highestProducerId).toBe(5_001n);
    expect(planBatches({ ...input, wanted: 10n, highestProducerId: 6_000n }).highestProducerId).toBe(6_000n);
    const [damaged] = [makeBatch({ baseOffset: 10n, records: 1, producerId: 7n })];
    damaged.writeUInt8(damaged.readUInt8(44) ^ 8, 44);
    expect(plan([damaged], 10n).highestProducerId).toBeUndefined();
  });

  it('drops the records of an aborted transaction up to its marker, and passes those of the next one', () => {
    const data = { records: 2, attributes: attribute.transactional, producerId: 7n };
    const marker = { records: 1, attributes: attribute.transactional | attribute.control, producerId: 7n };
    const other = { ...data, producerId: 8n };
    const shapes = [data, other, marker, data, { ...marker, producerId: 8n }];
    let at = 10n;
    const batches = shapes.map((shape) => {
      const batch = makeBatch({ baseOffset: at, ...shape });
      at += BigInt(shape.records);
      return batch;
    });
    const aborted = [{ producerId: 7n, firstOffset: 10n }];
    expect(items(plan(batches, 10n, { aborted }))).toEqual([
      'gap 10-11',
      'pass 12-13',
      'gap 14-14',
      'pass 15-16',
      'gap 17-17',
    ]);
  });

  it('refuses to drop or take apart what was damaged on the way', () => {
    for (const attributes of [attribute.control | attribute.transactional, attribute.logAppendTime]) {
      const batch = makeBatch({ ...next, attributes });
      batch.writeUInt8(batch.readUInt8(batch.length - 1) ^ 1, batch.length - 1);
      expect(() => plan([batch], 42n)).toThrow(MalformedError);
    }
  });

  it.each([0, 1])('stops at a message set of format %i', (magic) => {
    const old = makeBatch(next);
    old.writeInt8(magic, 16);
    const planned = plan([...before, old], 40n);
    expect(items(planned)).toEqual(['pass 40-41']);
    expect(planned.fault).toMatchObject({ code: 'OLD_FORMAT', offset: 42n });
  });

  it('does not take a delete horizon or an unknown attribute for a reason to stop', () => {
    const planned = plan([makeBatch({ ...next, attributes: attribute.deleteHorizon | 0x100 })], 42n);
    expect(planned).toMatchObject({ next: 45n, fault: undefined });
  });

  it('passes batches without a gap from what is wanted to what is next, whatever the log holds', () => {
    const shape = fc.record({
      gap: fc.constantFrom(0n, 0n, 0n, 0n, 1n, -1n),
      records: fc.integer({ min: 0, max: 5 }),
      extraDelta: fc.constantFrom(0, 0, 0, 0, 2),
      attributes: fc.constantFrom(0, 0, 0, 0, 0x40, 0x08, 0x10, 0x30),
    });
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 8 }), fc.nat(12), fc.nat(200), (shapes, wanted, cut) => {
        let at = 5n;
        const batches = shapes.map(({ gap, records, extraDelta, attributes }) => {
          const baseOffset = at + gap < 0n ? 0n : at + gap;
          const lastOffsetDelta = Math.max(0, records - 1 + extraDelta);
          at = baseOffset + BigInt(lastOffsetDelta) + 1n;
          return makeBatch({ baseOffset, records, lastOffsetDelta, attributes });
        });
        const whole = Buffer.concat(batches);
        const frame = whole.subarray(0, Math.max(batches[0]?.length ?? 0, whole.length - cut));
        const outcome = outcomeOf(() => planFrame(frame, wholeOf(frame), BigInt(wanted)));
        if (outcome.kind === 'value') checkContiguous(outcome.value, BigInt(wanted));
      }),
      { numRuns: 500 },
    );
  });

  it('passes batches without a gap or refuses, whatever the bytes', () => {
    const run = anySizes.map((sizes) => Buffer.concat(denseRun(7n, sizes)));
    const frames = fc.oneof({ weight: 4, arbitrary: run.chain((frame) => damaged(frame)) }, anyBytes);
    fc.assert(
      fc.property(frames, (frame) => {
        const outcome = outcomeOf(() => planFrame(frame, wholeOf(frame), 7n));
        if (outcome.kind === 'value') checkContiguous(outcome.value, 7n);
      }),
      { numRuns: 1500 },
    );
  });
});

describe.each(goldenVersions)('planning answers of Kafka %s', (version) => {
  const planGolden = (name: string, wanted: bigint): BatchPlan => {
    const frame = golden(version, name);
    const [partition] = decodeFetch(frame, goldenBodyStart).partitions;
    return planFrame(frame, partition!.records, wanted, { aborted: partition!.abortedTransactions });
  };

  it('passes the whole batches of an answer that was cut off', () => {
    const planned = planGolden('fetch-cut', 0n);
    expect(planned).toMatchObject({
      items: [{ kind: 'pass', header: { baseOffset: 0n } }],
      next: 6n,
      fault: undefined,
    });
  });

  it('takes a batch apart whose beginning the copy has', () => {
    expect(planGolden('fetch-middle', 6n)).toMatchObject({ next: 20n, fault: undefined });
    expect(items(planGolden('fetch-middle', 7n))[0]).toMatch(/^repack 7-/);
  });

  it('drops aborted records and markers, and passes what was committed', () => {
    const planned = planGolden('fetch-aborted', 0n);
    expect(planned).toMatchObject({ next: 8n, fault: undefined });
    expect(items(planned).filter((item) => item.startsWith('pass'))).toContain('pass 7-7');
    expect(items(planned).some((item) => item.startsWith('gap'))).toBe(true);
  });
});

function checkContiguous(planned: BatchPlan, wanted: bigint): void {
  let at = wanted;
  for (const item of planned.items) {
    if (item.kind === 'gap') {
      expect(item.from).toBe(at);
      at += item.count;
      continue;
    }
    const { header } = item;
    expect(item.kind === 'pass' ? header.baseOffset : item.from).toBe(at);
    if (item.kind === 'pass') expect(BigInt(header.records)).toBe(header.lastOffset - header.baseOffset + 1n);
    at = header.lastOffset + 1n;
  }
  expect(planned.next).toBe(at);
}
