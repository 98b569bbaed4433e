import { Reader, Writer } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../src/kafka/errors.ts';
import { WireReader } from '../../src/kafka/wire-reader.ts';
import { WireWriter } from '../../src/kafka/wire-writer.ts';
import { anyBytes, outcomeOf } from './hostile.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.string({ unit: 'grapheme', maxLength: 200 });

describe('WireReader', () => {
  it('reads what the library writes', () => {
    fc.assert(
      fc.property(int32, int64, text, fc.nat(), (number, large, string, unsigned) => {
        const bytes = Writer.create()
          .appendInt8(number % 128)
          .appendInt16(number % 32768)
          .appendInt32(number)
          .appendInt64(large)
          .appendUUID('00112233-4455-6677-8899-aabbccddeeff')
          .appendString(string)
          .appendString(null)
          .appendUnsignedVarInt(unsigned)
          .appendVarInt(number)
          .appendVarInt64(large % 2n ** 31n).buffer; // its zigzag of larger numbers is wrong
        const reader = new WireReader(bytes);
        expect(reader.int8()).toBe(number % 128 || 0); // not -0
        expect(reader.int16()).toBe(number % 32768 || 0);
        expect(reader.int32()).toBe(number);
        expect(reader.int64()).toBe(large);
        expect(reader.uuid()).toBe('00112233445566778899aabbccddeeff');
        expect(reader.compactString()).toBe(string);
        expect(reader.compactNullableString()).toBeUndefined();
        expect(reader.unsignedVarint()).toBe(unsigned);
        expect(reader.varint()).toBe(number);
        expect(reader.varlong()).toBe(large % 2n ** 31n);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  // Zigzag: the largest and smallest of 32 and 64 bits, worked out by hand.
  it.each([
    ['feffffff0f', 2_147_483_647],
    ['ffffffff0f', -2_147_483_648],
    ['01', -1],
    ['02', 1],
  ])('reads the varint %s as %i', (hex, expected) => {
    expect(new WireReader(Buffer.from(hex, 'hex')).varint()).toBe(expected);
  });

  it.each([
    ['feffffffffffffffff01', 2n ** 63n - 1n],
    ['ffffffffffffffffff01', -(2n ** 63n)],
  ])('reads the varlong %s as %i', (hex, expected) => {
    expect(new WireReader(Buffer.from(hex, 'hex')).varlong()).toBe(expected);
  });

  it.each([
    ['an unsigned varint of six bytes', '808080808001', (reader: WireReader) => reader.unsignedVarint()],
    ['an unsigned varint over 32 bits', 'ffffffff7f', (reader: WireReader) => reader.unsignedVarint()],
    ['a varlong of eleven bytes', '8080808080808080808001', (reader: WireReader) => reader.varlong()],
    ['a varlong over 64 bits', 'ffffffffffffffffff7f', (reader: WireReader) => reader.varlong()],
    ['a string that is null', '00', (reader: WireReader) => reader.compactString()],
    ['a string longer than the frame', '0561', (reader: WireReader) => reader.compactString()],
    ['a count beyond the bytes', 'ffffffff0f', (reader: WireReader) => reader.compactArray(() => 0)],
    ['tagged fields beyond the bytes', 'ffffffff0f', (reader: WireReader) => reader.taggedFields()],
    ['a tagged field beyond the bytes', '010005aa', (reader: WireReader) => reader.taggedFields()],
    ['a step backwards', 'aabb', (reader: WireReader) => reader.skip(-1)],
  ])('refuses %s', (_what, hex, read) => {
    expect(() => read(new WireReader(Buffer.from(hex, 'hex')))).toThrow(MalformedError);
  });

  it('does not let a tagged field be read past its end', () => {
    const bytes = Buffer.from('010004aabbccddeeff00112233', 'hex');
    const past = (): void => new WireReader(bytes).taggedFields((_tag, field) => field.int64());
    expect(past).toThrow(MalformedError);
  });

  it('never reads outside its range, whatever it is asked for and whatever the bytes', () => {
    const reads = fc.array(fc.constantFrom(...readNames), { maxLength: 30 });
    fc.assert(
      fc.property(anyBytes, fc.nat(20), reads, (bytes, start, names) => {
        const from = Math.min(start, bytes.length);
        const end = bytes.length - Math.min(start, bytes.length - from);
        const reader = new WireReader(bytes, from, end);
        for (const name of names) {
          const before = reader.position;
          if (outcomeOf(() => readsByName[name](reader)).kind === 'malformed') break;
          expect(reader.position).toBeGreaterThan(before);
          expect(reader.position).toBeLessThanOrEqual(end);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

const readsByName = {
  int8: (reader: WireReader): unknown => reader.int8(),
  int16: (reader: WireReader): unknown => reader.int16(),
  int32: (reader: WireReader): unknown => reader.int32(),
  int64: (reader: WireReader): unknown => reader.int64(),
  uuid: (reader: WireReader): unknown => reader.uuid(),
  varint: (reader: WireReader): unknown => reader.varint(),
  varlong: (reader: WireReader): unknown => reader.varlong(),
  string: (reader: WireReader): unknown => reader.compactNullableString(),
  bytes: (reader: WireReader): unknown => reader.compactNullableBytes(),
  array: (reader: WireReader): unknown => reader.compactArray((entry) => entry.compactNullableString()),
  tags: (reader: WireReader): unknown => reader.taggedFields((_tag, field) => field.int8()),
};
const readNames = Object.keys(readsByName) as (keyof typeof readsByName)[];

describe('WireWriter', () => {
  it('writes what the library reads, pieces put in by reference included', () => {
    const splice = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(int32, int64, text, splice, fc.nat(40), (number, large, string, piece, initialBytes) => {
        const writer = new WireWriter(initialBytes);
        writer.int32(number).compactString(string).unsignedVarint(piece.length).splice(piece).int64(large);
        writer.uuid('00112233445566778899aabbccddeeff').compactNull().legacyString(string).int8(5).int16(-2);
        const bytes = Buffer.concat(writer.parts());
        expect(writer.length).toBe(bytes.length);
        const reader = Reader.from(bytes);
        expect(reader.readInt32()).toBe(number);
        expect(reader.readString()).toBe(string);
        expect(reader.readUnsignedVarInt()).toBe(piece.length);
        for (const byte of piece) expect(reader.readUnsignedInt8()).toBe(byte);
        expect(reader.readInt64()).toBe(large);
        expect(reader.readUUID()).toBe('00112233-4455-6677-8899-aabbccddeeff');
        expect(reader.readNullableString()).toBeNull();
        expect(reader.readString(false)).toBe(string);
        expect(reader.readInt8()).toBe(5);
        expect(reader.readInt16()).toBe(-2);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [4_294_967_295, 'ffffffff0f'],
  ])('writes the unsigned varint %i as %s', (value, hex) => {
    expect(Buffer.concat(new WireWriter(1).unsignedVarint(value).parts()).toString('hex')).toBe(hex);
  });
});
