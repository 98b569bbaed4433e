import { describe, expect, test } from 'vitest';
import type { FaultCode } from '../../src/replication/partition/fault.ts';
import { seededAs } from '../../src/worker/control/rebuild-ports-of-link.ts';

const fault = (code: FaultCode) => ({ code, message: '', at: new Date(0) });

describe('the copy that is made in place of the old one', () => {
  test('has faulted for good when somebody else’s topic stands there, though it never got an id', () => {
    const topic = { state: 'faulted' as const, shadowTopicId: undefined };
    expect(seededAs({ ...topic, fault: fault('SHADOW_RECREATED') }, 'old')).toBe('faulted');
    // Of a look that began before the old copy was deleted: the next one makes the new copy.
    expect(seededAs({ ...topic, fault: fault('SOURCE_RECREATED') }, 'old')).toBe('not-yet');
  });

  test('is level or faulted when it has an id of its own, and not yet there with the old one', () => {
    const at = (state: 'following' | 'faulted' | 'seeding', shadowTopicId: string) =>
      seededAs({ state, fault: undefined, shadowTopicId }, 'old');
    expect([at('following', 'new'), at('faulted', 'new'), at('seeding', 'new')]).toEqual([
      'level',
      'faulted',
      'not-yet',
    ]);
    expect([at('following', 'old'), at('faulted', 'old')]).toEqual(['not-yet', 'not-yet']);
  });
});
