import { expect, test } from 'vitest';
import { linkScope, ownPrincipals } from '../../src/worker/control/link-acls.ts';
import { type SiteRights, siteRights } from '../../src/worker/site-rights.ts';
import { type WorkerConfig, type WorkerConfigInput, workerConfigSchema } from '../../src/worker/worker-config.ts';
import { prefixPolicySchema } from '../../src/prefix-policy/declared-policy.ts';

type ClusterInput = WorkerConfigInput['clusters']['a'];

function config(a: Partial<ClusterInput>, rest: Partial<WorkerConfigInput> = {}): WorkerConfig {
  const cluster = { bootstrapServers: ['127.0.0.1:9092'] };
  const clusters = { a: { ...cluster, ...a }, b: cluster };
  return workerConfigSchema.parse({ pair: 'test', site: 'b', clusters, api: { port: 0 }, ...rest });
}

const scram = { mechanism: 'SCRAM-SHA-512', username: 'copier', password: 'secret' } as const;
const token = { mechanism: 'OAUTHBEARER', token: 'secret' } as const;

function principalsOf(...of: Parameters<typeof config>): SiteRights['principals'] {
  return siteRights(config(...of), 'a').principals;
}

test('a SASL user name is the principal', () => {
  expect(principalsOf({ sasl: scram })).toEqual({ kind: 'known', names: ['User:copier'] });
});

test('who connects without credentials has no principal of his own', () => {
  expect(principalsOf({})).toEqual({ kind: 'known', names: [] });
});

test.each([
  ['a token', { sasl: token }],
  ['a token', { sasl: { mechanism: 'OAUTHBEARER', tokenFile: '/run/token' } }],
  ['an IAM role', { tls: {}, sasl: { mechanism: 'AWS_MSK_IAM', region: 'eu-west-1' } }],
  ['a certificate', { tls: { certFile: 'c.pem', keyFile: 'k.pem' } }],
] satisfies [string, Partial<ClusterInput>][])('whom %s stands for is not guessed', (by, cluster) => {
  const unknown = principalsOf(cluster);
  expect(unknown).toMatchObject({ kind: 'unknown', why: expect.stringContaining(by) as string });
  const declared = { principals: { a: ['User:CN=umbra'] } };
  expect(principalsOf(cluster, declared)).toEqual({ kind: 'known', names: ['User:CN=umbra'] });
});

test('what is declared wins over the user name', () => {
  const declared = { principals: { a: ['User:mapped', 'User:old'] } };
  expect(principalsOf({ sasl: scram }, declared)).toEqual({ kind: 'known', names: ['User:mapped', 'User:old'] });
});

test('everybody is no principal of umbra, and a name needs its type', () => {
  expect(() => config({}, { principals: { a: ['User:*'] } })).toThrow(/everybody/);
  expect(() => config({}, { principals: { a: ['umbra'] } })).toThrow(/type/);
});

test('the principals of both ends are umbra, and one that is not known leaves all unknown', () => {
  const { a: source, b: target } = {
    a: siteRights(config({ sasl: scram }), 'a'),
    b: siteRights(config({}, { principals: { b: ['User:other'] } }), 'b'),
  };
  expect(ownPrincipals({ source, target })).toEqual({ kind: 'known', names: ['User:copier', 'User:other'] });
  const unknown = siteRights(config({ sasl: token }), 'a');
  expect(ownPrincipals({ source: unknown, target })).toMatchObject({ kind: 'unknown' });
});

test('super users and the default without ACLs are as declared, and by default none and off', () => {
  expect(siteRights(config({}), 'a')).toMatchObject({ superUsers: [], allowsWithoutAcl: false });
  const authorizers = { a: { superUsers: ['User:admin'], allowEveryoneIfNoAclFound: true } };
  expect(siteRights(config({}, { authorizers }), 'a')).toMatchObject({
    superUsers: ['User:admin'],
    allowsWithoutAcl: true,
  });
});

test('a link carries the names of its source, each kind by its own prefixes, and schemas from their primary', () => {
  const policy = prefixPolicySchema.parse({ owners: { a: 'a_', b: 'b_' }, groups: { a: 'ga_', b: 'gb_' } });
  expect(linkScope({ from: 'a' }, policy, { site: 'a' })).toEqual({
    TOPIC: [
      { kind: 'prefix', prefix: 'a_' },
      { kind: 'literal', name: '_schemas' },
    ],
    GROUP: [{ kind: 'prefix', prefix: 'ga_' }],
    TRANSACTIONAL_ID: [{ kind: 'prefix', prefix: 'a_' }],
  });
  expect(linkScope({ from: 'b' }, policy, { site: 'a' }).TOPIC).toEqual([{ kind: 'prefix', prefix: 'b_' }]);
});
