import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { verdictOf } from '../../src/kafka/errors.ts';
import { mskIamMint } from '../../src/kafka/msk-iam-tokens.ts';

const secretKey = 'umbra/test+secret/key';

// Nothing of this machine's own credentials, and no endpoint of a cloud.
beforeEach(() => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE']) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('AWS_CONFIG_FILE', '/no/such/file');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/no/such/file');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

function credentials(more: Readonly<Record<string, string>> = {}): void {
  const given = { AWS_ACCESS_KEY_ID: 'AKIDTEST', AWS_SECRET_ACCESS_KEY: secretKey, ...more };
  for (const [name, value] of Object.entries(given)) vi.stubEnv(name, value);
}

test('a token is a presigned request to connect, for the region that was asked for, and good for 15 minutes', async () => {
  credentials({ AWS_SESSION_TOKEN: 'session/token+==' });
  vi.stubEnv('AWS_REGION', 'us-east-1');
  const { value, expiresAtMs } = await mskIamMint('eu-central-1')();
  const url = new URL(Buffer.from(value.reveal(), 'base64url').toString('utf8'));
  const query = Object.fromEntries(url.searchParams);
  expect(url.origin).toBe('https://kafka.eu-central-1.amazonaws.com');
  expect(query).toMatchObject({ Action: 'kafka-cluster:Connect', 'X-Amz-Security-Token': 'session/token+==' });
  expect(query['X-Amz-Credential']).toMatch(/^AKIDTEST\/\d{8}\/eu-central-1\/kafka-cluster\/aws4_request$/);
  expect(query['X-Amz-Expires']).toBe('900');
  const signedAt = query['X-Amz-Date']?.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5') ?? '';
  expect(expiresAtMs).toBe(Date.parse(signedAt) + 900_000);
});

test('a token of credentials that end sooner is renewed by their end, and still says whole seconds', async () => {
  const endsAt = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 300_500);
  credentials({ AWS_CREDENTIAL_EXPIRATION: endsAt.toISOString() });
  const { value, expiresAtMs } = await mskIamMint('eu-west-1')();
  const url = new URL(Buffer.from(value.reveal(), 'base64url').toString('utf8'));
  expect(url.searchParams.get('X-Amz-Expires')).toBe('900');
  expect(expiresAtMs).toBe(endsAt.getTime());
});

test('where there are no credentials that is one clear line, and the next attempt looks again', async () => {
  const mint = mskIamMint('eu-west-1');
  const error = await mint().catch((caught: unknown) => caught);
  expect(String(error)).toMatch(
    /^ConnectionError: no AWS credentials to sign a token for eu-west-1 \(.+\): give this process a role/,
  );
  expect(String(error)).not.toContain('\n');
  expect(verdictOf(error)).toBe('denied');
  credentials();
  const token = await mint();
  expect(inspect(token, { depth: 8 })).not.toContain(token.value.reveal());
});
