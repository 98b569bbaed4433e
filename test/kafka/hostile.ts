import fc from 'fast-check';
import { MalformedError } from '../../src/kafka/errors.ts';

type Change = (bytes: Buffer) => Buffer;

export type Outcome<T> = { readonly kind: 'value'; readonly value: T } | { readonly kind: 'malformed' };

/** What a decoder made of bytes. Anything but a value or a {@link MalformedError} fails the test. */
export function outcomeOf<T>(decode: () => T): Outcome<T> {
  try {
    return { kind: 'value', value: decode() };
  } catch (error) {
    if (error instanceof MalformedError) return { kind: 'malformed' };
    throw error;
  }
}

/** Varints and integers that mean "negative", "huge" or "never ends" somewhere in an answer. */
const nastyHex = [
  'ffffffff0f',
  'ffffffff07',
  'f2ffffff0f',
  '8080808080808080',
  '7fffffff',
  '80000000',
  'ffffffff',
  '00',
];
const nasty = fc.constantFrom(...nastyHex.map((hex) => Buffer.from(hex, 'hex')));

/** A frame with one to three changes from byte `from` on: bits flipped, bytes overwritten, bytes put in, a tail cut. */
export function damaged(frame: Buffer, from = 0): fc.Arbitrary<Buffer> {
  const place = fc.integer({ min: from, max: frame.length - 1 });
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ at: place, bit: fc.nat({ max: 7 }) }).map(({ at, bit }): Change => (bytes) => {
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      return bytes;
    }),
    fc.record({ at: place, bytes: nasty }).map(({ at, bytes: patch }): Change => (bytes) => {
      patch.copy(bytes, Math.min(at, bytes.length));
      return bytes;
    }),
    fc.record({ at: place, bytes: nasty }).map(
      ({ at, bytes: patch }): Change =>
        (bytes) =>
          Buffer.concat([bytes.subarray(0, at), patch, bytes.subarray(at)]),
    ),
    place.map(
      (at): Change =>
        (bytes) =>
          bytes.subarray(0, at),
    ),
  );
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce<Buffer>((bytes, next) => next(bytes), Buffer.from(frame)));
}

export const anyBytes = fc.uint8Array({ maxLength: 400, size: 'max' }).map((bytes) => Buffer.from(bytes));

/** Every proper beginning of a frame. */
export function* truncations(frame: Buffer, from = 0): Generator<Buffer> {
  for (let length = from; length < frame.length; length++) yield frame.subarray(0, length);
}

/** The frame with each single bit flipped. */
export function* singleFlips(frame: Buffer, from = 0): Generator<Buffer> {
  for (let bit = from * 8; bit < frame.length * 8; bit++) {
    const flipped = Buffer.from(frame);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield flipped;
  }
}
