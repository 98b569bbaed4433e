import { describe, expect, test } from 'vitest';
import type { PartState } from '../../src/operations/operation.ts';
import type { LinkSpec } from '../../src/pair/spec.ts';
import { topicPolicySchema } from '../../src/pair/topic-policy.ts';
import { prefixPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import {
  type LinkStanding,
  type SiteStanding,
  whyNoNewPolicy,
  whyNotDeleted,
  whyNotRedeclared,
  whyNotRenamed,
  whyNotSchemaPrimary,
} from '../../src/worker/control/spec-refusals.ts';
import { openOperations } from '../../src/worker/moves/open-operations.ts';
import type { Problem } from '../../src/worker/problems.ts';

const line = (problem: Problem | undefined): string | undefined => problem && `${problem.code}: ${problem.message}`;
const idle: LinkStanding = { id: 'a-b', rebuilt: [], operations: [], followed: [], moved: [] };
const policy = (a: string, b = 'b_'): ReturnType<typeof prefixPolicySchema.parse> =>
  prefixPolicySchema.parse({ owners: { a, b } });

describe('a link is not deleted', () => {
  test('while topics follow it: they are named', () => {
    expect(line(whyNotDeleted({ ...idle, followed: ['a_x', 'a_y'] }, 'refuse'))).toBe(
      'LINK_FOLLOWS: link a-b follows 2 topics (a_x, a_y), which would not be protected any more; nothing was changed',
    );
  });

  test('while topics are away from home, also where none follows', () => {
    expect(line(whyNotDeleted({ ...idle, moved: ['a_x'] }, 'refuse'))).toBe(
      'TOPICS_MOVED: link a-b is needed for 1 topic (a_x) whose primary is not at home: it keeps the old side fenced; nothing was changed',
    );
  });

  test('by who says "detach", while a rebuild or an operation has copies in hand', () => {
    expect(whyNotDeleted({ ...idle, rebuilt: ['a_x'] }, 'detach')?.code).toBe('REBUILD_BUSY');
    expect(whyNotDeleted({ ...idle, operations: [{ id: 'failover-1' }] }, 'detach')?.code).toBe('MOVE_BUSY');
    expect(whyNotDeleted({ ...idle, followed: ['a_x'], moved: ['a_y'] }, 'detach')).toBeUndefined();
  });

  test('but it is where nothing rests on it', () => {
    expect(whyNotDeleted(idle, 'refuse')).toBeUndefined();
  });
});

describe('prefixes stay', () => {
  const site: SiteStanding = { links: ['a-b'], operations: [], moved: [], copies: ['a_x', 'a_y', 'b_z', 'other'] };

  test('under a link; copies that would not be protected any more are named', () => {
    const narrower = { now: policy('a_'), next: policy('a_x') };
    expect(line(whyNotRenamed(narrower, site))).toBe(
      'POLICY_IN_USE: the link a-b runs under the present prefixes; 1 topic (a_y) would not be protected any more',
    );
    const swapped = { now: policy('a_'), next: policy('b_', 'a_') };
    expect(line(whyNotRenamed(swapped, site))).toMatch(/; 3 topics \(a_x, a_y, b_z\) would not be protected any more$/);
  });

  test('while topics are away from home, also without a link', () => {
    const change = { now: policy('a_'), next: policy('x_') };
    expect(line(whyNotRenamed(change, { ...site, links: [], moved: ['a_x'] }))).toBe(
      'TOPICS_MOVED: 1 topic (a_x) went away from home, and home is what the prefixes say; nothing was changed',
    );
    expect(whyNotRenamed(change, { ...site, links: [] })).toBeUndefined();
    expect(whyNotRenamed({ now: policy('a_'), next: policy('a_') }, { ...site, moved: ['a_x'] })).toBeUndefined();
  });
});

test('rights are not declared anew while an operation takes and gives them', () => {
  expect(line(whyNoNewPolicy([{ id: 'failover-1' }]))).toBe(
    'MOVE_BUSY: failover-1 moves topics of this site; nothing was changed. Before its point of no return "npx umbra abort failover-1" gives it up',
  );
  expect(whyNoNewPolicy([])).toBeUndefined();
});

test('an operation of a site that may be gone names the way out that a person has', () => {
  const busyBy = (part: PartState): string | undefined => line(whyNoNewPolicy([{ id: 'switchover-1', part }]));
  for (const part of ['fencing', 'fenced', 'sealed'] as const) {
    expect(busyBy(part)).toMatch(/gone for good, "npx umbra release switchover-1 --new-side-unconfirmed" gives/);
  }
  for (const part of ['restoring', 'reversing'] as const) {
    expect(busyBy(part)).toMatch(new RegExp(`This site is ${part}`));
    expect(busyBy(part)).not.toMatch(/release/);
  }
});

test('who registers schemas is not declared anew where they follow: it is a role', () => {
  const change = { now: { site: 'a' }, next: { site: 'b' } } as const;
  expect(line(whyNotSchemaPrimary(change, { follow: true }))).toBe(
    'SCHEMAS_FOLLOW: schemas were declared to be registered at site a, and they follow from there',
  );
  expect(whyNotSchemaPrimary(change, { follow: false })).toBeUndefined();
  expect(whyNotSchemaPrimary({ now: undefined, next: { site: 'b' } }, { follow: true })).toBeUndefined();
});

describe('a link that runs is not changed', () => {
  const now: LinkSpec = { from: 'a', to: 'b' };
  const deleting: LinkSpec = { ...now, topics: topicPolicySchema.parse({ deletion: 'follow' }) };

  test('during an operation; the same may be declared at any time', () => {
    const busy = { operations: [{ id: 'failover-1' }], orphans: [] };
    expect(whyNotRedeclared({ now, next: { ...now, gap: 'fill' } }, busy)?.code).toBe('MOVE_BUSY');
    expect(whyNotRedeclared({ now, next: { ...now } }, busy)).toBeUndefined();
  });

  test('so that copies go that it was told to keep', () => {
    const known = { operations: [], orphans: ['a_gone'] };
    expect(line(whyNotRedeclared({ now, next: deleting }, known))).toMatch(
      /^LINK_REFUSED: .* to keep 1 copy of deleted topics \(a_gone\): .* would be deleted; nothing was changed/,
    );
    expect(whyNotRedeclared({ now, next: deleting }, { operations: [], orphans: [] })).toBeUndefined();
    expect(whyNotRedeclared({ now: deleting, next: { ...deleting, gap: 'fill' } }, known)).toBeUndefined();
  });
});

test('operations that are not over are those a site coordinates, and those it takes part in', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const operation = (id: string, kind: 'fencing' | 'done'): object => ({
    id,
    step: kind === 'done' ? { kind, remarks: [] } : { kind },
  });
  const memory = {
    operations: () => [operation('failover-own', 'fencing'), operation('failover-over', 'done')],
    parts: () => [
      { operation: 'failover-theirs', link: 'b-a', state: 'fenced', since: at },
      { operation: 'failover-past', link: 'b-a', state: 'returned', since: at },
    ],
  };
  // as: no other field of an operation is asked for
  expect(openOperations(memory as never)).toEqual([{ id: 'failover-own' }, { id: 'failover-theirs', part: 'fenced' }]);
});
