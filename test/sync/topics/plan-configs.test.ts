import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TopicConfigs } from '../../../src/kafka/config-admin.ts';
import { ruleOf } from '../../../src/pair/config-rules.ts';
import { defaultTopicPolicy, topicPolicySchema } from '../../../src/pair/topic-policy.ts';
import type { ConfigRecord } from '../../../src/sync/topics/config-record.ts';
import { type ConfigPlan, type CopyConfigs, planConfigs, recordAfter } from '../../../src/sync/topics/plan-configs.ts';
import { anyConfigs, configs, defaults, inherited, own } from './arbitraries.ts';

const none = new Map<string, string | undefined>();
const policy = defaultTopicPolicy;

/** What a broker shows when the changes have been made. */
function after(copy: TopicConfigs, { changes }: Pick<ConfigPlan, 'changes'>): TopicConfigs {
  const next = new Map(copy);
  for (const { name, to } of changes)
    next.set(name, to === undefined ? (defaults.get(name) ?? inherited('1')) : own(to));
  return next;
}

function plan(seen: Partial<CopyConfigs>, choice = policy): ConfigPlan {
  const whole = { topic: 'a_x', source: defaults, copy: defaults, record: undefined, held: none, settling: none };
  return planConfigs({ ...whole, ...seen }, choice);
}

const allNames = (of: ConfigPlan): ReadonlySet<string> => new Set(of.changes.map(({ name }) => name));

/** A copy of this source that is level, and what is remembered of it. */
function levelled(source: TopicConfigs): { readonly copy: TopicConfigs; readonly record: ConfigRecord } {
  const first = plan({ source });
  return { copy: after(defaults, first), record: recordAfter(first, allNames(first)) };
}

describe('whatever both sides show', () => {
  test('the changes make the copy level, and then there are none', () => {
    fc.assert(
      fc.property(anyConfigs, anyConfigs, (source, shown) => {
        const copy = configs(Object.fromEntries(shown));
        const first = plan({ source, copy });
        const then = plan({ source, copy: after(copy, first), record: recordAfter(first, allNames(first)) });
        expect(then.changes).toEqual([]);
        expect(then.withheld).toEqual([]);
      }),
    );
  });

  test('a copy has what a copy needs, and nothing that is never synced is touched', () => {
    fc.assert(
      fc.property(anyConfigs, anyConfigs, (source, shown) => {
        const copy = configs(Object.fromEntries(shown));
        const first = plan({ source, copy });
        const then = after(copy, first);
        for (const [name, value] of then) {
          const { sync } = ruleOf(name);
          if (sync.kind === 'override') expect(value).toMatchObject({ own: true, value: sync.value });
          if (sync.kind === 'never') expect(value).toEqual(copy.get(name));
        }
      }),
    );
  });

  test('an edit of anything that is synced is found and put back, and called an edit', () => {
    fc.assert(
      fc.property(anyConfigs, anyConfigs, (source, edits) => {
        const { copy, record } = levelled(source);
        const edited = configs(Object.fromEntries(edits), copy);
        const revert = plan({ source, copy: edited, record });
        for (const change of revert.changes) expect(change).toMatchObject({ reason: 'edited locally', edited: true });
        expect(plan({ source, copy: after(edited, revert), record }).changes).toEqual([]);
      }),
    );
  });

  test('a change at the source is never called an edit', () => {
    fc.assert(
      fc.property(anyConfigs, anyConfigs, (source, next) => {
        const { copy, record } = levelled(source);
        const { changes } = plan({ source: next, copy, record });
        expect(changes.filter(({ reason, edited }) => edited || reason === 'edited locally')).toEqual([]);
      }),
    );
  });
});

describe('what the source wants', () => {
  test('what the topic itself sets arrives, and goes when the topic takes it back', () => {
    const source = configs({ 'segment.ms': own('60000') });
    const { copy, record } = levelled(source);
    expect(copy.get('segment.ms')).toEqual(own('60000'));
    expect(plan({ source: defaults, copy, record }).changes).toEqual([
      { name: 'segment.ms', from: '60000', to: undefined, reason: 'source changed', edited: false },
    ]);
  });

  test('what the source’s cluster gives its topics stays there, where only the topic’s own value counts', () => {
    const source = configs({ 'segment.ms': inherited('60000') });
    expect(levelled(source).copy.get('segment.ms')).toEqual(defaults.get('segment.ms'));
  });

  test('where the effect counts, the source’s cluster counts too, and a target that does the same is left alone', () => {
    const source = configs({ 'delete.retention.ms': inherited('5') });
    expect(levelled(source).copy.get('delete.retention.ms')).toEqual(own('5'));
    expect(levelled(defaults).copy.get('delete.retention.ms')).toEqual(defaults.get('delete.retention.ms'));
  });

  test('larger batches than the source takes have room', () => {
    const source = configs({ 'max.message.bytes': own('1000000') });
    expect(levelled(source).copy.get('max.message.bytes')).toEqual(own('1101024'));
  });

  test('a config that only the source’s release knows is named when the topic sets it', () => {
    const set = plan({ source: configs({ 'newer.config': own('1'), 'newest.config': inherited('1') }) });
    expect(set.unknown).toEqual(['newer.config']);
  });

  test('a config that is not in the table is synced where the target knows it', () => {
    expect(levelled(configs({ 'vendor.config': own('9') })).copy.get('vendor.config')).toEqual(own('9'));
  });

  test('a value that the source keeps secret is left as it is', () => {
    const secret = { value: undefined, own: true, readOnly: false, sensitive: true };
    expect(plan({ source: configs({ 'vendor.config': secret }) }).changes.map(({ name }) => name)).not.toContain(
      'vendor.config',
    );
  });

  test('the policy excludes and includes', () => {
    const source = configs({ 'segment.ms': own('2'), 'min.insync.replicas': own('2') });
    const choice = topicPolicySchema.parse({ configs: { exclude: ['segment.ms'], include: ['min.insync.replicas'] } });
    const names = plan({ source }, choice).changes.map(({ name }) => name);
    expect(names).toContain('min.insync.replicas');
    expect(names).not.toContain('segment.ms');
  });
});

describe('what is withheld', () => {
  const source = configs({ 'segment.ms': own('2') });

  test('what was refused is not tried again until the source wants something else', () => {
    const held = new Map([['segment.ms', '2']]);
    expect(plan({ source, held }).withheld).toMatchObject([{ name: 'segment.ms', why: 'held' }]);
    const other = plan({ source: configs({ 'segment.ms': own('3') }), held });
    expect(other.withheld).toEqual([]);
    expect(other.changes).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ name: 'segment.ms', to: '3' })]),
    );
  });

  test('a broker that has not heard of a change yet is no edit', () => {
    const { copy, record } = levelled(source);
    const old = configs({ 'segment.ms': inherited('1') }, copy);
    const settling = new Map([['segment.ms', undefined]]);
    const seen = plan({ source, copy: old, record, settling });
    expect(seen.changes).toEqual([]);
    expect(seen.withheld).toMatchObject([{ name: 'segment.ms', why: 'settling' }]);
    const edited = configs({ 'segment.ms': own('7') }, copy);
    expect(plan({ source, copy: edited, record, settling }).changes).toMatchObject([{ from: '7', edited: true }]);
    // The source moved on in the meantime: that goes out at once, and the old answer is still no edit.
    const moved = plan({ source: configs({ 'segment.ms': own('3') }), copy: old, record, settling });
    expect(moved.changes).toMatchObject([{ to: '3', reason: 'source changed', edited: false }]);
  });

  test('what is read-only at the target is named, and fine where its effect is right', () => {
    const locked = (value: string) => ({ value, own: false, readOnly: true, sensitive: false });
    const copy = configs({ 'segment.ms': locked('1'), 'retention.ms': locked('-1') });
    const seen = plan({ source, copy });
    expect(seen.withheld).toMatchObject([{ name: 'segment.ms', why: 'read-only' }]);
    expect(seen.changes.map(({ name }) => name)).not.toContain('retention.ms');
  });
});

describe('what is remembered', () => {
  test('the wish has what the topic sets, verbatim, and of its cluster what decides about records', () => {
    const source = configs(
      {
        'cleanup.policy': own('compact'),
        'retention.ms': inherited('604800000'),
        'segment.ms': inherited('1'),
        'min.insync.replicas': own('2'),
      },
      new Map(),
    );
    expect(plan({ source }).wish).toEqual({
      'cleanup.policy': { value: 'compact', from: 'topic' },
      'min.insync.replicas': { value: '2', from: 'topic' },
      'retention.ms': { value: '604800000', from: 'cluster' },
    });
  });

  test('what was refused is not remembered as level', () => {
    const first = plan({ source: configs({ 'segment.ms': own('2') }) });
    const made = new Set([...allNames(first)].filter((name) => name !== 'segment.ms'));
    expect(recordAfter(first, made).level).not.toHaveProperty('segment.ms');
    expect(recordAfter(first, allNames(first)).level).toMatchObject({ 'segment.ms': '2', 'flush.ms': null });
  });

  test('an edit stays an edit while it cannot be put back', () => {
    const source = configs({ 'segment.ms': own('2') });
    const { copy, record } = levelled(source);
    const edited = configs({ 'segment.ms': own('7') }, copy);
    const held = plan({ source, copy: edited, record, held: new Map([['segment.ms', '2']]) });
    const then = plan({ source, copy: edited, record: recordAfter(held, new Set()) });
    expect(then.changes).toMatchObject([{ name: 'segment.ms', reason: 'edited locally', edited: true }]);
  });

  test('a crash between the change and the memory of it is no edit', () => {
    const { copy, record } = levelled(defaults);
    const source = configs({ 'segment.ms': own('2') });
    const changed = after(copy, plan({ source, copy, record }));
    const again = plan({ source, copy: changed, record });
    expect(again.changes).toEqual([]);
    expect(recordAfter(again, new Set()).level).toMatchObject({ 'segment.ms': '2' });
  });
});
