import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { type DnsHook, type Move, repointSchema } from '../../../src/worker/repoint/repoint-spec.ts';
import { type HookOutcome, runHooks } from '../../../src/worker/repoint/run-hooks.ts';
import { renderUpdate } from '../../../src/worker/repoint/update-dns.ts';

const move: Move = {
  ...{ operationId: 'op-7', kind: 'failover', topics: ['a_orders', 'a_pay'], from: 'a', to: 'b', term: 3 },
  ...{
    startedAt: '2026-11-22T04:33:00.000Z',
    terms: new Map([
      ['a_orders', 3],
      ['a_pay', 3],
    ]),
  },
  bootstrapServers: ['kafka-1.b.example:9094'],
};
const never = new AbortController().signal;
const record = { name: 'kafka.orders.example', type: 'CNAME', value: 'kafka.b.example' };
const dns = { kind: 'dns', prefix: 'a_', server: 'ns.example', zone: 'orders.example', keyFile: '/etc/umbra/dns.key' };
const parse = (changed: object): unknown => repointSchema.safeParse([{ ...dns, records: [record], ...changed }]);
const refusal = (changed: object): string => JSON.stringify((parse(changed) as { error?: { issues: unknown } }).error);

test('a DNS record is set in one update, and then asked for as a whole', () => {
  const records = [
    { name: 'broker.orders.example.', type: 'A', value: '10.0.0.1' },
    { name: 'broker.orders.example', type: 'A', value: '10.0.0.2' },
    { name: 'broker.orders.example', type: 'AAAA', value: '2001:db8::1' },
    record,
  ];
  const [hook] = repointSchema.parse([{ ...dns, records, ttlSeconds: 7 }]);
  expect(renderUpdate(hook as DnsHook)).toBe(
    [
      'server ns.example 53',
      'zone orders.example.',
      'update delete broker.orders.example. A',
      'update delete broker.orders.example. AAAA',
      'update delete kafka.orders.example. CNAME',
      'update add broker.orders.example. 7 A 10.0.0.1',
      'update add broker.orders.example. 7 A 10.0.0.2',
      'update add broker.orders.example. 7 AAAA 2001:db8::1',
      'update add kafka.orders.example. 7 CNAME kafka.b.example.',
      'send',
      'prereq yxrrset broker.orders.example. A 10.0.0.1',
      'prereq yxrrset broker.orders.example. A 10.0.0.2',
      'prereq yxrrset broker.orders.example. AAAA 2001:db8::1',
      'prereq yxrrset kafka.orders.example. CNAME kafka.b.example.',
      'send',
      '',
    ].join('\n'),
  );
});

test.each([
  ['a name', { records: [{ ...record, name: 'kafka.orders.example\nupdate delete x' }] }],
  ['a name with a space', { records: [{ ...record, name: 'kafka.orders.example 5' }] }],
  ['a value', { records: [{ ...record, value: 'kafka.b.example.\nsend' }] }],
  ['an IPv4 address', { records: [{ ...record, type: 'A', value: '10.0.0.1\nsend' }] }],
  ['an IPv6 address', { records: [{ ...record, type: 'AAAA', value: '::1]/\nsend' }] }],
  ['a server', { server: 'ns.example\nserver elsewhere' }],
  ['a server with options', { server: '-local' }],
  ['a zone', { zone: 'orders.example\n' }],
  ['a key file', { keyFile: '/key\n' }],
  ['a key file that is an option', { keyFile: '-d' }],
  ['a type', { records: [{ ...record, type: 'TXT' }] }],
])('a DNS record brings no lines of its own into the script: %s', (_, changed) => {
  expect(parse(changed)).toMatchObject({ success: false });
});

test('a DNS record is what a script takes, whatever words it is made of', () => {
  const word = fc.string({
    unit: fc.constantFrom('a', '7', '.', '-', '_', ':', '\n', ' '),
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(word, word, word, (name, value, server) => {
      const parsed = repointSchema.safeParse([
        { ...dns, server, records: [{ ...record, name: `${name}.${dns.zone}`, value }] },
      ]);
      if (parsed.success) expect(renderUpdate(parsed.data[0] as DnsHook)).toMatch(/^(?:[!-~]+(?: [!-~]+)*\n){7}$/);
    }),
  );
});

test.each([
  [{ records: [{ ...record, name: 'kafka.other.example' }] }, 'is not within the zone orders.example.'],
  [{ records: [{ ...record, name: 'sorders.example' }] }, 'is not within the zone'],
  [{ records: [{ ...record, name: 'orders.example' }] }, 'is the zone itself, which can have no CNAME'],
  [{ records: [record, { ...record, value: 'x.example' }] }, 'has a CNAME, and nothing beside it'],
  [
    {
      records: [
        { ...record, type: 'A', value: '10.0.0.1' },
        { ...record, name: 'KAFKA.orders.example' },
      ],
    },
    'nothing beside it',
  ],
  [{ records: ['::1', '0:0::1'].map((value) => ({ ...record, type: 'AAAA', value })) }, 'is there twice'],
  [{ records: [] }, 'must name a record'],
  [{ prefix: undefined }, 'prefix'],
  [{ ttlSeconds: 3_601 }, '<=3600'],
  [{ port: 0 }, '>=1'],
  [{ keyFile: 'dns.key' }, 'must be an absolute path'],
])('a DNS record that cannot be is refused: %j', (changed, message) => {
  expect(refusal(changed)).toContain(message);
});

test('a DNS hook without nsupdate, or without its key, says what is missing', async () => {
  const keyFile = join(await mkdtemp(join(tmpdir(), 'umbra-dns-')), 'key');
  onTestFinished(() => rm(dirname(keyFile), { recursive: true, force: true }));
  const hook = { ...dns, keyFile, attempts: 1, records: [record] };
  const run = async (PATH: string): Promise<HookOutcome | undefined> =>
    (await runHooks(repointSchema.parse([hook]), { move, env: { PATH } }, never))[0];
  expect(await run('/nowhere')).toMatchObject({
    hook: '1 (dns orders.example.)',
    outcome: 'failed',
    reason: `its key file ${keyFile} cannot be read (ENOENT)`,
  });
  await writeFile(keyFile, '');
  const outcome = await run('/nowhere');
  expect(outcome?.reason).toBe('there is no nsupdate on PATH: install it (Debian: apt-get install bind9-dnsutils)');
});
