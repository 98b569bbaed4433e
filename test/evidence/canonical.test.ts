import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, renderJson } from '../../src/evidence/canonical.ts';
import { evidenceDocumentSchema } from '../../src/evidence/document.ts';
import { hashOf, sealEvidence } from '../../src/evidence/seal.ts';
import { newKey, sampleContent } from './samples.ts';

test('canonical JSON is that of RFC 8785: the example of its section 3.2.2 and 3.2.3', () => {
  const input = String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
    "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`;
  expect(canonicalJson(JSON.parse(input))).toBe(
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
  const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
  expect(canonicalJson(keys)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
});

test('a value has one text, whatever the order of its keys, and the text of a file says the same', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).toReversed());
      expect(canonicalJson(turned)).toBe(canonicalJson(value));
      expect(Buffer.from(renderJson(turned)).equals(renderJson(value))).toBe(true);
      expect(canonicalJson(JSON.parse(Buffer.from(renderJson(value)).toString()))).toBe(canonicalJson(value));
    }),
  );
});

test('what JSON cannot say is refused, not sealed as something else', () => {
  for (const value of [NaN, Infinity, { text: '\ud800' }, undefined]) expect(() => canonicalJson(value)).toThrow();
});

test('a document is sealed the same way twice, and its hash is over all but itself and the signatures', () => {
  const toSeal = { content: sampleContent(), previous: undefined, attachments: [], key: newKey() };
  const document = sealEvidence(toSeal);
  expect(sealEvidence(toSeal)).toEqual(document);
  expect(evidenceDocumentSchema.parse(JSON.parse(Buffer.from(renderJson(document)).toString()))).toEqual(document);
  expect(hashOf(document)).toBe(document.hash);
  expect(hashOf({ ...document, verdict: 'FAILED' })).not.toBe(document.hash);
  expect(hashOf({ ...document, chain: { sequence: 2, previous: null } })).not.toBe(document.hash);
  const before = { sequence: 7, hash: 'ab'.repeat(32) };
  expect(sealEvidence({ ...toSeal, previous: before }).chain).toEqual({ sequence: 8, previous: before.hash });
});
