import { expect, test } from 'vitest';
import { drillSpecSchema } from '../../../src/drill/drill-spec.ts';
import { approvalsInForce, declarationHash } from '../../../src/worker/drill/approvals.ts';

const spec = drillSpecSchema.parse({
  ...{ name: 'orders', level: 'L4', site: 'b', topics: ['a_orders'] },
  approvals: { min: 1, validFor: '1h' },
});
const at = '2026-11-22T10:00:00.000Z';
const until = '2026-11-22T11:00:00.000Z';
const given = { drill: 'orders', name: 'ann', role: 'sre', at, until, declaration: declarationHash(spec) };
const during = new Date('2026-11-22T10:59:59.000Z');

test('an approval counts for what was declared when it was given', () => {
  expect(approvalsInForce(spec, [given], during)).toEqual([given]);
  const anew = drillSpecSchema.parse(JSON.parse(JSON.stringify(spec)));
  expect(approvalsInForce(anew, [given], during)).toEqual([given]);
});

test('what is declared since has to be approved anew', () => {
  const wider = { ...spec, topics: ['a_orders', 'a_payments'] };
  expect(approvalsInForce(wider, [given], during)).toEqual([]);
});

test('an approval ends, and one that does not say of what it is counts for nothing', () => {
  expect(approvalsInForce(spec, [given], new Date(until))).toEqual([]);
  const { declaration: _of, ...vague } = given;
  expect(approvalsInForce(spec, [vague], during)).toEqual([]);
});
