import { expect, test } from 'vitest';
import { readUpdateErrors } from '../../tools/update-errors.ts';

const urn = 'urn:pulumi:local::umbra::umbra:index:RegionPair$umbra:index:ShadowLink::a-b';
const stackUrn = 'urn:pulumi:local::umbra::pulumi:pulumi:Stack::umbra-local';

function diagnostic(message: string, options: { urn?: string; severity?: string } = {}): string {
  return JSON.stringify({ sequence: 1, diagnosticEvent: { severity: 'error', message, color: 'never', ...options } });
}

test('the errors of resources are shown with the resource, once, without the generic line', () => {
  const log = [
    JSON.stringify({ sequence: 0, preludeEvent: {} }),
    diagnostic('<{%fg 1%}>broker refused<{%reset%}>\n', { urn }),
    diagnostic('broker refused\n', { urn }),
    diagnostic('update failed\n'),
  ].join('\n');
  expect(readUpdateErrors(log)).toEqual(['ShadowLink a-b: broker refused']);
});

test("the program's own error stands alone", () => {
  expect(readUpdateErrors(diagnostic('umbra:sites: prefixes overlap\n', { urn: stackUrn }))).toEqual([
    'umbra:sites: prefixes overlap',
  ]);
});

test('warnings and infos are no errors, and a cut last line is passed over', () => {
  const log = `${diagnostic('slow', { severity: 'warning' })}\n{"sequence":9,"diagnosticEv`;
  expect(readUpdateErrors(log)).toEqual([]);
});

test('the list that the engine makes of the reasons is taken apart', () => {
  const log = diagnostic('1 error occurred:\n\t* broker a/1 died\n\n', { urn });
  expect(readUpdateErrors(log)).toEqual(['ShadowLink a-b: broker a/1 died']);
});
