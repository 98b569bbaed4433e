import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { drillsConfigSchema } from '../../../src/worker/drill/drills-config.ts';

const keyFile = '/srv/umbra/evidence.key';
const s3 = { bucket: 'drills', region: 'eu-west-1' };

test.each([
  ['a folder', { folder: '/srv/umbra/evidence', keyFile }, true],
  ['a bucket', { s3, keyFile }, true],
  ['neither', { keyFile }, false],
  ['both', { folder: '/srv/umbra/evidence', s3, keyFile }, false],
])('evidence has one place: %s', (_what, evidence, taken) => {
  const parsed = drillsConfigSchema.safeParse({ evidence });
  expect(parsed.success).toBe(taken);
  if (!taken) expect(parsed.error?.issues[0]?.message).toBe('needs one place: either "folder" or "s3"');
});

const folder = '/srv/umbra/evidence';
const pem = (kind: 'ed25519' | 'x25519'): string =>
  // The overloads know each kind by itself.
  (kind === 'ed25519' ? generateKeyPairSync(kind) : generateKeyPairSync(kind)).privateKey
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();

test('the key may come with the configuration in place of a file', () => {
  expect(drillsConfigSchema.safeParse({ evidence: { folder, key: pem('ed25519') } }).success).toBe(true);
});

const notTaken = 'must be a private key of Ed25519 as PEM (PKCS#8): "openssl genpkey -algorithm ed25519" makes one';

test.each([
  ['no key', {}, 'needs one key: either "keyFile" or "key"'],
  ['two', { keyFile, key: pem('ed25519') }, 'needs one key: either "keyFile" or "key"'],
  ['one of another kind', { key: pem('x25519') }, notTaken],
  ['what is none', { key: 'hunter2' }, notTaken],
])('%s is refused, and not shown', (_what, keys, message) => {
  const parsed = drillsConfigSchema.safeParse({ evidence: { folder, ...keys } });
  expect(parsed.error?.issues.map((issue) => issue.message)).toEqual([message]);
});
