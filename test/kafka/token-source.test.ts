import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { type BearerToken, jwtExpiryMs } from '../../src/kafka/bearer-token.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { ConnectionError, verdictOf } from '../../src/kafka/errors.ts';
import { renewalDelayMs } from '../../src/kafka/sasl.ts';
import { refusalReason, refusalVerdict } from '../../src/kafka/sasl-refusal.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { cachedTokens, tokenSourceOf } from '../../src/kafka/token-source.ts';

const lifeMs = 900_000;

interface Mint {
  nowMs: number;
  minted: number;
  fails: boolean;
  readonly source: ReturnType<typeof cachedTokens>;
}

/** Tokens that say how many there were before, good for {@link lifeMs} of a clock that only the test moves. */
function mintAt(startMs: number, expires = true): Mint {
  const mint: Mint = {
    nowMs: startMs,
    minted: 0,
    fails: false,
    source: cachedTokens({
      mint: () => {
        if (mint.fails) return Promise.reject(new ConnectionError('nothing to sign with', { verdict: 'denied' }));
        const value = new Secret(`token-${(mint.minted += 1)}`);
        return Promise.resolve({ value, expiresAtMs: expires ? mint.nowMs + lifeMs : undefined });
      },
      remedy: 'ask for another',
      nowMs: () => mint.nowMs,
    }),
  };
  return mint;
}

const valueOf = async (source: { token(): Promise<BearerToken> }): Promise<string> =>
  (await source.token()).value.reveal();

test('a token serves until a fifth of its life is left, then there is another one', async () => {
  const mint = mintAt(1_000);
  expect(await valueOf(mint.source)).toBe('token-1');
  mint.nowMs += 0.8 * lifeMs - 1;
  expect(await valueOf(mint.source)).toBe('token-1');
  mint.nowMs += 1;
  expect(await valueOf(mint.source)).toBe('token-2');
});

test('connections that open at the same time share one request for a token', async () => {
  const mint = mintAt(0);
  const values = await Promise.all(Array.from({ length: 20 }, () => valueOf(mint.source)));
  expect(new Set(values)).toEqual(new Set(['token-1']));
  expect(mint.minted).toBe(1);
});

test('while no other token is to be had the old one serves until it expires, and not longer', async () => {
  const mint = mintAt(0);
  await mint.source.token();
  mint.fails = true;
  mint.nowMs = lifeMs - 1;
  expect(await valueOf(mint.source)).toBe('token-1');
  mint.nowMs = lifeMs;
  await expect(mint.source.token()).rejects.toThrow('nothing to sign with');
  mint.fails = false;
  expect(await valueOf(mint.source)).toBe('token-2');
});

test('a token that a broker refused is not handed out again', async () => {
  const mint = mintAt(0);
  const first = await mint.source.token();
  mint.source.refused(first);
  const second = await mint.source.token();
  expect(second.value.reveal()).toBe('token-2');
  // The refusal of an old one, come late.
  mint.source.refused(first);
  expect(await mint.source.token()).toBe(second);
});

test('a token whose expiry is not known is asked for at each authentication', async () => {
  const mint = mintAt(0, false);
  expect([await valueOf(mint.source), await valueOf(mint.source)]).toEqual(['token-1', 'token-2']);
});

test('the remedy of a token that has expired says when it did', async () => {
  const mint = mintAt(Date.UTC(2026, 0, 31));
  const token = await mint.source.token();
  expect(mint.source.remedy(token)).toBe('ask for another');
  mint.nowMs += lifeMs;
  expect(mint.source.remedy(token)).toBe('it expired at 2026-01-31T00:15:00.000Z; ask for another');
});

const jwt = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

test.each([
  ['with an expiry', jwt({ exp: 1_800_000_000 }), 1_800_000_000_000],
  ['without one', jwt({ sub: 'umbra' }), undefined],
  ['with an expiry that is no number', jwt({ exp: 'soon' }), undefined],
  ['that is opaque', 'opaque-token', undefined],
  ['with dots that is none', 'a.b.c', undefined],
])('of a token %s its expiry is what it says', (_what, token, expiry) => {
  expect(jwtExpiryMs(token)).toBe(expiry);
});

function tokenFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'umbra-token-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'token');
}

test('a token file is read at each authentication', async () => {
  const file = tokenFile();
  const source = tokenSourceOf({ mechanism: 'OAUTHBEARER', tokenFile: file }, () => 0);
  const first = jwt({ exp: 1 });
  writeFileSync(file, `${first}\n`);
  expect(await source?.token()).toMatchObject({ expiresAtMs: 1_000 });
  writeFileSync(file, 'second');
  expect((await source?.token())?.value.reveal()).toBe('second');
});

test.each([
  ['is not there', undefined, /cannot be read \(ENOENT\)/],
  ['is empty', ' \n', /is empty/],
  ['holds more than a token', 'hunter2 hunter3', /holds something else than one token/],
])('a token file that %s is one clear line without what it holds', async (_what, content, says) => {
  const file = tokenFile();
  if (content !== undefined) writeFileSync(file, content);
  const asked = tokenSourceOf({ mechanism: 'OAUTHBEARER', tokenFile: file })?.token();
  const error = await asked?.catch((caught: unknown) => caught);
  expect(String(error)).toMatch(says);
  expect(String(error)).toContain(file);
  expect(verdictOf(error)).toBe('denied');
  expect(inspect(error, { depth: 8 })).not.toContain('hunter2');
});

test.each([
  ['a session without an end is left alone', { sessionMs: 0, tokenMs: 10_000 }, undefined],
  ['a session is renewed before it ends', { sessionMs: 100_000, tokenMs: undefined }, 80_000],
  ['a token that ends sooner comes first', { sessionMs: 100_000, tokenMs: 10_000 }, 8_000],
  ['a token that ends later does not matter', { sessionMs: 100_000, tokenMs: 900_000 }, 80_000],
  ['a token that has ended by a wrong clock does not matter', { sessionMs: 100_000, tokenMs: -5 }, 80_000],
  ['brokers take no two authentications within a second', { sessionMs: 100_000, tokenMs: 300 }, 1_100],
  ['a session of a hundred days fits a timer', { sessionMs: 8_640_000_000, tokenMs: undefined }, 2 ** 31 - 1],
])('%s', (_rule, life, delayMs) => {
  expect(renewalDelayMs(life)).toBe(delayMs);
});

test('what brokers say of a refusal is one short line of plain text', () => {
  expect(refusalReason(Buffer.from('{"status":"invalid_token"}'))).toBe('invalid_token');
  expect(refusalReason(Buffer.from(JSON.stringify({ status: `two\nlines ${'x'.repeat(300)}` })))).toMatch(
    /^two lines x{190}$/,
  );
  expect(refusalReason(Buffer.from('not JSON'))).toBeUndefined();
  expect(refusalReason(new Error('of the library'))).toBeUndefined();
});

test('too many connections at once are no wrong credentials', () => {
  expect(refusalVerdict('[0a1b]: Too many connects')).toBe('later');
  expect(refusalVerdict('[0a1b]: Access denied')).toBe('denied');
  expect(refusalVerdict(undefined)).toBe('denied');
});

const tls = { caFile: '/ca.pem' };
test.each([
  ['a token and a file', { sasl: { mechanism: 'OAUTHBEARER', token: 'x', tokenFile: '/t' } }, 'sasl.tokenFile'],
  ['neither token nor file', { sasl: { mechanism: 'OAUTHBEARER' } }, 'sasl.token'],
  ['no region', { tls, sasl: { mechanism: 'AWS_MSK_IAM' } }, 'sasl.region'],
  ['a region that is none', { tls, sasl: { mechanism: 'AWS_MSK_IAM', region: 'europe' } }, 'sasl.region'],
  ['a user for IAM', { tls, sasl: { mechanism: 'AWS_MSK_IAM', region: 'eu-west-1', username: 'u' } }, 'sasl'],
  ['IAM without TLS', { sasl: { mechanism: 'AWS_MSK_IAM', region: 'eu-west-1' } }, 'tls'],
])('%s in a configuration is refused by its field', (_what, rest, field) => {
  const parsed = clusterConfigSchema.safeParse({ bootstrapServers: ['kafka:9098'], ...rest });
  expect(parsed.error?.issues.map(({ path }) => path.join('.'))).toEqual([field]);
});

test('IAM with a region and TLS is a configuration', () => {
  const config = {
    bootstrapServers: ['b-1.kafka:9098'],
    tls: {},
    sasl: { mechanism: 'AWS_MSK_IAM', region: 'us-gov-west-1' },
  };
  expect(clusterConfigSchema.parse(config)).toEqual(config);
});
