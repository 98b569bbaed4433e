import { beforeAll, describe, expect, test } from 'vitest';
import { laidOver } from '../../../src/cli/worker-file.ts';
import { SecretProperty, unknownValue } from '../../../src/provider/server/property.ts';
import { workerConfigSchema } from '../../../src/worker/worker-config.ts';
import { madeUp } from '../fake-aws/resources.ts';
import { type ProgramRun, type Registration, runProgram } from '../mini-engine.ts';
import { fakeProvider } from '../fake-provider.ts';
import { asExpected } from '../wrong-configs.ts';
import { awsConfig, awsSettings, canaryPassword, evidenceKey, ownPassword, regions, siteWith } from './settings.ts';
import { wrongAwsConfigs } from './wrong-settings.ts';

const runMs = 60_000;
const catalogue = fakeProvider(() => Promise.reject(new Error('no cluster is asked here')));
const secretKeys = ['umbra:aws'];

function named(run: ProgramRun, name: string): Registration {
  const found = run.registrations.filter((registration) => registration.name === name);
  expect(found, name).toHaveLength(1);
  return found[0]!;
}

function ofAws(run: ProgramRun): readonly Registration[] {
  return run.registrations.filter(({ type }) => type.startsWith('aws:'));
}

/** Names of the resources that this one waits for. */
function waitsFor(run: ProgramRun, name: string): readonly string[] {
  const { dependencies } = named(run, name);
  return run.registrations.filter(({ urn }) => dependencies.includes(urn)).map((registration) => registration.name);
}

describe('the target aws', { timeout: runMs }, () => {
  let run: ProgramRun;

  beforeAll(async () => {
    run = await runProgram({ catalogue, config: awsConfig(), secretKeys });
    expect(run).toMatchObject({ exitCode: 0, errors: [], warnings: [], stderr: '' });
  }, runMs);

  test('every resource of a side is made by the provider of its region, and none by a default one', () => {
    const regions = ofAws(run).map(({ name, provider }) => [name, provider?.split('::').at(-1)] as const);
    for (const [name, provider] of regions) {
      const side = { 'pair-peering-request': 'a', 'pair-peering-accept': 'b' }[name] ?? name.split('-')[1];
      expect(provider, name).toBe(`pair-${side}-provider`);
    }
    expect(named(run, 'pair-a-provider').inputs).toMatchObject({ region: 'eu-west-1' });
    expect(named(run, 'pair-b-provider').inputs).toMatchObject({ region: 'eu-central-1' });
    expect(ofAws(run).filter(({ inputs }) => 'region' in inputs)).toEqual([]);
  });

  test('clusters are protected, and what outlives the stack is kept with all that guards it', () => {
    const guarded = ofAws(run).filter(({ protect }) => protect);
    expect(guarded.map(({ name }) => name).sort()).toEqual(['pair-a-cluster', 'pair-b-cluster']);
    const kept = ofAws(run).filter(({ retainOnDelete }) => retainOnDelete);
    const ofBuckets = ofAws(run).filter(({ type }) => type.startsWith('aws:s3/') || type.startsWith('aws:kms/'));
    expect(kept).toEqual(ofBuckets);
    for (const kind of ['evidence', 'quarantine']) {
      expect(named(run, `pair-b-${kind}`).inputs).toMatchObject({ objectLockEnabled: true });
      expect(named(run, `pair-b-${kind}-lock`).inputs).toMatchObject({
        rule: { defaultRetention: { mode: 'GOVERNANCE' } },
      });
    }
    for (const kind of ['spec', 'evidence', 'quarantine']) {
      expect(named(run, `pair-a-${kind}-versioning`).inputs).toMatchObject({
        versioningConfiguration: { status: 'Enabled' },
      });
      expect(named(run, `pair-a-${kind}-closed`).inputs).toMatchObject({ restrictPublicBuckets: true });
    }
  });

  test('brokers speak TLS to roles and users only, encrypted by the key of the site, and take no setting that pins them', () => {
    expect(named(run, 'pair-b-cluster').inputs).toMatchObject({
      ...{ clusterName: 'pair-b', kafkaVersion: '4.0.x.kraft', numberOfBrokerNodes: 3 },
      brokerNodeGroupInfo: { connectivityInfo: { publicAccess: { type: 'DISABLED' } } },
      clientAuthentication: { sasl: { iam: true, scram: true }, unauthenticated: false },
      encryptionInfo: { encryptionInTransit: { clientBroker: 'TLS', inCluster: true } },
    });
    const settings = named(run, 'pair-b-broker-settings').inputs;
    expect(settings).not.toHaveProperty('kafkaVersions');
    expect(settings['serverProperties']).toContain('allow.everyone.if.no.acl.found=false');
  });

  test('who is primary is in both regions, and never declared again', () => {
    for (const site of ['a', 'b']) {
      for (const owner of ['a', 'b']) {
        const parameter = named(run, `pair-${site}-primary-${owner}`);
        const { name, value } = parameter.inputs;
        expect(name).toBe(`/umbra/pair/primary/${owner}`);
        // The class takes every value for a secret. Site a has users with passwords, site b has none.
        const first = JSON.parse((value as SecretProperty).reveal() as string) as unknown;
        const port = owner === 'a' ? 9096 : 9098;
        const servers = [1, 2, 3].map(
          (id) => expect.stringMatching(`^b-${id}\\.pair-${owner}\\..*:${port}$`) as string,
        );
        expect(first).toEqual({ prefix: `${owner}_`, primary: owner, term: 0, bootstrapServers: servers });
        expect(parameter.ignoreChanges).toEqual(['value']);
      }
    }
  });

  test('the workers of a site run in its region; a deployment that fails is undone; autoscaling keeps its number', () => {
    const service = named(run, 'pair-b-worker-service');
    expect(service.inputs).toMatchObject({
      ...{ desiredCount: 2, waitForSteadyState: true, deploymentCircuitBreaker: { enable: true, rollback: true } },
      networkConfiguration: { assignPublicIp: false },
    });
    expect(service.ignoreChanges).toEqual(['desiredCount']);
    const text = named(run, 'pair-b-worker-task').inputs['containerDefinitions'];
    const [container] = JSON.parse(text as string) as [{ environment: { value: string }[]; image: string }];
    expect(container.image).toBe(awsSettings.image.b);
    expect(JSON.parse(container.environment[0]!.value)).toMatchObject({
      ...{ site: 'b', specChannel: { region: 'eu-central-1' } },
      clusters: { a: { sasl: { region: 'eu-west-1' } }, b: { sasl: { region: 'eu-central-1' } } },
    });
  });

  test('what is declared to the workers waits for the workers, the way between the regions and the first registry', () => {
    const before = waitsFor(run, 'pair-prefix-policy');
    expect(before).toEqual(
      expect.arrayContaining(['pair-a-worker-service', 'pair-b-worker-service', 'pair-a-registry-service']),
    );
    expect(before).not.toContain('pair-b-registry-service');
    expect(waitsFor(run, 'pair-b-registry-service')).toContain('pair-link-a-b');
    for (const site of ['a', 'b']) {
      const ways = ['pair-a-route-1', 'pair-b-route-1', `pair-${site}-token-value`];
      // A task that starts before its endpoints and rules fails, and its deployment with it.
      const rules = ['pair-a-brokers-iam-2', 'pair-b-brokers-iam-1', `pair-${site}-task-ports-out-https`];
      const endpoints = [`pair-${site}-endpoint-ecr-dkr`, `pair-${site}-endpoint-s3`, `pair-${site}-endpoint-logs`];
      for (const service of ['worker', 'registry']) {
        const before = waitsFor(run, `pair-${site}-${service}-service`);
        expect(before).toEqual(expect.arrayContaining([...rules, ...endpoints]));
      }
      expect(waitsFor(run, `pair-${site}-worker-service`)).toEqual(expect.arrayContaining(ways));
    }
    expect(waitsFor(run, 'pair-link-b-a')).toEqual(
      expect.arrayContaining(['pair-prefix-policy', 'pair-schema-primary']),
    );
    expect(named(run, 'pair-link-a-b').inputs).toMatchObject({
      ...{ from: 'a', to: 'b', onDelete: 'refuse', gap: 'fault' },
      worker: expect.stringMatching(
        /^s3:\/\/pair-b-spec-[0-9a-f]+\/pair\/\?region=eu-central-1&pair=pair&site=b$/,
      ) as string,
    });
    expect(named(run, 'pair-link-a-b').inputs).not.toHaveProperty('clusterIds');
    expect(named(run, 'pair-prefix-policy').inputs['iam']).toMatchObject({
      a: { clusterArn: expect.stringContaining(':eu-west-1:') as string },
    });
  });

  test('a drill is started where it activates, once, and its failure is kept', () => {
    const schedule = named(run, 'pair-b-drill-lose-a');
    expect(schedule.inputs).toMatchObject({
      ...{ scheduleExpression: 'cron(0 6 ? * TUE *)', scheduleExpressionTimezone: 'Europe/Dublin' },
      target: { retryPolicy: { maximumRetryAttempts: 0 }, ecsParameters: { launchType: 'FARGATE' } },
    });
    const { target } = schedule.inputs as { target: { input: string; deadLetterConfig: unknown } };
    const command = ['drill', 'run', 'lose-a', '--api', 'http://worker.pair-b.umbra.internal:8080'];
    expect(JSON.parse(target.input)).toEqual({ containerOverrides: [{ name: 'umbra', command }] });
    expect(target.deadLetterConfig).toEqual({ arn: expect.stringContaining(':sqs:eu-central-1:') as string });
    expect(run.registrations.filter(({ name }) => name.startsWith('pair-a-drill-lose'))).toEqual([]);
  });

  test('a drill is declared at its site without times, and its workers have what it needs', () => {
    const { worker, ...drill } = named(run, 'pair-drill-lose-a').inputs;
    expect(drill).toMatchObject({ name: 'lose-a', level: 'L2', site: 'b', onDelete: 'refuse' });
    expect(drill).not.toHaveProperty('schedule');
    expect(worker).toMatch(/^s3:\/\/.*&pair=pair&site=b$/);
    for (const site of ['a', 'b'] as const) {
      const task = named(run, `pair-${site}-worker-task`).inputs['containerDefinitions'] as string;
      const [{ environment, secrets }] = JSON.parse(task) as [
        { environment: { value: string }[]; secrets: { name: string }[] },
      ];
      expect(secrets.map(({ name }) => name)).toEqual(['UMBRA_API_TOKEN', 'UMBRA_WORKER_SECRETS']);
      const given = named(run, `pair-${site}-drills-value`).inputs['secretString'];
      const overlay = given instanceof SecretProperty ? given.reveal() : undefined;
      if (typeof overlay !== 'string') throw new Error('the secret of drills is none');
      // What a worker makes of both is what it is to be.
      const { drills } = workerConfigSchema.parse(
        laidOver(JSON.parse(environment[0]?.value ?? ''), JSON.parse(overlay)),
      );
      expect(drills).toMatchObject({
        canary: {
          clients: { a: { sasl: { username: 'canary' } }, b: { sasl: { username: 'canary' } } },
          ledgerFolder: '/var/lib/umbra/ledger',
        },
        evidence: { s3: { region: regions[site], prefix: 'evidence/' } },
      });
      expect(drills?.evidence?.key?.reveal()).toBe(evidenceKey);
      const { sasl } = drills?.canary?.clients.b ?? {};
      expect(sasl?.mechanism === 'SCRAM-SHA-512' && sasl.password.reveal()).toBe(canaryPassword);
    }
  });

  test('a password is only ever in a secret, also one that AWS made up', () => {
    for (const name of ['pair-a-scram-orders-value', 'pair-a-scram-billing-value', 'pair-a-token-value']) {
      expect(named(run, name).inputs['secretString'], name).toBeInstanceOf(SecretProperty);
    }
    expect(named(run, 'pair-a-scram-orders-value').ignoreChanges).toEqual(['secretString']);
    expect(named(run, 'pair-a-scram-billing-value').ignoreChanges).toEqual([]);
    const printed = JSON.stringify([run.registrations, run.stackOutputs]);
    for (const secret of [ownPassword, madeUp, canaryPassword, evidenceKey]) expect(printed).not.toContain(secret);
  });

  test('a user logs in with a secret that MSK takes and that nothing drifts from', () => {
    const secret = named(run, 'pair-a-scram-orders');
    expect(secret.inputs['namePrefix']).toBe('AmazonMSK_pair-a-orders-');
    expect(secret.inputs['kmsKeyId']).toBeDefined();
    const before = ['pair-a-scram-orders-value', 'pair-a-scram-orders-policy'];
    expect(waitsFor(run, 'pair-a-scram-orders-login')).toEqual(expect.arrayContaining(before));
  });

  test('the outputs say where everything is', () => {
    expect(run.stackOutputs).toMatchObject({
      bootstrapServers: { a: expect.stringMatching(/^b-1\.pair-a.*:9098,/) as string },
      api: { a: 'http://worker.pair-a.umbra.internal:8080', b: 'http://worker.pair-b.umbra.internal:8080' },
      metrics: { a: 'http://worker.pair-a.umbra.internal:8080/metrics' },
      links: { 'a-b': 'following', 'b-a': 'following' },
      aws: {
        bootstrapServersScram: { b: expect.stringMatching(/^b-1\.pair-b.*:9096,/) as string },
        buckets: { b: { spec: expect.stringMatching(/^pair-b-spec-/) as string } },
        parameters: { a: '/umbra/pair/primary/a', b: '/umbra/pair/primary/b' },
        scramSecrets: { a: { orders: expect.stringMatching(/^arn:aws:secretsmanager:eu-west-1:/) as string }, b: {} },
      },
    });
  });
});

describe('the target aws with other settings', { timeout: runMs }, () => {
  test('a preview knows nothing and makes nothing up', async () => {
    const run = await runProgram({ catalogue, config: awsConfig(), secretKeys, preview: true });
    expect(run).toMatchObject({ exitCode: 0, errors: [] });
    expect(named(run, 'pair-b-worker-task').inputs['containerDefinitions']).toBe(unknownValue);
    expect(named(run, 'pair-prefix-policy').inputs['iam']).toEqual({
      ...{ a: { clusterArn: unknownValue }, b: { clusterArn: unknownValue } },
    });
    expect(named(run, 'pair-b-cluster').inputs).toMatchObject({ kafkaVersion: '4.0.x.kraft' });
  });

  test('networks that are there already get routes and rules, and nothing else', async () => {
    const network = (at: number): object => ({
      ...{ kind: 'existing', vpcId: `vpc-0123456${at}`, cidr: `10.${at}.0.0/16` },
      subnetIds: [1, 2, 3].map((index) => `subnet-0123456${index}`),
      routeTableIds: [`rtb-0123456${at}`, 'rtb-01234569'],
    });
    const site = (id: 'a' | 'b', at: number): object => {
      const { region, brokers } = awsSettings.sites[id];
      return { region, brokers, network: network(at), accountId: '444455556666' };
    };
    const changes = {
      sites: { a: site('a', 1), b: site('b', 2) },
      image: awsSettings.image.a,
      drills: [],
      markers: false,
    };
    const run = await runProgram({
      catalogue,
      config: awsConfig(changes, { 'umbra:links': '["a-b"]', 'umbra:apiToken': ownPassword }),
      secretKeys: ['umbra:apiToken'],
    });
    expect(run).toMatchObject({ exitCode: 0, errors: [], stderr: '' });
    const made = ofAws(run).filter(({ type }) => /:(?:ec2|vpc|route53)\//.test(type));
    const types = new Set(made.map(({ type }) => type.split(':').at(-1)));
    expect([...types].sort()).toEqual([
      ...['Route', 'SecurityGroup', 'SecurityGroupEgressRule', 'SecurityGroupIngressRule'],
      ...['VpcPeeringConnection', 'VpcPeeringConnectionAccepter'],
    ]);
    expect(made.filter(({ type }) => type.endsWith(':Route'))).toHaveLength(4);
    // The account is given: nobody is asked for it, and credentials of another one are refused.
    expect(run.invokes.filter((invoke) => invoke.includes('getCallerIdentity'))).toEqual([]);
    expect(named(run, 'pair-a-provider').inputs['allowedAccountIds']).toEqual('["444455556666"]');
    expect(named(run, 'pair-b-worker-rights').inputs['policy'] as string).not.toContain('AlterCluster');
    expect(JSON.stringify(run.registrations)).not.toContain(ownPassword);
    expect(run.registrations.filter(({ type }) => type === 'umbra:index:ShadowLink')).toHaveLength(1);
  });

  test('Express brokers have no storage to size and balance themselves', async () => {
    const brokers = { instanceType: 'express.m7g.large', count: 3 };
    const { sites } = { sites: { a: siteWith('a', { brokers }).sites.a, b: siteWith('b', { brokers }).sites.b } };
    const run = await runProgram({ catalogue, config: awsConfig({ sites, peering: false }), secretKeys });
    expect(run).toMatchObject({ exitCode: 0, errors: [] });
    const { inputs } = named(run, 'pair-a-cluster');
    expect(inputs['brokerNodeGroupInfo']).not.toHaveProperty('storageInfo');
    expect(inputs['rebalancing']).toEqual({ status: 'ACTIVE' });
    expect(run.registrations.filter(({ name }) => name.includes('peering'))).toEqual([]);
  });

  test('where a default provider could step in, one clear line and nothing registered', async () => {
    const { 'pulumi:disable-default-providers': _off, ...config } = awsConfig();
    const run = await runProgram({ catalogue, config, secretKeys });
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toEqual([expect.stringMatching(/^pulumi:disable-default-providers: must name "aws"/)]);
    expect(run.registrations.filter(({ type }) => type !== 'pulumi:pulumi:Stack')).toEqual([]);
  });
});

// Each runs the whole program: some of the table here, all of it in config.test.ts without the program.
describe.concurrent('a wrong setting of the target aws', { timeout: 2 * runMs }, () => {
  const chosen = wrongAwsConfigs.filter((_, index) => index % 6 === 0);

  test.each(chosen)('$name: one clear line, nothing registered, exit code not 0', async ({ config, line }) => {
    const run = await runProgram({ catalogue, config });
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toEqual([asExpected(line)]);
    expect(run).toMatchObject({ warnings: [], invokes: [], stderr: '' });
    expect(run.registrations.filter(({ type }) => type !== 'pulumi:pulumi:Stack')).toEqual([]);
  });
});
