import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfigChange, ConfigValue, TopicConfigs } from '../../../src/kafka/config-admin.ts';
import { ruleOf } from '../../../src/pair/config-rules.ts';
import { defaultTopicPolicy, topicPolicySchema } from '../../../src/pair/topic-policy.ts';
import { wishOf } from '../../../src/sync/topics/config-record.ts';
import { planConfigs } from '../../../src/sync/topics/plan-configs.ts';
import { promotionConfigs } from '../../../src/sync/topics/promotion-configs.ts';
import { anyConfigs, configs, defaults, inherited, own } from './arbitraries.ts';

const nothing = new Map<string, string | undefined>();

function after(copy: TopicConfigs, changes: readonly ConfigChange[]): TopicConfigs {
  const next = new Map(copy);
  for (const { name, to } of changes) {
    const fallback = defaults.get(name)?.value ?? '1';
    const value: ConfigValue = to === undefined ? inherited(fallback) : own(to);
    next.set(name, { ...value, fallback });
  }
  return next;
}

/** The copy of this source, level, in a cluster whose own values are all `1`. */
function copyOf(source: TopicConfigs): TopicConfigs {
  const start = new Map([...defaults].map(([name, value]) => [name, { ...value, fallback: value.value ?? '' }]));
  const plan = { topic: 'a_x', source, copy: start, record: undefined, held: nothing, settling: nothing };
  return after(start, planConfigs(plan, defaultTopicPolicy).changes);
}

test('a promoted topic behaves as the source did, in all that decides about records, and sets what the source set', () => {
  fc.assert(
    fc.property(anyConfigs, (source) => {
      const wish = wishOf(source);
      const { changes } = promotionConfigs(wish, { configs: copyOf(source), replicas: 3 }, defaultTopicPolicy);
      const promoted = after(copyOf(source), changes);
      for (const [name, value] of source) {
        const { promotion, measure } = ruleOf(name);
        if (promotion === 'left') expect(promoted.get(name)).toEqual(copyOf(source).get(name));
        else if (value.own) expect(promoted.get(name)).toMatchObject({ own: true, value: value.value });
        else if (measure === 'effect') expect(promoted.get(name)).toMatchObject({ value: value.value });
      }
    }),
  );
});

test('what only a copy needs goes where the source has no such config', () => {
  const { changes } = promotionConfigs({}, { configs: copyOf(new Map()), replicas: 1 }, defaultTopicPolicy);
  const kept = [...after(copyOf(new Map()), changes).values()].filter((value) => value.own);
  expect(kept).toEqual([]);
});

test('what came from the source’s cluster is set only where this cluster does otherwise', () => {
  const wish = wishOf(configs({ 'retention.ms': inherited('1'), 'retention.bytes': inherited('7') }, new Map()));
  const { changes } = promotionConfigs(wish, { configs: copyOf(defaults), replicas: 1 }, defaultTopicPolicy);
  expect(changes).toContainEqual({ name: 'retention.ms', to: undefined });
  expect(changes).toContainEqual({ name: 'retention.bytes', to: '7' });
});

test('where what this cluster does is not known, the source’s value is set', () => {
  const copy = configs({ 'retention.ms': own('-1') });
  const wish = wishOf(configs({ 'retention.ms': inherited('1') }, new Map()));
  const { changes } = promotionConfigs(wish, { configs: copy, replicas: 1 }, defaultTopicPolicy);
  expect(changes).toContainEqual({ name: 'retention.ms', to: '1' });
});

test('a wish that cannot be fulfilled is named with its reason, and nothing else is kept from it', () => {
  const source = configs(
    {
      'min.insync.replicas': own('2'),
      'remote.storage.enable': own('true'),
      'newer.config': own('1'),
      'newest.config': inherited('1'),
      'segment.ms': own('5'),
      'flush.ms': own('5'),
    },
    new Map(),
  );
  const policy = topicPolicySchema.parse({ configs: { exclude: ['flush.ms'] } });
  const copy = { configs: copyOf(defaults), replicas: 1 };
  const { changes, unfulfilled } = promotionConfigs(wishOf(source), copy, policy);
  expect(unfulfilled.map(({ name }) => name)).toEqual([
    'flush.ms',
    'min.insync.replicas',
    'newer.config',
    'remote.storage.enable',
  ]);
  expect(changes).toContainEqual({ name: 'segment.ms', to: '5' });
  const enough = promotionConfigs(wishOf(source), { ...copy, replicas: 2 }, policy);
  expect(enough.changes).toContainEqual({ name: 'min.insync.replicas', to: '2' });
});
