import fc from 'fast-check';
import { expect } from 'vitest';
import { type Frame, FramePool } from '../../../src/kafka/frame-pool.ts';
import { Copier } from '../../../src/replication/copier/copier.ts';
import { repackBatch } from '../../../src/replication/batches/repack.ts';
import { attribute, libraryCrc, makeBatch } from '../batches/batches.ts';
import { deliver } from '../streams/deliver.ts';

/** What a copier should be, in the plainest terms, and the two logs around it. */
export interface Model {
  kind: 'resuming' | 'running' | 'faulted' | 'stopped';
  /** A batch in one piece, or one that has to be taken apart first. */
  queue: { readonly base: bigint; readonly records: number; readonly bytes: number; readonly unpacked: boolean }[];
  inFlight: Model['queue'][number] | undefined;
  copiedTo: bigint | undefined;
  fetchOffset: bigint;
  sequence: number;
  /** A fault that waits until everything before it is appended. */
  faultAhead: string | undefined;
  /** The fault that was read last; read again without progress, it is believed. */
  suspected: string | undefined;
  resumesInRow: number;
  damagedInRow: number;
  notBeforeMs: number;
  nowMs: number;
  sourceEnd: bigint;
  /** The target's log: its end, and the sequence that its broker expects next. */
  target: { end: bigint; sequence: number };
}

export interface Real {
  readonly copier: Copier;
  readonly pool: FramePool;
  frameInFlight: Frame | undefined;
  /** An earlier generation, whose answers are void. */
  staleGeneration: number | undefined;
}

export const queueBytesMax = 400;
const damagedMax = 5;
const sequences = 2 ** 31;
const topicId = '0'.repeat(32);

export function setup(sequence: number): { model: Model; real: Real } {
  const model: Model = {
    kind: 'resuming',
    queue: [],
    inFlight: undefined,
    copiedTo: undefined,
    fetchOffset: 0n,
    sequence: 0,
    faultAhead: undefined,
    suspected: undefined,
    resumesInRow: 0,
    damagedInRow: 0,
    notBeforeMs: 0,
    nowMs: 0,
    sourceEnd: 0n,
    target: { end: 0n, sequence },
  };
  const copier = new Copier(
    { topic: 't', partition: 3, sourceTopicId: topicId, targetTopicId: topicId, producerId: 2n ** 52n },
    {
      clock: { monotonicMs: () => model.nowMs, now: () => new Date(0) },
      queueBytesMax,
      gapOffsetsMax: () => 1_000_000n,
      changed: () => undefined,
    },
  );
  return {
    model,
    real: { copier, pool: new FramePool(1 << 24), frameInFlight: undefined, staleGeneration: undefined },
  };
}

/** One thing that can happen; `check` says when it can. */
class Step implements fc.Command<Model, Real> {
  readonly #name: string;
  readonly #when: (model: Model) => boolean;
  readonly #then: (model: Model, real: Real) => void;

  constructor(name: string, when: (model: Model) => boolean, then: (model: Model, real: Real) => void) {
    this.#name = name;
    this.#when = when;
    this.#then = then;
  }

  check(model: Readonly<Model>): boolean {
    return this.#when(model);
  }

  run(model: Model, real: Real): void {
    this.#then(model, real);
    compare(model, real);
  }

  toString(): string {
    return this.#name;
  }
}

const always = (): boolean => true;
const hasInFlight = ({ inFlight }: Model): boolean => inFlight !== undefined;
const wantsFetch = (model: Model): boolean =>
  model.kind === 'running' && model.faultAhead === undefined && queuedBytes(model) < queueBytesMax;
const hasBatch = ({ kind, inFlight, queue }: Model): boolean =>
  kind === 'running' && inFlight === undefined && queue[0]?.unpacked === false;
const hasUnpacked = ({ kind, queue }: Model): boolean => kind === 'running' && queue.some(({ unpacked }) => unpacked);
const mayResume = ({ kind, inFlight, nowMs, notBeforeMs }: Model): boolean =>
  kind === 'resuming' && inFlight === undefined && nowMs >= notBeforeMs;

const step = {
  resume: () =>
    new Step('resume', mayResume, (model, { copier }) => {
      const { end, sequence } = model.target;
      copier.resumed({ logEnd: end, sequence, lastFetchedEpoch: 0 }, copier.generation);
      Object.assign(model, { kind: 'running', copiedTo: end, fetchOffset: end, sequence });
    }),
  resumeLate: () =>
    new Step('resume with an answer to an old question', always, (_model, { copier, staleGeneration }) => {
      if (staleGeneration === undefined || staleGeneration === copier.generation) return;
      copier.resumed({ logEnd: 99_999n, sequence: 5, lastFetchedEpoch: 0 }, staleGeneration);
    }),
  fetch: (sizes: readonly number[], { thenHole, unpackedOnes }: { thenHole: boolean; unpackedOnes: number }) =>
    new Step(
      `fetch ${sizes.join('+')}${thenHole ? ' and a message set of format 1' : ''}`,
      wantsFetch,
      (model, real) => {
        const batches = sizes.map((records, index) => {
          const unpacked = (unpackedOnes & (1 << index)) !== 0;
          const attributes = unpacked ? attribute.logAppendTime : 0;
          const batch = makeBatch({ baseOffset: model.fetchOffset, records, valueBytes: 20, attributes });
          model.queue.push({ base: model.fetchOffset, records, bytes: batch.length, unpacked });
          model.fetchOffset += BigInt(records);
          return batch;
        });
        const old = makeBatch({ baseOffset: model.fetchOffset, records: 1 });
        old.writeInt8(1, 16);
        if (thenHole) batches.push(old);
        model.sourceEnd = model.fetchOffset + (thenHole ? 1n : 0n);
        model.faultAhead = thenHole ? 'OLD_FORMAT' : undefined;
        deliver(real.copier, real.pool, Buffer.concat(batches), model.sourceEnd);
        settle(model);
      },
    ),
  repack: () =>
    new Step('take a batch apart', hasUnpacked, (model, { copier, pool }) => {
      const { header, frame, from } = copier.toRepack!; // `hasUnpacked` says there is one
      const limits = { uncompressedBytesMax: 1 << 20, batchesMax: 10 };
      const part = repackBatch(Buffer.from(frame.bytes.subarray(header.start, header.end)), from, limits);
      const adopted = pool.adopt(part.bytes);
      copier.repacked(adopted, part, copier.generation);
      adopted.release();
      const index = model.queue.findIndex(({ unpacked }) => unpacked);
      const waiting = model.queue[index]!;
      expect(waiting.base).toBe(header.baseOffset);
      model.queue[index] = { ...waiting, bytes: part.bytes.length, unpacked: false };
    }),
  repackLate: () =>
    new Step('take a batch apart of before an interruption', always, (_model, { copier, pool, staleGeneration }) => {
      if (staleGeneration === undefined || staleGeneration === copier.generation) return;
      const adopted = pool.adopt(Buffer.alloc(10));
      copier.repacked(adopted, { items: [{ kind: 'gap', from: 0n, count: 9n }], next: 9n }, staleGeneration);
      copier.cannotRepack({ code: 'BATCH_TOO_LARGE', message: 'late' }, staleGeneration);
      adopted.release();
    }),
  cannotRepack: () =>
    new Step('find a batch too large to be taken apart', hasUnpacked, (model, real) => {
      remember(real);
      real.copier.cannotRepack({ code: 'BATCH_TOO_LARGE', message: 'by the test' }, real.copier.generation);
      model.queue.splice(model.queue.findIndex(({ unpacked }) => unpacked));
      model.faultAhead = 'BATCH_TOO_LARGE';
      settle(model);
    }),
  fetchNonsense: () =>
    new Step('fetch damaged bytes', wantsFetch, (model, real) => {
      expect(() => deliver(real.copier, real.pool, Buffer.alloc(40, 0xff), model.sourceEnd)).toThrow('malformed');
      damage(model, real);
    }),
  take: () =>
    new Step('take', hasBatch, (model, real) => {
      const batch = model.queue.shift()!; // `hasBatch` says there is one
      const { batch: stamped, frame } = real.copier.takeBatch();
      Object.assign(model, { inFlight: batch });
      real.frameInFlight = frame;
      expect(stamped).toHaveLength(batch.bytes);
      expect([stamped.readBigInt64BE(0), stamped.readBigInt64BE(43), stamped.readInt16BE(51)]).toEqual([
        0n,
        2n ** 52n,
        0,
      ]);
      expect([stamped.readInt32BE(53), stamped.readInt32BE(57)]).toEqual([model.sequence, batch.records]);
      expect(stamped.toString()).toContain(`key ${batch.base}`); // its first record, made for that offset
      expect(stamped.readUInt32BE(17)).toBe(libraryCrc(stamped.subarray(21)));
    }),
  takeWrongly: () =>
    new Step(
      'take when nothing may be taken',
      (model) => !hasBatch(model),
      (_model, { copier }) => {
        expect(() => copier.takeBatch()).toThrow('no batch may be taken');
      },
    ),
  append: () =>
    new Step('append', hasInFlight, (model, real) => {
      const { base, records } = model.inFlight!; // `hasInFlight` says there is one
      const at = appendToTarget(model);
      land(model, real, () => real.copier.appended(at));
      if (at !== base) fault(model);
      else if (model.kind === 'running') {
        model.copiedTo = base + BigInt(records);
        model.sequence = (model.sequence + records) % sequences;
        Object.assign(model, { damagedInRow: 0, resumesInRow: 0, suspected: undefined });
        settle(model);
      }
    }),
  appendElsewhere: (by: bigint) =>
    new Step(`append ${by} away from its place`, hasInFlight, (model, real) => {
      const at = model.inFlight!.base + by;
      land(model, real, () => real.copier.appended(at));
      fault(model);
    }),
  loseAnswer: (applied: boolean, thenMs: number) =>
    new Step(`lose the answer, ${applied ? 'appended' : 'not appended'}`, hasInFlight, (model, real) => {
      if (applied) appendToTarget(model);
      land(model, real, () => real.copier.appendUnknown());
      remember(real);
      real.copier.interrupt('lost', thenMs);
      interrupt(model, thenMs);
    }),
  refuse: () =>
    new Step('refuse for damage', hasInFlight, (model, real) => {
      land(model, real, () => real.copier.appendUnknown());
      damage(model, real);
    }),
  damage: () => new Step('damage', always, (model, real) => damage(model, real)),
  interrupt: (delayMs: number) =>
    new Step(`interrupt for ${delayMs} ms`, always, (model, real) => {
      remember(real);
      real.copier.interrupt('moved', delayMs);
      interrupt(model, delayMs);
    }),
  fault: () =>
    new Step('fault', always, (model, real) => {
      real.copier.fault({ code: 'DIVERGED', message: 'by the test' });
      fault(model);
    }),
  suspect: () =>
    new Step('suspect', always, (model, real) => {
      remember(real);
      real.copier.suspect({ code: 'SOURCE_TRUNCATED', message: 'by the test' });
      suspect(model, 'SOURCE_TRUNCATED');
    }),
  stop: () =>
    new Step('stop', always, (model, real) => {
      real.copier.stop();
      Object.assign(model, { kind: 'stopped', queue: [] });
    }),
  wait: (ms: number) => new Step(`wait ${ms} ms`, always, (model) => void (model.nowMs += ms)),
};

/** Mostly copying; interruptions are common, ends are rare, so that runs are long. */
export const steps = fc.commands<Model, Real>(
  [
    fc.constant(step.resume()),
    fc.constant(step.resume()),
    fc.constant(step.resumeLate()),
    fc
      .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }), fc.nat(15), fc.nat(15), fc.boolean())
      .map(([sizes, luck, ones, pass]) => step.fetch(sizes, { thenHole: luck === 0, unpackedOnes: pass ? 0 : ones })),
    fc.constant(step.repack()),
    fc.constant(step.repack()),
    fc.constant(step.repackLate()),
    fc.constant(step.fetchNonsense()),
    fc.constant(step.take()),
    fc.constant(step.take()),
    fc.constant(step.takeWrongly()),
    fc.constant(step.append()),
    fc.constant(step.append()),
    fc
      .nat(20)
      .map((luck) => (luck === 0 ? step.appendElsewhere(1n) : luck === 1 ? step.appendElsewhere(-1n) : step.append())),
    fc.tuple(fc.boolean(), fc.nat(50)).map(([applied, ms]) => step.loseAnswer(applied, ms)),
    fc.constant(step.refuse()),
    fc.nat(60).map((delayMs) => step.interrupt(delayMs)),
    fc.nat(400).map((ms) => step.wait(ms)),
    fc
      .nat(30)
      .map((luck) =>
        luck === 0
          ? step.stop()
          : luck === 1
            ? step.fault()
            : luck === 2
              ? step.damage()
              : luck === 3
                ? step.cannotRepack()
                : luck < 6
                  ? step.suspect()
                  : step.wait(20),
      ),
  ],
  { maxCommands: 80, size: 'max' },
);

/** Whatever happened: after the end, and when the last answer is in, no memory is held. */
export function end(model: Model, real: Real): void {
  real.copier.stop();
  if (model.inFlight !== undefined) land(model, real, () => real.copier.appendUnknown());
  expect(real.pool.heldBytes).toBe(0);
  expect(real.copier.hasBatch).toBe(false);
}

function compare(model: Model, { copier, pool, frameInFlight }: Real): void {
  const running = model.kind === 'running';
  expect(running ? ['copying', 'waiting'] : [model.kind]).toContain(copier.state.kind);
  expect(copier.copiedTo).toBe(model.copiedTo);
  if (model.copiedTo !== undefined) expect(model.copiedTo <= model.target.end).toBe(true);
  expect(copier.hasBatch).toBe(hasBatch(model));
  expect(copier.wantsFetch).toBe(wantsFetch(model));
  expect(copier.mayResume(model.nowMs)).toBe(mayResume(model));
  const [first] = model.queue;
  expect(copier.nextBatchBytes).toBe(first?.unpacked === false ? first.bytes : 0);
  expect(copier.toRepack !== undefined).toBe(hasUnpacked(model));
  if (running) expect(copier.fetchOffset).toBe(model.fetchOffset);
  if (copier.state.kind === 'waiting') {
    expect([model.queue.length, model.inFlight, copier.lag().records]).toEqual([0, undefined, 0n]);
  }
  if (model.queue.length === 0 && frameInFlight === undefined) expect(pool.heldBytes).toBe(0);
}

function land(model: Model, real: Real, tell: () => void): void {
  real.frameInFlight?.release();
  real.frameInFlight = undefined;
  model.inFlight = undefined;
  tell();
}

/** The target's broker appends what is in flight, wherever its log ends. */
function appendToTarget(model: Model): bigint {
  const { records } = model.inFlight!; // callers check
  const at = model.target.end;
  model.target = { end: at + BigInt(records), sequence: (model.target.sequence + records) % sequences };
  return at;
}

function damage(model: Model, real: Real): void {
  remember(real);
  real.copier.damaged('bytes');
  model.damagedInRow += 1;
  if (model.damagedInRow > damagedMax) fault(model);
  else interrupt(model, delayAfter(model.damagedInRow));
}

function remember(real: Real): void {
  real.staleGeneration = real.copier.generation;
}

function interrupt(model: Model, delayMs: number): void {
  if (model.kind !== 'running' && model.kind !== 'resuming') return;
  const notBeforeMs = model.nowMs + delayMs;
  const resumesInRow = model.resumesInRow + 1;
  Object.assign(model, { kind: 'resuming', queue: [], faultAhead: undefined, notBeforeMs, resumesInRow });
}

function suspect(model: Model, code: string): void {
  if (model.suspected === code) fault(model);
  else interrupt(model, delayAfter(model.resumesInRow));
  model.suspected = code;
}

function delayAfter(failures: number): number {
  return Math.min(50 * 2 ** failures, 5000);
}

function fault(model: Model): void {
  if (model.kind !== 'stopped') Object.assign(model, { kind: 'faulted', queue: [] });
}

function settle(model: Model): void {
  const drained = model.queue.length === 0 && model.inFlight === undefined;
  if (model.kind !== 'running' || !drained) return;
  if (model.faultAhead !== undefined) suspect(model, model.faultAhead);
  else if ((model.copiedTo ?? 0n) >= model.sourceEnd) model.resumesInRow = 0;
}

function queuedBytes({ queue, inFlight }: Model): number {
  return queue.reduce((sum, { bytes }) => sum + bytes, inFlight?.bytes ?? 0);
}
