import fc from 'fast-check';
import type { ConfigValue, TopicConfigs } from '../../../src/kafka/config-admin.ts';
import { configRules } from '../../../src/pair/config-rules.ts';

export function own(value: string): ConfigValue {
  return { value, own: true, readOnly: false, sensitive: false };
}

export function inherited(value: string, fallback?: string): ConfigValue {
  return { value, own: false, readOnly: false, sensitive: false, ...(fallback === undefined ? {} : { fallback }) };
}

/** Configs that the copy's cluster shows when nothing is set: every name of the table, and one that is not in it. */
export const defaults: TopicConfigs = new Map(
  [...configRules.map(({ name }) => name), 'vendor.config'].map((name) => [name, inherited('1')]),
);

export function configs(values: Readonly<Record<string, ConfigValue>>, base: TopicConfigs = defaults): TopicConfigs {
  return new Map([...base, ...Object.entries(values)]);
}

const anyValue: fc.Arbitrary<ConfigValue> = fc
  .tuple(fc.constantFrom('1', '2', '3'), fc.boolean())
  .map(([value, isOwn]) => (isOwn ? own(value) : inherited(value)));

/** Some of the names, with some values. */
export const anyConfigs: fc.Arbitrary<TopicConfigs> = fc
  .array(fc.tuple(fc.constantFrom(...defaults.keys()), anyValue))
  .map((entries) => new Map(entries));
