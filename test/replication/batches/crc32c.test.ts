import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, patchCrc32c } from '../../../src/replication/batches/crc32c.ts';
import { libraryCrc } from './batches.ts';

const anyBuffer = fc.uint8Array({ maxLength: 2000, size: 'max' });

describe('crc32c', () => {
  // The check value of the CRC catalogue, and examples of RFC 3720 B.4.
  it.each([
    ['the digits 1 to 9', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
    ['nothing', Buffer.alloc(0), 0],
  ])('of %s is the published value', (_what, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('is what the library computes', () => {
    fc.assert(
      fc.property(anyBuffer, (bytes) => {
        expect(crc32c(bytes)).toBe(libraryCrc(bytes));
      }),
    );
  });

  it('does not depend on where the bytes lie in memory', () => {
    fc.assert(
      fc.property(anyBuffer, fc.nat(9), (bytes, skew) => {
        const memory = new Uint8Array(bytes.length + skew);
        memory.set(bytes, skew);
        expect(crc32c(memory.subarray(skew))).toBe(libraryCrc(bytes));
      }),
    );
  });
});

describe('patchCrc32c', () => {
  it('gives the checksum of the changed bytes, wherever they stand', () => {
    const change = fc.tuple(anyBuffer, fc.nat(), fc.uint8Array({ maxLength: 60 })).map(([bytes, place, patch]) => {
      const at = place % (bytes.length + 1);
      return { bytes, at, patch: patch.subarray(0, bytes.length - at) };
    });
    fc.assert(
      fc.property(change, ({ bytes, at, patch }) => {
        const changed = Buffer.from(bytes);
        changed.set(patch, at);
        const before = bytes.subarray(at, at + patch.length);
        const behind = bytes.length - at - patch.length;
        expect(patchCrc32c(libraryCrc(bytes), before, patch, behind)).toBe(libraryCrc(changed));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([0, 1, 65_536, 1_000_003])('counts %i bytes behind the change', (behind) => {
    const bytes = Buffer.alloc(10 + behind, 0x5a);
    const changed = Buffer.from(bytes);
    changed.writeBigInt64BE(2n ** 52n, 1);
    const patched = patchCrc32c(libraryCrc(bytes), bytes.subarray(0, 10), changed.subarray(0, 10), behind);
    expect(patched).toBe(libraryCrc(changed));
  });

  it('keeps a checksum that was wrong, wrong', () => {
    fc.assert(
      fc.property(anyBuffer, fc.integer({ min: 1, max: 2 ** 32 - 1 }), (bytes, error) => {
        const wrong = (libraryCrc(bytes) ^ error) >>> 0;
        const patch = Uint8Array.from(bytes.subarray(0, 40), (byte) => byte ^ 0x11);
        const changed = Buffer.concat([patch, bytes.subarray(patch.length)]);
        const patched = patchCrc32c(wrong, bytes.subarray(0, patch.length), patch, bytes.length - patch.length);
        expect(patched).toBe((libraryCrc(changed) ^ error) >>> 0);
      }),
    );
  });
});
