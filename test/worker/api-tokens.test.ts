import { describe, expect, test } from 'vitest';
import { tokensOf } from '../../src/api/access.ts';
import { peerToken, workerConfigSchema } from '../../src/worker/worker-config.ts';

const cluster = { bootstrapServers: ['127.0.0.1:1'] };
const viewer = { name: 'board', role: 'viewer', token: 'the-token-of-a-viewer' };
const operator = { name: 'night-shift', role: 'operator', token: 'the-token-of-an-operator' };

function parse(api: object): ReturnType<typeof workerConfigSchema.safeParse> {
  return workerConfigSchema.safeParse({
    ...{ pair: 'p', site: 'a', clusters: { a: cluster, b: cluster } },
    api: { port: 1, ...api },
  });
}

function api(given: object): NonNullable<ReturnType<typeof parse>['data']>['api'] {
  const { data, error } = parse(given);
  if (data === undefined) throw error;
  return data.api;
}

describe('api.tokens', () => {
  test('each is known by its name and has its role; api.token is the operator', () => {
    const known = tokensOf(api({ token: '0123456789abcdef', tokens: [viewer, operator] }));
    expect(known.map(({ name, role, token }) => [name, role, token.reveal()])).toEqual([
      ['operator', 'operator', '0123456789abcdef'],
      ['board', 'viewer', viewer.token],
      ['night-shift', 'operator', operator.token],
    ]);
    expect(tokensOf(api({}))).toEqual([]);
  });

  test('a token is never shown', () => {
    const known = tokensOf(api({ tokens: [operator] }));
    expect(JSON.stringify(known)).not.toContain(operator.token);
  });

  test('the workers call each other with api.token, or with that of an operator', () => {
    expect(peerToken(api({}))).toBeUndefined();
    expect(peerToken(api({ token: '0123456789abcdef', tokens: [operator] }))).toBe('0123456789abcdef');
    expect(peerToken(api({ tokens: [viewer, operator] }))).toBe(operator.token);
  });

  test.each([
    ['viewers alone: no worker could call another one', { tokens: [viewer] }, 'operator'],
    ['two of one name', { tokens: [operator, { ...viewer, name: operator.name }] }, 'is taken'],
    ['the name of api.token', { tokens: [{ ...operator, name: 'operator' }] }, 'is taken'],
    ['two that are the same', { tokens: [operator, { ...viewer, token: operator.token }] }, 'is the same'],
    ['one that is api.token', { token: viewer.token, tokens: [viewer] }, 'is the same'],
    ['a short one', { tokens: [{ ...operator, token: 'short' }] }, '16 characters'],
    ['one that no header can carry', { tokens: [{ ...operator, token: 'with a space in its middle' }] }, 'space'],
    ['another role', { tokens: [{ ...operator, role: 'admin' }] }, 'viewer'],
    ['a name for people only', { tokens: [{ ...operator, name: 'Night Shift' }] }, 'must match'],
  ])('%s is refused', (_what, given, why) => {
    const { error } = parse(given);
    expect(error?.issues.map(({ message }) => message).join('\n')).toContain(why);
    expect(error?.message).not.toContain(operator.token);
  });
});
