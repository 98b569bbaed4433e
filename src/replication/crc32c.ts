/**
 * CRC-32C by combination. A batch's checksum covers everything after it; we change a few header bytes and leave the
 * payload alone. The CRC is linear over XOR, so
 *
 *   crc(new) = crc(old) XOR shift( crc0(old bytes XOR new bytes), number of bytes that follow )
 *
 * where crc0 starts from 0 without final inversion and shift multiplies by x^(8n) modulo the Castagnoli polynomial.
 * The payload is never read, and a bit that was flipped on the way is still caught by the target's broker, because the
 * source's checksum travels on (protocol.md, speed facts).
 */
const polynomial = 0x82f63b78; // reflected

const byteTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ polynomial;
  return value >>> 0;
});

/** Product of two polynomials modulo the Castagnoli polynomial, both reflected (bit 31 is x^0). */
function multiply(left: number, right: number): number {
  let product = 0;
  let factor = left;
  for (let bit = 31; bit >= 0; bit--) {
    if (((right >>> bit) & 1) !== 0) product ^= factor;
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ polynomial;
  }
  return product >>> 0;
}

/** x^(8 * 2^k) for k = 0..31: squares of each other, starting from x^8. */
const powers = ((): Uint32Array => {
  const table = new Uint32Array(32);
  let power = 0x0080_0000; // x^8 reflected
  for (let index = 0; index < 32; index++) {
    table[index] = power;
    power = multiply(power, power);
  }
  return table;
})();

/** Appends `byteCount` zero bytes to the message whose raw remainder is `crc`. */
function shift(crc: number, byteCount: number): number {
  let shifted = crc;
  for (let index = 0, rest = byteCount; rest > 0; index++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shifted = multiply(shifted, powers[index] ?? 0);
  }
  return shifted;
}

/** CRC-32C of bytes, the ordinary way. For small inputs and tests. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (byteTable[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffff_ffff) >>> 0;
}

/**
 * The checksum after the bytes `before` were replaced by `after` (same length), with `bytesBehind` unchanged bytes
 * following them inside the checksummed range.
 */
export function patchCrc32c(crc: number, before: Uint8Array, after: Uint8Array, bytesBehind: number): number {
  let difference = 0;
  for (let index = 0; index < before.length; index++) {
    const byte = (before[index] ?? 0) ^ (after[index] ?? 0);
    difference = (difference >>> 8) ^ (byteTable[(difference ^ byte) & 0xff] ?? 0);
  }
  return (crc ^ shift(difference >>> 0, bytesBehind)) >>> 0;
}
