import { describe, expect, test } from 'vitest';
import { configRules } from '../../src/pair/config-rules.ts';
import { defaultTopicPolicy, isSynced, topicPolicySchema } from '../../src/pair/topic-policy.ts';

function objections(policy: unknown): readonly string[] {
  const { error } = topicPolicySchema.safeParse(policy);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`);
}

test('an empty policy is a whole one', () => {
  expect(defaultTopicPolicy).toEqual({
    configs: { exclude: [], include: [] },
    replicationFactor: 'target-default',
    deletion: 'keep',
  });
});

test('each config is named once, with a reason', () => {
  expect(new Set(configRules.map(({ name }) => name)).size).toBe(configRules.length);
  for (const { reason } of configRules) expect(reason).toMatch(/\w/);
});

test('only what is synced by default can be excluded, and only what is not by choice can be included', () => {
  for (const { name, sync } of configRules) {
    const excluded = objections({ configs: { exclude: [name] } });
    expect(excluded.length === 0, name).toBe(sync.kind === 'by default');
    const included = objections({ configs: { include: [name] } });
    expect(included.length === 0, name).toBe(sync.kind === 'never' && sync.includable);
  }
  expect(objections({ configs: { exclude: ['vendor.config'] } })).toEqual([]);
});

describe('a wrong policy is refused with its field, the reason and what to do', () => {
  test.each([
    [
      { configs: { exclude: ['retention.ms'] } },
      'configs.exclude.0 "retention.ms" cannot be excluded: the source’s log start is mirrored; the copy deletes nothing by itself',
    ],
    [{ configs: { include: ['segment.ms'] } }, 'configs.include.0 "segment.ms" is synced anyway; remove it'],
    [
      { configs: { include: ['remote.storage.enable'] } },
      'configs.include.0 "remote.storage.enable" cannot be included: needs remote storage at the target, which the copy’s log start does not go through; one of "min.insync.replicas", "unclean.leader.election.enable" can',
    ],
    [{ replicationFactor: 0 }, 'replicationFactor must be "target-default" or a whole number from 1 to 32767'],
    [{ replicationFactor: 'three' }, 'replicationFactor must be "target-default" or a whole number from 1 to 32767'],
    [{ deletion: 'mirror' }, 'deletion must be "keep" or "follow"'],
    [{ configs: { exclude: ['a b'] } }, 'configs.exclude.0 must be the name of a topic config'],
  ])('%j', (policy, message) => {
    expect(objections(policy)).toEqual([message]);
  });
});

test('exclusions and inclusions decide what is synced', () => {
  const policy = topicPolicySchema.parse({
    configs: { exclude: ['flush.ms', 'vendor.config'], include: ['min.insync.replicas'] },
  });
  const names = [
    'flush.ms',
    'vendor.config',
    'min.insync.replicas',
    'retention.ms',
    'segment.ms',
    'remote.storage.enable',
  ];
  expect(names.filter((name) => isSynced(name, policy))).toEqual(['min.insync.replicas', 'retention.ms', 'segment.ms']);
});
