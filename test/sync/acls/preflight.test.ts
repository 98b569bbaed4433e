import { describe, expect, it } from 'vitest';
import { type Acl } from '../../../src/kafka/acl-words.ts';
import { type AclLeak, preflight, type Preflight, type PreflightInput } from '../../../src/sync/acls/preflight.ts';
import { anAcl, scope, umbra } from './arbitraries.ts';

function acl(change: Partial<Acl>): Acl {
  return anAcl({ principal: 'User:app', operation: 'WRITE', ...change });
}

function look(acls: readonly Acl[], change: Partial<PreflightInput> = {}): Preflight {
  const common = { scope, own: [umbra], promoted: new Set<string>(), superUsers: [], allowsWithoutAcl: false };
  return preflight({ target: { kind: 'seen', acls }, ...common, ...change });
}

function leaks(acls: readonly Acl[], change: Partial<PreflightInput> = {}): readonly AclLeak[] {
  const report = look(acls, change);
  return report.kind === 'leaking' ? report.leaks : [];
}

describe('the preflight', () => {
  it('finds a fence where only the link may write the copies, whatever anybody may do with other names', () => {
    const acls = [
      acl({ principal: umbra }),
      acl({ operation: 'READ' }),
      acl({ resourceName: 'b_' }),
      acl({ resourceType: 'TRANSACTIONAL_ID', resourceName: '*', patternType: 'LITERAL' }),
    ];
    expect(look(acls)).toEqual({ kind: 'fenced', beyondAcls: [] });
  });

  it.each([
    ['a wider prefix', { resourceName: 'a' }],
    ['every topic', { resourceName: '*', patternType: 'LITERAL' }],
    ['every operation', { operation: 'ALL' }],
    ['one topic', { resourceName: 'a_x', patternType: 'LITERAL' }],
    ['a part of the names', { resourceName: 'a_orders' }],
    ['one host', { host: '10.0.0.7' }],
  ] as const)('names whoever may write through %s, with the ACL and what to do', (_, change) => {
    const leaking = acl(change);
    const [leak, ...more] = leaks([leaking, acl({ principal: umbra })]);
    expect(more).toEqual([]);
    expect(leak).toMatchObject({ principal: 'User:app', acl: leaking });
    expect(leak?.message).toContain('User:app');
    expect(leak?.message).toMatch(/such as a_/);
    expect(leak?.remedy).toMatch(/deny User:app WRITE/);
  });

  it('takes a DENY by name for a fence, and names what it leaves open', () => {
    const wide = acl({ resourceName: '*', patternType: 'LITERAL' });
    expect(look([wide, acl({ permission: 'DENY' })]).kind).toBe('fenced');
    const [leak] = leaks([wide, acl({ permission: 'DENY', resourceName: 'a_orders' })]);
    expect(leak?.names).toBe('"a_"* except "a_orders"*');
  });

  it('does not advise to deny everybody: that would stop the link', () => {
    const [leak] = leaks([acl({ principal: 'User:*' })]);
    expect(leak?.message).toMatch(/^everybody may write the copies/);
    expect(leak?.remedy).toMatch(/DENY for User:\* would stop the link/);
  });

  it('counts no topic that was promoted: to be written is what it is for', () => {
    const promoted = new Set(['a_x']);
    const one = acl({ resourceName: 'a_x', patternType: 'LITERAL' });
    expect(look([one], { promoted }).kind).toBe('fenced');
    expect(leaks([acl({})], { promoted })[0]?.names).toBe('"a_"* except "a_x"');
  });

  it('names super users that are not umbra’s: no ACL stops them', () => {
    expect(look([acl({ principal: 'User:admin' })], { superUsers: [umbra, 'User:admin'] })).toEqual({
      kind: 'fenced',
      beyondAcls: ['User:admin'],
    });
  });

  it('names everybody where names without ACL are free', () => {
    const [leak] = leaks([acl({ principal: umbra, resourceName: 'a_x' })], { allowsWithoutAcl: true });
    expect(leak).toMatchObject({ principal: 'User:*', acl: undefined, names: '"a_"* except "a_x"*' });
    expect(look([acl({ principal: umbra })], { allowsWithoutAcl: true }).kind).toBe('fenced');
  });

  it('says unfenced without an authorizer', () => {
    expect(look([], { target: { kind: 'no authorizer' } })).toMatchObject({ kind: 'unfenced' });
  });
});
