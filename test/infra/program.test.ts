import { describe, expect, test } from 'vitest';
import type { CheckedCluster } from '../../src/provider/ports.ts';
import { providerVersion } from '../../src/provider/resources/provider-version.ts';
import { SecretProperty, unknownValue } from '../../src/provider/server/property.ts';
import { Problem } from '../../src/worker/problems.ts';
import { fakePasswords } from '../provider/fakes.ts';
import { fakeProvider } from './fake-provider.ts';
import { type ProgramRun, type Registration, runProgram } from './mini-engine.ts';
import { asExpected, existing, secretText, wrongConfigs } from './wrong-configs.ts';

const runMs = 60_000;
const neverAsked = fakeProvider(() => Promise.reject(new Error('no cluster is asked here')));
const usable = (servers: readonly string[]): CheckedCluster => ({
  ...{ clusterId: `id of ${servers.join()}`, brokers: 1, authorizer: true },
});

function named(run: ProgramRun, name: string): Registration {
  const found = run.registrations.filter((registration) => registration.name === name);
  expect(found, name).toHaveLength(1);
  return found[0]!;
}

/** Names of the resources that this one waits for, components apart. */
function waitsFor(run: ProgramRun, name: string): readonly string[] {
  const custom = run.registrations.filter((registration) => registration.custom);
  const { dependencies } = named(run, name);
  return custom.filter(({ urn }) => dependencies.includes(urn)).map((registration) => registration.name);
}

const pairNames = [
  'pair',
  'pair-link-a-b',
  'pair-link-b-a',
  'pair-prefix-policy',
  'pair-schema-primary',
  'pair-worker-a',
  'pair-worker-b',
];

function namesOf(run: ProgramRun): readonly string[] {
  return run.registrations.map(({ name }) => name).filter((name) => name !== 'umbra-test');
}

describe('the target local', { timeout: runMs }, () => {
  test('makes two clusters, two workers, the policies and both links, in this order', async () => {
    const run = await runProgram({ catalogue: neverAsked });
    expect(run).toMatchObject({ exitCode: 0, errors: [], warnings: [] });
    const local = ['pair-cluster-a', 'pair-cluster-b', 'pair-drill-canary'];
    expect([...namesOf(run)].sort()).toEqual([...pairNames, ...local].sort());
    expect(waitsFor(run, 'pair-worker-a')).toEqual(['pair-cluster-a', 'pair-cluster-b']);
    const workers = ['pair-worker-a', 'pair-worker-b'];
    expect(waitsFor(run, 'pair-prefix-policy')).toEqual(expect.arrayContaining(workers));
    expect(waitsFor(run, 'pair-schema-primary')).toEqual(expect.arrayContaining(workers));
    for (const link of ['pair-link-a-b', 'pair-link-b-a']) {
      expect(waitsFor(run, link)).toEqual(expect.arrayContaining(['pair-prefix-policy', 'pair-schema-primary']));
    }
    expect(named(run, 'pair-link-a-b').inputs).toMatchObject({ from: 'a', to: 'b', onDelete: 'refuse', gap: 'fault' });
    expect(waitsFor(run, 'pair-link-a-b')).toContain('pair-worker-b');

    const component = named(run, 'pair');
    expect(component.inputs).toEqual({
      ...{
        pair: 'pair',
        prefixes: { a: 'a_', b: 'b_' },
        schemaPrimary: 'a',
        onDelete: 'refuse',
        gap: 'fault',
        target: 'local',
      },
    });
    const children = run.registrations.filter(({ custom }) => custom);
    expect(children.map(({ parent }) => parent)).toEqual(children.map(() => component.urn));
    expect(new Set(children.map(({ version }) => version))).toEqual(new Set([providerVersion]));

    expect(run.stackOutputs).toEqual({
      bootstrapServers: { a: '127.0.0.1:19092', b: '127.0.0.1:19092' },
      api: { a: 'http://127.0.0.1:18080', b: 'http://127.0.0.1:18080' },
      metrics: { a: 'http://127.0.0.1:18080/metrics', b: 'http://127.0.0.1:18080/metrics' },
      workers: { a: ['http://127.0.0.1:18080'], b: ['http://127.0.0.1:18080'] },
      links: { 'a-b': 'following', 'b-a': 'following' },
      clientFiles: { a: { app: '/fake/a/app.properties' }, b: { app: '/fake/b/app.properties' } },
      aws: {},
    });
    expectSecret(run);
  });

  test('declares its drills behind the links, and gives all workers an application as their canary', async () => {
    const run = await runProgram({ catalogue: neverAsked, config: { 'umbra:labels': '["non-production"]' } });
    expect(run).toMatchObject({ exitCode: 0, errors: [], warnings: [] });
    expect(named(run, 'pair-drill-canary').inputs).toMatchObject({
      ...{ name: 'canary', level: 'L2', site: 'b', worker: 'http://127.0.0.1:18080', onDelete: 'refuse' },
      ...{ schedule: { cron: '0 3 * * *', jitter: '20m' }, clusterIds: { a: 'fakeClusterId', b: 'fakeClusterId' } },
    });
    expect(waitsFor(run, 'pair-drill-canary')).toEqual(expect.arrayContaining(['pair-link-a-b', 'pair-link-b-a']));
    for (const worker of ['pair-worker-a', 'pair-worker-b']) {
      const password: unknown = expect.any(SecretProperty);
      const client = { sasl: { mechanism: 'SCRAM-SHA-512', username: 'app', password } };
      expect(named(run, worker).inputs['drills'], worker).toMatchObject({
        ...{ canary: { clients: { a: client, b: client } }, labels: ['non-production'] },
      });
    }
    expectSecret(run);
  });

  test('without drills nothing is declared, and no canary is written', async () => {
    const run = await runProgram({ catalogue: neverAsked, config: { 'umbra:drills': '[]' } });
    expect(run).toMatchObject({ exitCode: 0, errors: [] });
    expect([...namesOf(run)].sort()).toEqual([...pairNames, 'pair-cluster-a', 'pair-cluster-b'].sort());
    expect(named(run, 'pair-worker-a').inputs).not.toHaveProperty('drills');
  });

  test('makes as many workers per site as are asked for, of which the first has the declared port', async () => {
    const local = JSON.stringify({ sites: { b: { apiPort: 7000 } } });
    const run = await runProgram({
      catalogue: neverAsked,
      config: { 'umbra:workersPerSite': '3', 'umbra:local': local },
    });
    expect(run).toMatchObject({ exitCode: 0, errors: [] });
    const workers = namesOf(run).filter((name) => name.includes('worker'));
    const names = (site: string): string[] => [2, 3].map((number) => `pair-worker-${site}-${number}`);
    expect(workers.sort()).toEqual(['pair-worker-a', ...names('a'), 'pair-worker-b', ...names('b')]);
    expect(named(run, 'pair-worker-b').inputs).toMatchObject({ site: 'b', apiPort: 7000 });
    expect(named(run, 'pair-worker-b').inputs).not.toHaveProperty('number');
    expect(named(run, 'pair-worker-b-3').inputs).toMatchObject({ site: 'b', number: 3 });
    expect(named(run, 'pair-worker-b-3').inputs).not.toHaveProperty('apiPort');
    expect((run.stackOutputs['workers'] as { a: unknown[] }).a).toHaveLength(3);
  });

  test('gives the policy, the links and the workers what is set for them, and groups their own prefixes', async () => {
    const policy = {
      groups: { a: 'ga_', b: 'gb_' },
      applications: { b: [{ principal: 'User:orders' }] },
      iam: { a: { clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/orders/1a2b-3' } },
    };
    const repoint = { b: [{ kind: 'webhook', url: `https://x.example/${secretText}` }] };
    const config = {
      ...{ 'umbra:repoint': JSON.stringify(repoint), 'umbra:workersPerSite': '2' },
      ...{ 'umbra:policy': JSON.stringify(policy), 'umbra:topics': '{"replicationFactor":1}' },
      ...{ 'umbra:acls': '{"leaks":"refuse"}', 'umbra:principals': '{"b":["User:mapped"]}' },
    };
    const run = await runProgram({ catalogue: neverAsked, config, secretKeys: ['umbra:repoint'] });
    expect(run).toMatchObject({ exitCode: 0, errors: [], warnings: [] });
    const { groups, iam } = policy;
    const applications = { a: [], b: [{ principal: 'User:orders', host: '*' }] };
    expect(named(run, 'pair-prefix-policy').inputs).toMatchObject({
      owners: { a: 'a_', b: 'b_' },
      groups,
      applications,
      iam,
    });
    expect(named(run, 'pair-link-b-a').inputs).toMatchObject({
      topics: { replicationFactor: 1 },
      acls: { leaks: 'refuse' },
    });
    expect(named(run, 'pair-worker-a').inputs).toMatchObject({ principals: { b: ['User:mapped'] } });
    for (const worker of ['pair-worker-b', 'pair-worker-b-2']) {
      const { repoint: hooks } = named(run, worker).inputs;
      expect(hooks instanceof SecretProperty && hooks.reveal(), worker).toMatchObject(repoint.b);
    }
    expect(named(run, 'pair-worker-a').inputs).not.toHaveProperty('repoint');
    expect(JSON.stringify([run.registrations, run.stackOutputs, run.stderr])).not.toContain(secretText);
    const { grants } = named(run, 'pair-cluster-b').inputs as {
      grants: { resourceType: string; resourceName: string }[];
    };
    const groupNames = grants
      .filter(({ resourceType }) => resourceType === 'GROUP')
      .map(({ resourceName }) => resourceName);
    expect([...new Set(groupNames)].sort()).toEqual(['ga_', 'gb_', 'umbra-', 'umbra-rehearsal.']);
  });

  test('a preview knows nothing and makes nothing up', async () => {
    const config = { 'umbra:local': '{"kafkaVersion":"4.2.0","sites":{"a":{"clientPort":19092,"apiPort":18081}}}' };
    const run = await runProgram({ catalogue: neverAsked, config, preview: true });
    expect(run).toMatchObject({ exitCode: 0, errors: [] });
    expect(named(run, 'pair-cluster-a').inputs).toMatchObject({ kafkaVersion: '4.2.0', clientPort: 19_092 });
    expect(named(run, 'pair-cluster-b').inputs).not.toHaveProperty('clientPort');
    expect(named(run, 'pair-worker-a').inputs).toMatchObject({ apiPort: 18_081 });
    expect(named(run, 'pair-link-a-b').inputs).toMatchObject({ worker: unknownValue });
    expect(run.stackOutputs['links']).toEqual({ 'a-b': unknownValue, 'b-a': unknownValue });
  });
});

/** Whatever is registered or put out, a password is only ever inside a secret. */
function expectSecret(run: ProgramRun): void {
  const login = { mechanism: 'SCRAM-SHA-512', username: 'umbra' };
  const { clusters } = named(run, 'pair-worker-b').inputs as { clusters: { a: { sasl: { password: unknown } } } };
  expect(clusters.a.sasl).toMatchObject(login);
  expect(clusters.a.sasl.password).toBeInstanceOf(SecretProperty);
  const printed = JSON.stringify([run.registrations, run.stackOutputs, run.errors, run.warnings, run.stderr]);
  for (const password of [...Object.values(fakePasswords), secretText]) expect(printed).not.toContain(password);
}

describe('the target existing', { timeout: runMs }, () => {
  test('asks both clusters before it registers anything, and changes nothing about them', async () => {
    const asked: string[] = [];
    const catalogue = fakeProvider(({ bootstrapServers, sasl }) => {
      asked.push(
        `${bootstrapServers.join()} as ${sasl !== undefined && 'username' in sasl ? sasl.username : 'nobody'}`,
      );
      return Promise.resolve({ ...usable(bootstrapServers), authorizer: sasl !== undefined });
    });
    const config = { ...existing, 'umbra:onDelete': 'detach', 'umbra:apiToken': 'sixteen-characters' };
    const run = await runProgram({ catalogue, config, secretKeys: ['umbra:sites', 'umbra:apiToken'] });
    expect(run).toMatchObject({ exitCode: 0, errors: [] });
    expect([...namesOf(run)].sort()).toEqual([...pairNames].sort());
    expect([...asked].sort()).toEqual(['kafka-a:9092 as umbra', 'kafka-b:9092 as nobody']);
    const checks = ['checkPrefixes', 'checkCluster', 'checkCluster'];
    expect(run.invokes).toEqual(checks.map((name) => `umbra:index:${name} after 0 resources`));
    expect(run.warnings).toEqual([expect.stringMatching(/^umbra:sites\.b: this cluster has no authorizer/)]);
    expect(run.stackOutputs).toMatchObject({
      bootstrapServers: { a: 'kafka-a:9092', b: 'kafka-b:9092' },
      clientFiles: {},
    });
    for (const name of ['pair-worker-a', 'pair-prefix-policy', 'pair-schema-primary', 'pair-link-b-a']) {
      expect(named(run, name).inputs['apiToken'], name).toBeInstanceOf(SecretProperty);
    }
    expect(named(run, 'pair-link-b-a').inputs).toMatchObject({
      onDelete: 'detach',
      clusterIds: { a: 'id of kafka-a:9092', b: 'id of kafka-b:9092' },
    });
    expectSecret(run);
  });

  test('starts no worker of a site whose workers run elsewhere, and declares everything to them', async () => {
    const workers = { a: { url: 'https://umbra-a.example/' }, b: { apiPort: 7000 } };
    const config = {
      ...{ ...existing, 'umbra:workers': JSON.stringify(workers), 'umbra:apiToken': 'sixteen-characters' },
      'umbra:workersPerSite': '2',
    };
    const catalogue = fakeProvider(({ bootstrapServers }) => Promise.resolve(usable(bootstrapServers)));
    const run = await runProgram({ catalogue, config, secretKeys: ['umbra:sites', 'umbra:apiToken'] });
    expect(run).toMatchObject({ exitCode: 0, errors: [] });
    const names = pairNames.filter((name) => name !== 'pair-worker-a');
    expect([...namesOf(run)].sort()).toEqual([...names, 'pair-worker-b-2'].sort());
    const url = 'https://umbra-a.example';
    expect(named(run, 'pair-link-b-a').inputs).toMatchObject({
      worker: url,
      apiToken: expect.any(SecretProperty) as unknown,
    });
    for (const name of ['pair-prefix-policy', 'pair-schema-primary']) {
      expect(named(run, name).inputs, name).toMatchObject({ workers: { a: url, b: 'http://127.0.0.1:18080' } });
    }
    expect(run.stackOutputs).toMatchObject({
      api: { a: url, b: 'http://127.0.0.1:18080' },
      metrics: { a: `${url}/metrics` },
      workers: { a: [url], b: ['http://127.0.0.1:18080', 'http://127.0.0.1:18080'] },
    });
  });

  test('starts nothing at all where the workers of both sites run elsewhere', async () => {
    const workers = { a: { url: 'https://umbra-a.example' }, b: { url: 'https://umbra-b.example' } };
    const config = { ...existing, 'umbra:workers': JSON.stringify(workers), 'umbra:apiToken': 'sixteen-characters' };
    const catalogue = fakeProvider(({ bootstrapServers }) => Promise.resolve(usable(bootstrapServers)));
    const run = await runProgram({ catalogue, config, secretKeys: ['umbra:sites', 'umbra:apiToken'] });
    expect(run).toMatchObject({ exitCode: 0, errors: [] });
    expect([...namesOf(run)].sort()).toEqual(pairNames.filter((name) => !name.includes('worker')));
    expect(JSON.stringify([run.registrations, run.stackOutputs])).not.toContain(secretText);
  });

  test('a wrong password ends it with one line, and a password in clear text is pointed at', async () => {
    const catalogue = fakeProvider(({ bootstrapServers }) =>
      bootstrapServers[0] === 'kafka-a:9092'
        ? Promise.reject(new Problem('UNREACHABLE', 'kafka-a:9092 refused the login of umbra'))
        : Promise.resolve(usable(bootstrapServers)),
    );
    const run = await runProgram({ catalogue, config: existing });
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toEqual(['umbra:sites.a: kafka-a:9092 refused the login of umbra']);
    expect(run.warnings).toEqual([expect.stringMatching(/^umbra:sites\.a\.sasl\.password: stands in clear text/)]);
    expect(namesOf(run)).toEqual([]);
  });

  test('one cluster under two names ends it with one line', async () => {
    const run = await runProgram({ catalogue: fakeProvider(() => Promise.resolve(usable(['one']))), config: existing });
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toEqual([expect.stringMatching(/^umbra:sites\.b: is the same cluster as site a/)]);
    expect(namesOf(run)).toEqual([]);
  });
});

// Each runs the whole program: half of the table here, all of it in config.test.ts without the program.
describe.concurrent('a wrong configuration', { timeout: 2 * runMs }, () => {
  const chosen = wrongConfigs.filter((_, index) => index % 2 === 0);

  test('there are at least twelve', ({ expect: check }) => {
    check(chosen.length).toBeGreaterThanOrEqual(12);
  });

  test.each(chosen)('$name: one clear line, nothing registered, exit code not 0', async ({ config, line }) => {
    const run = await runProgram({ catalogue: neverAsked, config });
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toEqual([asExpected(line)]);
    expect(run).toMatchObject({ warnings: [], invokes: [], stderr: '' });
    expect(namesOf(run)).toEqual([]);
  });
});
