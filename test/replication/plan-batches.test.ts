import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../src/kafka/errors.ts';
import { decodeFetch } from '../../src/kafka/fetch-api.ts';
import { type BatchPlan, planBatches } from '../../src/replication/plan-batches.ts';
import { golden, goldenBodyStart, goldenVersions } from '../kafka/golden-frames.ts';
import { anyBytes, damaged, outcomeOf } from '../kafka/hostile.ts';
import { anySizes, attribute, denseRun, makeBatch, wholeOf } from './batches.ts';

function plan(batches: readonly Buffer[], wanted: bigint): BatchPlan {
  const frame = Buffer.concat(batches);
  return planBatches(frame, wholeOf(frame), wanted);
}

/** What is passed on, as `first-last`. */
function passed({ pass }: BatchPlan): string[] {
  return pass.map(({ baseOffset, lastOffset }) => `${baseOffset}-${lastOffset}`);
}

describe('planning the batches of an answer', () => {
  it('passes dense batches on, in order', () => {
    const planned = plan(denseRun(40n, [3, 1, 5]), 40n);
    expect(passed(planned)).toEqual(['40-42', '43-43', '44-48']);
    expect(planned).toMatchObject({ next: 49n, fault: undefined });
  });

  it('passes nothing of an answer without records', () => {
    expect(plan([], 7n)).toEqual({ pass: [], next: 7n, fault: undefined });
  });

  it('skips batches that end below what is wanted', () => {
    expect(plan(denseRun(40n, [3, 2, 5]), 45n)).toMatchObject({ pass: [{ baseOffset: 45n }], next: 50n });
  });

  it('passes what is whole and leaves a tail that the broker cut off', () => {
    const [first, second] = denseRun(40n, [3, 2]);
    for (const kept of [1, 16, 17, 60, second!.length - 1]) {
      expect(plan([first!, second!.subarray(0, kept)], 40n)).toMatchObject({ pass: [{}], next: 43n, fault: undefined });
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
  it.each([
    ['a hole between batches', { baseOffset: 45n, records: 3 }, 'HOLE', 42n],
    ['a hole inside a batch', { ...next, lastOffsetDelta: 6 }, 'HOLE', 42n],
    ['a batch that compaction has emptied', { ...next, records: 0, lastOffsetDelta: 6 }, 'HOLE', 42n],
    ['more records than offsets', { ...next, lastOffsetDelta: 1 }, 'HOLE', 42n],
    [
      'a transaction marker',
      { ...next, attributes: attribute.control | attribute.transactional },
      'CONTROL_BATCH',
      42n,
    ],
    ['transactional records', { ...next, attributes: attribute.transactional }, 'TRANSACTIONAL', 42n],
    ['log append time', { ...next, attributes: attribute.logAppendTime }, 'LOG_APPEND_TIME', 42n],
    ['a batch that begins below what is wanted', { baseOffset: 41n, records: 3 }, 'DIVERGED', 42n],
  ])('stops at %s, after what comes before', (_what, shape, code, offset) => {
    const planned = plan([...before, makeBatch(shape), ...denseRun(50n, [1])], 40n);
    expect(passed(planned)).toEqual(['40-41']);
    expect(planned.next).toBe(42n);
    expect(planned.fault).toMatchObject({ code, offset });
  });

  it.each([0, 1])('stops at a message set of format %i', (magic) => {
    const old = makeBatch(next);
    old.writeInt8(magic, 16);
    const planned = plan([...before, old], 40n);
    expect(passed(planned)).toEqual(['40-41']);
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
        const outcome = outcomeOf(() => planBatches(frame, wholeOf(frame), BigInt(wanted)));
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
        const outcome = outcomeOf(() => planBatches(frame, wholeOf(frame), 7n));
        if (outcome.kind === 'value') checkContiguous(outcome.value, 7n);
      }),
      { numRuns: 1500 },
    );
  });
});

describe.each(goldenVersions)('planning answers of Kafka %s', (version) => {
  const planGolden = (name: string, wanted: bigint): BatchPlan => {
    const frame = golden(version, name);
    return planBatches(frame, decodeFetch(frame, goldenBodyStart).partitions[0]!.records, wanted);
  };

  it('passes the whole batches of an answer that was cut off', () => {
    expect(planGolden('fetch-cut', 0n)).toMatchObject({ pass: [{ baseOffset: 0n }], next: 6n, fault: undefined });
  });

  it('does not cut a batch whose beginning the copy has', () => {
    expect(planGolden('fetch-middle', 6n)).toMatchObject({ next: 20n, fault: undefined });
    expect(planGolden('fetch-middle', 7n)).toMatchObject({ pass: [], fault: { code: 'DIVERGED', offset: 7n } });
  });

  it('stops at transactions and their markers, and passes what comes behind them', () => {
    expect(planGolden('fetch-aborted', 0n)).toMatchObject({ pass: [], fault: { code: 'TRANSACTIONAL', offset: 0n } });
    expect(planGolden('fetch-aborted', 2n)).toMatchObject({ pass: [], fault: { code: 'CONTROL_BATCH', offset: 2n } });
    expect(planGolden('fetch-aborted', 7n)).toMatchObject({ pass: [{ baseOffset: 7n }], next: 8n, fault: undefined });
  });
});

function checkContiguous({ pass, next }: BatchPlan, wanted: bigint): void {
  let at = wanted;
  for (const header of pass) {
    expect(header.baseOffset).toBe(at);
    expect(BigInt(header.records)).toBe(header.lastOffset - header.baseOffset + 1n);
    at = header.lastOffset + 1n;
  }
  expect(next).toBe(at);
}
