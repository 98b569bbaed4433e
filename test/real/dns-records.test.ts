import dgram from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Move, repointSchema } from '../../src/worker/repoint/repoint-spec.ts';
import { type HookOutcome, runHooks } from '../../src/worker/repoint/run-hooks.ts';
import { missingNameServer, type NameServer, startNameServer, tsigKey } from '../fixtures/name-server.ts';

// DNS hooks against a real BIND, which Debian's packages bring.
const missingHere = await missingNameServer();
if (missingHere !== undefined) console.warn(`\nSKIPPED: no DNS record is set here. ${missingHere}\n`);

const zone = 'orders.example';
const move: Move = {
  ...{ operationId: 'failover-000017', kind: 'failover', topics: ['a_orders'], from: 'a', to: 'b', term: 4 },
  ...{ startedAt: '2026-11-22T04:33:00.000Z', terms: new Map([['a_orders', 4]]) },
  bootstrapServers: ['kafka-1.b.example:9094'],
};

describe.skipIf(missingHere !== undefined)('a DNS hook', () => {
  const key = tsigKey('umbra');
  let server: NameServer;
  beforeAll(async () => {
    server = await startNameServer({
      zone,
      keyFile: key.file,
      records: ['kafka IN CNAME kafka-1.a.example.', 'taken IN A 10.0.0.9'],
    });
  });
  afterAll(() => server.stop());

  async function run(records: readonly object[], changed: object = {}): Promise<HookOutcome> {
    const hook = {
      kind: 'dns',
      prefix: 'a_',
      server: '127.0.0.1',
      port: server.port,
      zone,
      keyFile: key.file,
      attempts: 1,
      records,
    };
    const hooks = repointSchema.parse([{ ...hook, ...changed }]);
    const [outcome] = await runHooks(hooks, { move, env: { PATH: process.env['PATH'] } }, new AbortController().signal);
    if (outcome === undefined) throw new Error('there is one hook');
    expect(inspect(outcome)).not.toContain(key.secret);
    return outcome;
  }
  const kafka = { name: `kafka.${zone}`, type: 'CNAME', value: 'kafka-1.b.example' };

  test('puts its records in the place of those before, also when it is run again', async () => {
    const addresses = ['10.0.1.1', '10.0.1.2'].map((value) => ({ name: `broker.${zone}`, type: 'A', value }));
    const records = [kafka, ...addresses, { name: `broker.${zone}.`, type: 'AAAA', value: '2001:db8::1' }];
    for (const ttlSeconds of [7, 3]) {
      expect(await run(records, { ttlSeconds })).toMatchObject({ hook: `1 (dns ${zone}.)`, outcome: 'done' });
      expect(await server.resolver.resolveCname(kafka.name)).toEqual([kafka.value]);
      const found = await server.resolver.resolve4(`broker.${zone}`, { ttl: true });
      expect(found.toSorted((x, y) => x.address.localeCompare(y.address))).toEqual(
        addresses.map(({ value }) => ({ address: value, ttl: ttlSeconds })),
      );
      expect(await server.resolver.resolve6(`broker.${zone}`)).toEqual(['2001:db8::1']);
    }
  });

  test('whose name has a record of another type fails: the server passes over it in silence', async () => {
    expect(await run([{ ...kafka, name: `taken.${zone}` }])).toMatchObject({
      outcome: 'failed',
      reason: 'a record is not as it was set: another one has that name (NXRRSET)',
    });
    expect(await server.resolver.resolve4(`taken.${zone}`)).toEqual(['10.0.0.9']);
  });

  test('with a wrong key fails, and changes nothing', async () => {
    const before = await server.resolver.resolveCname(kafka.name);
    const keyFile = tsigKey('umbra').file;
    expect(await run([{ ...kafka, value: 'elsewhere.example' }], { keyFile })).toMatchObject({
      outcome: 'failed',
      reason: 'TSIG error with server: tsig indicates error; update failed: NOTAUTH(BADSIG)',
    });
    expect(await server.resolver.resolveCname(kafka.name)).toEqual(before);
  });

  test('whose key file holds no key does not go on without, and shows nothing of it', async () => {
    const { file, secret } = tsigKey('umbra');
    writeFileSync(file, `${secret}\n`);
    const outcome = await run([kafka], { keyFile: file });
    expect(outcome.reason).toContain('its key file holds no TSIG key that nsupdate can read');
    expect(inspect(outcome)).not.toContain(secret);
  });

  test('of another zone than the server has fails', async () => {
    const records = [{ ...kafka, name: 'kafka.other.example' }];
    expect(await run(records, { zone: 'other.example' })).toMatchObject({ reason: 'update failed: NOTAUTH' });
  });

  test('whose server does not answer fails in its time', async () => {
    const silent = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const { port } = silent.address();
    expect(await run([kafka], { port, timeoutMs: 800 })).toMatchObject({
      outcome: 'failed',
      reason: 'it did not end within 800 ms and was killed',
    });
  });
});
