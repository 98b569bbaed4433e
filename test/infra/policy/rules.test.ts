import { readFileSync } from 'node:fs';
import policy from '@pulumi/policy';
import { describe, expect, test } from 'vitest';
import { policies } from '../../../infra/policy/pack.ts';
import { at, type Rule, type SeenResource, unknownValue } from '../../../infra/policy/rule.ts';
import { rules } from '../../../infra/policy/rules.ts';
import { seen } from '../../../infra/policy/seen.ts';
import { cases } from './cases.ts';

/** As the engine's side hands properties over. The package has it without types. */
const { unknownCheckingProxy: protectedProps } = policy as unknown as {
  unknownCheckingProxy: (props: object) => Readonly<Record<string, unknown>>;
};

function findings(rule: Rule, stack: readonly SeenResource[]): readonly string[] {
  if (rule.of === 'stack') return rule.judge(stack).map(({ what }) => what);
  return stack.filter(({ type }) => rule.types.includes(type)).flatMap((resource) => rule.judge(resource));
}

test('each guard rail has a case that it stops and one that it lets pass', () => {
  expect(Object.keys(cases)).toEqual(rules.map(({ name }) => name));
  const onesided = Object.entries(cases).filter(
    ([, of]) => new Set(of.map(({ finds }) => finds === undefined)).size < 2,
  );
  expect(onesided.map(([name]) => name)).toEqual([]);
});

describe.each(rules)('$name', (rule) => {
  test.each([...(cases[rule.name] ?? [])])('$what', ({ stack, finds }) => {
    const found = findings(rule, stack);
    if (finds === undefined) expect(found).toEqual([]);
    else expect(found[0]).toMatch(finds);
  });
});

test('the docs list the guard rails as they are', () => {
  const page = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
  const table = /<!-- rules:begin -->([\s\S]*)<!-- rules:end -->/.exec(page)?.[1] ?? '';
  const rows = table.match(/^\| `.*$/gm)?.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  expect(rows).toEqual(rules.map(({ name, level, holds, remedy }) => [`\`${name}\``, level, holds, remedy]));
});

test('the engine gets each rule with its level and its remedy', () => {
  expect(
    policies().map(({ name, enforcementLevel, remediationSteps }) => [name, enforcementLevel, remediationSteps]),
  ).toEqual(rules.map(({ name, level, remedy }) => [name, level, remedy]));
});

test('what is not known during a preview is marked, at whatever depth, and counts as given', () => {
  const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
  const props = protectedProps({ key: unknown, list: [{ of: unknown, size: 3 }], text: 'known' }) as Record<
    string,
    unknown
  >;
  const made = seen({ urn: 'u', type: 't', name: 'n', props, opts: { protect: true, parent: 'p' } });
  expect(made).toMatchObject({ protect: true, parent: 'p', sources: {} });
  expect(made.props).toEqual({ key: unknownValue, list: [{ of: unknownValue, size: 3 }], text: 'known' });
  expect([at(made.props, 'list.of'), at(made.props, 'key.deeper.still'), at(made.props, 'list.size')]).toEqual([
    ...[unknownValue, unknownValue, 3],
  ]);
});
