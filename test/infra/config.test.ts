import { describe, expect, test } from 'vitest';
import { clearTextSecrets, parseConfig, type PairConfig } from '../../infra/config.ts';
import { judgeSites } from '../../infra/existing.ts';
import { asExpected, existing, secretText, wrongConfigs } from './wrong-configs.ts';

function accepted(config: Readonly<Record<string, string>>): PairConfig {
  const parsed = parseConfig(config);
  if (parsed.kind === 'refused') throw new Error(parsed.lines.join('\n'));
  return parsed.config;
}

describe('configuration', () => {
  test('nothing at all makes the local pair', () => {
    expect(accepted({})).toMatchObject({
      ...{
        target: 'local',
        pair: 'pair',
        prefixes: { a: 'a_', b: 'b_' },
        schemaPrimary: 'a',
        onDelete: 'refuse',
        gap: 'fault',
      },
      local: { runtime: 'jvm', sites: { a: {}, b: {} } },
    });
  });

  test.each(wrongConfigs)('$name: one line with the path', ({ config, line }) => {
    const parsed = parseConfig(config);
    expect(parsed).toEqual({ kind: 'refused', lines: [asExpected(line)] });
    expect(JSON.stringify(parsed)).not.toContain(secretText);
  });

  test('all wrong fields are told together', () => {
    const parsed = parseConfig({
      'umbra:target': 'moon',
      'umbra:pair': '1',
      'umbra:prefixes': '{"a":"","b":""}',
      'umbra:what': 'x',
    });
    expect(parsed.kind === 'refused' && parsed.lines.map((line) => line.split(': ')[0])).toEqual([
      'umbra:what',
      'umbra:target',
      'umbra:pair',
      'umbra:prefixes.a',
      'umbra:prefixes.b',
    ]);
  });

  test('a policy, what links do with topics and leaks, and principals are taken as they are', () => {
    const policy = { unowned: 'refuse', applications: { a: [{ principal: 'User:orders' }] } };
    const config = accepted({
      ...{ 'umbra:policy': JSON.stringify(policy), 'umbra:topics': '{"deletion":"follow"}' },
      ...{ 'umbra:acls': '{"leaks":"refuse"}', 'umbra:principals': '{"a":["User:CN=umbra"]}' },
    });
    expect(config).toMatchObject({
      policy: { unowned: 'refuse', applications: { a: [{ principal: 'User:orders', host: '*' }], b: [] } },
      topics: { deletion: 'follow', replicationFactor: 'target-default' },
      ...{ acls: { leaks: 'refuse' }, principals: { a: ['User:CN=umbra'] } },
    });
  });

  test('a pair on this machine has a canary drill each night, unless another list is given or a direction is missing', () => {
    const nightly = {
      ...{ name: 'canary', level: 'L2', site: 'b' },
      schedule: { cron: '0 3 * * *', jitter: '20m', timeZone: 'UTC' },
    };
    expect(accepted({})).toMatchObject({ drills: [nightly], canaries: true, labels: [] });
    expect(accepted({ 'umbra:drills': '[]' })).toMatchObject({ drills: [], canaries: false });
    expect(accepted({ 'umbra:links': '["a-b"]' })).toMatchObject({ drills: [] });
    const look = accepted({ 'umbra:drills': '[{"name":"look","level":"L0","site":"a"}]', 'umbra:labels': '["lab"]' });
    expect(look).toMatchObject({ drills: [{ name: 'look', returnTo: 'home' }], canaries: false, labels: ['lab'] });
  });

  test('clusters that are there already are drilled where it is said, by an application whose password is a secret', () => {
    expect(accepted(existing)).toMatchObject({ drills: [], canaries: false, canary: undefined });
    const sasl = { mechanism: 'PLAIN', username: 'canary', password: secretText };
    const config = accepted({
      ...{ ...existing, 'umbra:drills': '[{"name":"canary","level":"L2","site":"b"}]' },
      'umbra:canary': JSON.stringify({ a: { sasl }, b: { bootstrapServers: ['kafka-b:9095'] } }),
    });
    expect(config).toMatchObject({
      ...{ drills: [{ name: 'canary' }], canaries: true },
      canary: {
        a: { bootstrapServers: ['kafka-a:9092'], sasl: { username: 'canary' } },
        b: { bootstrapServers: ['kafka-b:9095'] },
      },
    });
    expect(JSON.stringify(config)).not.toContain(secretText);
    expect(clearTextSecrets(config, (key) => key === 'umbra:sites')).toEqual(['umbra:canary.a.sasl.password']);
    expect(clearTextSecrets(config, (key) => key !== 'umbra:nothing')).toEqual([]);
  });

  test('where all workers run elsewhere, their own files say who the canaries are', () => {
    const workers = { a: { url: 'https://a.example' }, b: { url: 'https://b.example' } };
    const config = accepted({
      ...{ ...existing, 'umbra:workers': JSON.stringify(workers), 'umbra:apiToken': 'sixteen-characters' },
      'umbra:drills': '[{"name":"canary","level":"L2","site":"b"}]',
    });
    expect(config).toMatchObject({ drills: [{ name: 'canary' }], canaries: false });
  });

  test('other namespaces are not looked at', () => {
    expect(accepted({ 'aws:region': 'eu-central-1', 'pulumi:tags': '{}', 'umbrage:x': '1' }).target).toBe('local');
  });

  test('existing clusters come with their passwords as secrets', () => {
    const config = accepted({ ...existing, 'umbra:workers': '{"a":{"apiPort":18080}}', 'umbra:logLevel': 'debug' });
    expect(config).toMatchObject({ target: 'existing', workers: { a: { apiPort: 18_080 }, b: {} }, logLevel: 'debug' });
    expect(JSON.stringify(config)).not.toContain(secretText);
  });

  test('secrets of hooks are secrets, and named where they stand in clear text', () => {
    const webhook = { kind: 'webhook', url: `https://x.example/${secretText}`, headers: { Authorization: secretText } };
    const sasl = { mechanism: 'PLAIN', username: 'app', password: secretText };
    const repoint = { b: [{ kind: 'probe', topic: 'a_probe', client: { sasl } }, webhook] };
    const config = accepted({ 'umbra:repoint': JSON.stringify(repoint) });
    expect(config).toMatchObject({ repoint: { b: [{ topic: 'a_probe', attempts: 3 }, { kind: 'webhook' }] } });
    expect(JSON.stringify(config)).not.toContain(secretText);
    expect(clearTextSecrets(config, () => false)).toEqual([
      'umbra:repoint.b[0].client.sasl.password',
      'umbra:repoint.b[1].url',
      'umbra:repoint.b[1].headers.Authorization',
    ]);
    expect(clearTextSecrets(config, (key) => key === 'umbra:repoint')).toEqual([]);
  });

  test('a password in clear text is named, one that is a secret is not', () => {
    const config = accepted({ ...existing, 'umbra:apiToken': 'sixteen-characters' });
    expect(clearTextSecrets(config, () => false)).toEqual(['umbra:apiToken', 'umbra:sites.a.sasl.password']);
    expect(clearTextSecrets(config, () => true)).toEqual([]);
    expect(clearTextSecrets(accepted({}), () => false)).toEqual([]);
  });

  test('what signs its tokens has no secret in the configuration', () => {
    const sasl = { mechanism: 'AWS_MSK_IAM', region: 'eu-west-1' };
    const sites = { a: { bootstrapServers: ['a:9098'], tls: {}, sasl }, b: { bootstrapServers: ['b:9092'] } };
    const config = accepted({ 'umbra:target': 'existing', 'umbra:sites': JSON.stringify(sites) });
    expect(config).toMatchObject({ sites: { a: { sasl } } });
    expect(clearTextSecrets(config, () => false)).toEqual([]);
  });
});

describe('clusters that were asked', () => {
  const usable = { kind: 'usable', clusterId: 'A', brokers: 1, authorizer: true } as const;
  const refused = { kind: 'refused', reason: 'kafka-a:9092 refused the login of umbra' } as const;

  test('each one that cannot be used gives a line', () => {
    expect(judgeSites({ a: refused, b: refused })).toEqual({
      kind: 'refused',
      lines: [`umbra:sites.a: ${refused.reason}`, `umbra:sites.b: ${refused.reason}`],
    });
    expect(judgeSites({ a: usable, b: refused })).toMatchObject({ lines: [`umbra:sites.b: ${refused.reason}`] });
  });

  test('one cluster behind two addresses is refused', () => {
    expect(judgeSites({ a: usable, b: usable })).toEqual({
      kind: 'refused',
      lines: ['umbra:sites.b: is the same cluster as site a (cluster id A); a pair needs two clusters'],
    });
  });

  test('swapped sites are refused: each cluster knows which site it is', () => {
    const [a, b] = [{ ...usable, site: 'b' } as const, { ...usable, clusterId: 'B', site: 'a' } as const];
    expect(judgeSites({ a, b })).toMatchObject({
      kind: 'refused',
      lines: [
        expect.stringMatching(/^umbra:sites\.a: this cluster is site b of a pair, .* are the sites swapped\?/),
        expect.stringMatching(/^umbra:sites\.b: this cluster is site a of a pair/),
      ],
    });
    expect(judgeSites({ a: b, b: a })).toMatchObject({ kind: 'accepted' });
  });

  test('one without authorizer is taken, with a warning', () => {
    expect(judgeSites({ a: usable, b: { ...usable, clusterId: 'B', authorizer: false } })).toEqual({
      kind: 'accepted',
      clusterIds: { a: 'A', b: 'B' },
      warnings: [expect.stringMatching(/^umbra:sites\.b: this cluster has no authorizer: .*unfenced/)],
    });
  });
});
