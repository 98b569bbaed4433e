import { inspect } from 'node:util';
import fc from 'fast-check';
import struct from 'google-protobuf/google/protobuf/struct_pb.js';
import { describe, expect, test } from 'vitest';
import {
  decodeProperties,
  encodeProperties,
  equalProperties,
  hasUnknown,
  markSecrets,
  type PropertyMap,
  type PropertyValue,
  revealProperty,
  SecretProperty,
  unknownValue,
} from '../../src/provider/server/property.ts';

const property: fc.Arbitrary<PropertyValue> = fc.letrec<{ value: PropertyValue; map: PropertyMap }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.string(),
    fc.constant(unknownValue),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('map'),
    tie('value').map((inner) => new SecretProperty(inner)),
  ),
  map: fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('value'), { maxKeys: 4 }),
})).value;

const secretOf = (value: PropertyValue): PropertyValue => new SecretProperty(value);

describe('properties on the wire', () => {
  test('what is written through a Struct is read back, marks included', () => {
    fc.assert(
      fc.property(property, (value) => {
        const wire = struct.Struct.fromJavaScript(encodeProperties({ value }));
        const back = decodeProperties(struct.Struct.deserializeBinary(wire.serializeBinary()).toJavaScript())['value'];
        // An unknown equals nothing, so such values are compared by what is written for them.
        expect(encodeProperties({ value: back! })).toEqual(encodeProperties({ value }));
        if (!hasUnknown(value)) expect(equalProperties(back, value)).toBe(true);
      }),
    );
  });

  test('the marks are those of the Pulumi SDK', async () => {
    const rpc = await import('@pulumi/pulumi/runtime/rpc.js');
    expect(encodeProperties({ known: secretOf('x'), later: unknownValue })).toEqual({
      known: { [rpc.specialSigKey]: rpc.specialSecretSig, value: 'x' },
      later: rpc.unknownValue,
    });
  });

  test('null members are not set, and other objects with a signature are objects', () => {
    expect(decodeProperties({ gone: null, list: [1, null, 'x'] })).toEqual({ list: [1, 'x'] });
    expect(decodeProperties(undefined)).toEqual({});
    expect(decodeProperties('text')).toEqual({});
  });
});

describe('secrets', () => {
  test('a secret is never printed', () => {
    const secret = new SecretProperty('hunter2');
    const printed = [String(secret), JSON.stringify({ secret }), inspect({ secret }, { depth: 9 })];
    for (const text of printed) {
      expect(text).not.toContain('hunter2');
      expect(text).toContain('****');
    }
  });

  test('secrets are marked at their paths, once, and nothing else is', () => {
    const inputs: PropertyMap = {
      clusters: { a: { user: 'u', password: 'p' }, b: { password: new SecretProperty('q') }, c: unknownValue },
      token: 't',
      other: 'o',
    };
    const marked = markSecrets(inputs, [['clusters', '*', 'password'], ['token'], ['missing']]);
    const wanted: PropertyMap = {
      clusters: { a: { user: 'u', password: secretOf('p') }, b: { password: secretOf('q') }, c: unknownValue },
      token: secretOf('t'),
      other: 'o',
    };
    expect(encodeProperties(marked)).toEqual(encodeProperties(wanted));
    expect(encodeProperties(markSecrets(marked, [['token']]))).toEqual(encodeProperties(marked));
  });

  test('a value and the same value as a secret differ, so that the state is rewritten', () => {
    expect(equalProperties('x', new SecretProperty('x'))).toBe(false);
    expect(equalProperties(new SecretProperty('x'), new SecretProperty('x'))).toBe(true);
  });
});

describe('unknown values', () => {
  test('an unknown equals nothing and cannot be revealed', () => {
    expect(equalProperties(unknownValue, unknownValue)).toBe(false);
    expect(() => revealProperty({ x: unknownValue })).toThrow('invariant');
    expect(hasUnknown({ a: [new SecretProperty({ b: unknownValue })] })).toBe(true);
    expect(hasUnknown({ a: [1, 'x', true] })).toBe(false);
  });
});
