import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, isPrivate, overlap, parseCidr, renderCidr, subBlocks } from '../../../infra/aws/cidr.ts';
import { subnetBlocks } from '../../../infra/aws/network.ts';

const block = fc
  .tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 8, max: 28 }))
  .map(([address, bits]) => ({ base: address - (address % 2 ** (32 - bits)), bits }));

describe('blocks of addresses', () => {
  test('are read as they are written', () => {
    fc.assert(
      fc.property(block, (each) => {
        expect(parseCidr(renderCidr(each))).toEqual(each);
      }),
    );
    expect(parseCidr('10.0.0.0/8')).toEqual({ base: 10 * 2 ** 24, bits: 8 });
  });

  test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.256/24', '10.0.0.1/24', '10.0.0/24', '::/0', ''])(
    '%j is none',
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );

  test('overlap exactly when an address lies in both', () => {
    fc.assert(
      fc.property(block, block, (left, right) => {
        const ends = ({ base, bits }: typeof left): [number, number] => [base, base + 2 ** (32 - bits) - 1];
        const [[from, to], [first, last]] = [ends(left), ends(right)];
        expect(overlap(left, right)).toBe(from <= last && first <= to);
      }),
    );
  });

  test('fall into parts that are in them and apart', () => {
    fc.assert(
      fc.property(block, (whole) => {
        const parts = subBlocks(whole, 2, 4);
        for (const [index, part] of parts.entries()) {
          expect(contains(whole, part)).toBe(true);
          expect(parts.slice(index + 1).some((other) => overlap(part, other))).toBe(false);
        }
      }),
    );
  });

  test('a network becomes three subnets and a free quarter', () => {
    expect(subnetBlocks('10.10.0.0/16')).toEqual(['10.10.0.0/18', '10.10.64.0/18', '10.10.128.0/18']);
    expect(subnetBlocks('192.168.4.0/24')).toEqual(['192.168.4.0/26', '192.168.4.64/26', '192.168.4.128/26']);
  });

  test.each([
    ['10.1.0.0/16', true],
    ['172.31.0.0/16', true],
    ['172.32.0.0/16', false],
    ['192.168.0.0/16', true],
    ['0.0.0.0/0', false],
  ])('%s is private: %s', (text, expected) => {
    expect(isPrivate(parseCidr(text)!)).toBe(expected);
  });
});
