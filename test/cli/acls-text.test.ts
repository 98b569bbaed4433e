import { expect, test } from 'vitest';
import { renderAcls } from '../../src/cli/acls-text.ts';
import { colours } from '../../src/cli/colours.ts';
import type { LinkAclsView } from '../../src/worker/acl-view.ts';

const plain = colours(false);
const at = '2026-01-02T03:04:05.000Z';
const none = { count: 0, first: [] };
const acl = {
  ...{ resourceType: 'TOPIC', resourceName: 'a_', patternType: 'PREFIXED', principal: 'User:app', host: '*' },
  ...{ operation: 'WRITE', permission: 'ALLOW' },
};
const link: LinkAclsView = {
  link: 'a-b',
  authorizers: { source: 'present', target: 'present' },
  fence: { kind: 'fenced', beyondAcls: ['User:root'] },
  synced: { count: 30, first: [acl] },
  withheld: { count: 1, first: [acl] },
  ...{ alreadyThere: none, notSynced: none, foreign: none, refused: none, behind: [] },
  ...{ created: 31, removed: 1, restored: 0, levelAt: at },
};
const applications = { authorizer: 'present', wanted: 0, alreadyThere: none, refused: none, behind: [] } as const;

function text(view: LinkAclsView, wanted = 0): readonly string[] {
  const of = { ...applications, wanted, behind: [], created: 0, removed: 0, levelAt: at };
  return renderAcls({ links: [view], sites: [{ site: 'b', applications: of }] }, plain).split('\n');
}

test('a fenced link says who is beyond ACLs, and what waits for a promotion', () => {
  expect(text(link)).toEqual([
    `Link a-b: fenced but for super users (User:root); 30 ACLs synced (31 created, 1 removed, 0 restored), level at ${at}`,
    'withheld until a promotion: 1',
    '  ALLOW WRITE on TOPIC a_ (PREFIXED) to User:app from *',
  ]);
});

test('every leak is named with its remedy', () => {
  const leak = { principal: 'User:app', host: '*', names: '"a_"*', example: 'a_x', message: 'who', remedy: 'what' };
  const leaking = { kind: 'leaking', count: 2, leaks: [leak], beyondAcls: [] } as const;
  const said = text({ ...link, fence: { ...leaking, leaks: [leak], beyondAcls: [] }, withheld: none });
  expect(said[0]).toContain('LEAKING (2)');
  expect(said.slice(1)).toEqual(['  who', '  → what', '  and 1 more']);
});

test('a link whose ACLs are not synced says why; a list is cut after twenty', () => {
  const off = { why: 'the principal is not known', remedy: 'declare it' };
  const many = { count: 25, first: Array.from({ length: 25 }, () => ({ ...acl, why: 'too wide' })) };
  const said = text({ ...link, off, notSynced: many, withheld: none });
  expect(said.slice(1, 4)).toEqual([
    'not synced: the principal is not known',
    '  → declare it',
    'not carried over: 25',
  ]);
  expect(said[4]).toBe('  ALLOW WRITE on TOPIC a_ (PREFIXED) to User:app from *: too wide');
  expect(said.at(-1)).toBe('  and 5 more');
});

test('applications of a site are named where the policy declares any', () => {
  expect(text(link, 3).at(-1)).toBe(`Applications of site b: 3 ACLs by the prefix policy, level at ${at}`);
});
