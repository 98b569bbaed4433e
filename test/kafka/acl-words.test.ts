import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Acl, aclKey, aclText, fromWire, isKnown, toWire } from '../../src/kafka/acl-words.ts';

const code = fc.integer({ min: -128, max: 127 });
const anyWire = fc.record({
  resourceType: code,
  resourceName: fc.string(),
  resourcePatternType: code,
  principal: fc.string(),
  host: fc.string(),
  operation: code,
  permissionType: code,
});

test('an ACL of any codes keeps them, also those that only newer brokers know', () => {
  fc.assert(
    fc.property(anyWire, (wire) => {
      expect(toWire(fromWire(wire))).toEqual(wire);
    }),
  );
});

test('different codes are different words, so different ACLs', () => {
  fc.assert(
    fc.property(anyWire, anyWire, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      expect(aclKey(fromWire(one)) === aclKey(fromWire(other))).toBe(same);
    }),
  );
});

test('what Kafka 3.3 to 4.x knows has its name, and the rest its number', () => {
  const wire = { resourceType: 5, resourceName: 't', resourcePatternType: 4, principal: 'User:x', host: '*' };
  const known = fromWire({ ...wire, operation: 15, permissionType: 3 });
  expect(aclText(known)).toBe('ALLOW TWO_PHASE_COMMIT on TRANSACTIONAL_ID t (PREFIXED) to User:x from *');
  expect(isKnown(known)).toBe(true);
  const newer: Acl = fromWire({ ...wire, operation: 16, permissionType: 3 });
  expect([newer.operation, isKnown(newer)]).toEqual(['OPERATION_16', false]);
});
