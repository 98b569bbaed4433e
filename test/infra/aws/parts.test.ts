import { describe, expect, test } from 'vitest';
import { serverProperties } from '../../../infra/aws/broker-settings.ts';
import { fargateCpus, whyNotOnFargate } from '../../../infra/aws/fargate-sizes.ts';
import { alarmRules, type AlarmedSite, dashboardText } from '../../../infra/aws/metrics.ts';
import { embeddedMetricLines, linkMetrics, workerMetrics } from '../../../src/worker/metrics/embedded-metrics.ts';
import { lateBecause, primaryPointerSchema } from '../../../src/pair/primary-pointer.ts';
import { workerConfigSchema } from '../../../src/worker/worker-config.ts';
import {
  firstPointerText,
  registryContainers,
  workerConfigText,
  workerContainers,
  type WorkerSettings,
} from '../../../infra/aws/tasks.ts';
import { alarmArgs } from '../../../infra/aws/watch.ts';

const log = { group: 'tasks', region: 'eu-central-1' };

describe('settings of brokers', () => {
  test('nobody has a right that no ACL gives, and no topic comes by itself', () => {
    for (const instanceType of ['kafka.m7g.large', 'express.m7g.large']) {
      const lines = serverProperties(instanceType).split('\n');
      expect(lines).toContain('allow.everyone.if.no.acl.found=false');
      expect(lines).toContain('auto.create.topics.enable=false');
    }
  });

  test('Standard brokers lose no acknowledged record to an election; Express brokers have that fixed and refuse the words', () => {
    const standard = serverProperties('kafka.m7g.large');
    expect(standard).toContain('unclean.leader.election.enable=false\n');
    expect(standard).toContain('min.insync.replicas=2\n');
    expect(serverProperties('express.m7g.large')).toBe(
      'allow.everyone.if.no.acl.found=false\nauto.create.topics.enable=false\ndelete.topic.enable=true\n',
    );
  });
});

describe('sizes of tasks', () => {
  test('every size has a memory that Fargate takes, and half of it is refused', () => {
    for (const cpu of fargateCpus) {
      expect(whyNotOnFargate(cpu, cpu * 2)).toBeUndefined();
      expect(whyNotOnFargate(cpu, cpu * 2 + 1)).toMatch(/^must be \d+ to \d+ in steps of \d+ with/);
      expect(whyNotOnFargate(cpu, cpu)).toBeDefined();
    }
  });
});

const settings: WorkerSettings = {
  ...{ pair: 'orders', site: 'b', prefixes: { a: 'a_', b: 'b_' }, regions: { a: 'eu-west-1', b: 'eu-central-1' } },
  bootstrapServers: { a: 'b-1.a:9098,b-2.a:9098', b: 'b-1.b:9098' },
  clients: { a: 'b-1.a:9096' },
  spec: { bucket: 'spec-b', region: 'eu-central-1' },
  quarantine: { bucket: 'quarantine-b', region: 'eu-central-1' },
};

describe('the task of the workers', () => {
  test('each cluster is signed for by its own region, and all else is of the own site', () => {
    expect(JSON.parse(workerConfigText(settings))).toMatchObject({
      ...{ pair: 'orders', site: 'b' },
      clusters: {
        a: {
          bootstrapServers: ['b-1.a:9098', 'b-2.a:9098'],
          tls: {},
          sasl: { mechanism: 'AWS_MSK_IAM', region: 'eu-west-1' },
        },
        b: { bootstrapServers: ['b-1.b:9098'], tls: {}, sasl: { mechanism: 'AWS_MSK_IAM', region: 'eu-central-1' } },
      },
      ...{ principals: { a: ['User:umbra'], b: ['User:umbra'] }, clients: { a: { bootstrapServers: ['b-1.a:9096'] } } },
      specChannel: { bucket: 'spec-b', region: 'eu-central-1', prefix: 'pair/' },
      quarantineArchive: { bucket: 'quarantine-b', region: 'eu-central-1', prefix: 'quarantine/' },
      embeddedMetrics: { namespace: 'Umbra', intervalMs: 60_000 },
      repoint: ['a', 'b'].map((site) => ({
        ...{ kind: 'parameter', name: `/umbra/orders/primary/${site}`, prefix: `${site}_` },
        regions: ['eu-west-1', 'eu-central-1'],
      })),
    });
  });

  test('what it is told is what a worker takes', () => {
    const registryUrl = 'http://registry.orders-b.umbra.internal:8081';
    for (const each of [settings, { ...settings, clients: {}, registryUrl, logLevel: 'debug' }]) {
      const parsed = workerConfigSchema.safeParse(JSON.parse(workerConfigText(each)));
      expect(parsed.error?.issues).toBeUndefined();
    }
  });

  test('who is primary begins in the shape in which umbra writes it, and every move is later', () => {
    const first = firstPointerText('a', 'a_', 'b-1.a:9096,b-2.a:9096');
    expect(primaryPointerSchema.parse(JSON.parse(first))).toEqual({
      ...{ prefix: 'a_', primary: 'a', term: 0, bootstrapServers: ['b-1.a:9096', 'b-2.a:9096'] },
    });
    const move = { operationId: 'failover-1', startedAt: '1970-01-01T00:00:00.000Z', terms: new Map([['a_x', 1]]) };
    const there = primaryPointerSchema.parse(JSON.parse(first));
    expect(lateBecause(there, 'a_', { ...move, to: 'b', bootstrapServers: [] })).toBeUndefined();
  });

  test('can write two folders, and is nobody', () => {
    const text = workerContainers({ image: 'umbra', configText: '{}', tokenSecretArn: 'arn:token', log });
    const [container] = JSON.parse(text) as [Record<string, unknown>];
    expect(container).toMatchObject({
      ...{ readonlyRootFilesystem: true, user: '65532:65532', linuxParameters: { capabilities: { drop: ['ALL'] } } },
      secrets: [{ name: 'UMBRA_API_TOKEN', valueFrom: 'arn:token' }],
      healthCheck: { command: ['CMD', 'node', '/umbra/src/cli/umbra.mjs', 'health'] },
      logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': 'tasks' } },
    });
    expect(container['mountPoints']).toEqual([
      { sourceVolume: 'state', containerPath: '/var/lib/umbra', readOnly: false },
      { sourceVolume: 'tmp', containerPath: '/tmp', readOnly: false },
    ]);
  });
});

describe('the task of a registry', () => {
  const environment = (role: 'primary' | 'standby'): Readonly<Record<string, string>> => {
    const text = registryContainers({ image: 'r', role, bootstrapServers: 'x:9098,y:9098', host: 'registry.x', log });
    const [container] = JSON.parse(text) as [{ environment: { name: string; value: string }[] }];
    return Object.fromEntries(container.environment.map(({ name, value }) => [name, value]));
  };

  test('only that of the schema primary may be elected to write', () => {
    expect(environment('primary')).toMatchObject({ SCHEMA_REGISTRY_LEADER_ELIGIBILITY: 'true' });
    expect(environment('standby')).toMatchObject({
      SCHEMA_REGISTRY_LEADER_ELIGIBILITY: 'false',
      SCHEMA_REGISTRY_KAFKASTORE_INIT_WAIT_FOR_READER: 'false',
      SCHEMA_REGISTRY_KAFKASTORE_TOPIC_SKIP_VALIDATION: 'true',
    });
  });

  test('it logs in by its role, over TLS', () => {
    expect(environment('standby')).toMatchObject({
      SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS: 'SASL_SSL://x:9098,SASL_SSL://y:9098',
      SCHEMA_REGISTRY_KAFKASTORE_SECURITY_PROTOCOL: 'SASL_SSL',
      SCHEMA_REGISTRY_KAFKASTORE_SASL_MECHANISM: 'AWS_MSK_IAM',
    });
  });
});

const watched: AlarmedSite = {
  ...{ pair: 'orders', site: 'b', clusterName: 'orders-b', instanceType: 'kafka.m7g.large', brokerCount: 3 },
  ...{ exposureSecondsMax: 60, linked: true },
};

describe('what is watched', () => {
  const named = (site: AlarmedSite): readonly string[] => alarmRules(site).map(({ name }) => name);

  test('each name is there once', () => {
    expect(new Set(named(watched)).size).toBe(named(watched).length);
  });

  test('Express brokers have no disks and no replicas to watch, but may slow clients down', () => {
    const express = named({ ...watched, instanceType: 'express.m7g.large' });
    expect(express.filter((name) => /disk|isr|offline/.test(name))).toEqual([]);
    expect(express).toEqual(expect.arrayContaining(['controller', 'cpu-3', 'throttled-in-3', 'throttled-out-3']));
    expect(named(watched)).toEqual(expect.arrayContaining(['disk-1', 'min-isr-2', 'offline-partitions']));
  });

  test('silence of the workers is an alarm, of their link too; where no link ends there is none to watch', () => {
    const silent = alarmRules(watched).filter(({ silence }) => silence === 'breaching');
    expect(silent.map(({ name }) => name)).toEqual(['controller', 'ready', 'exposure']);
    expect(named({ ...watched, linked: false })).not.toContain('exposure');
  });

  test('metrics of a link are those of the link that ends at the site', () => {
    const exposure = alarmRules(watched).find(({ name }) => name === 'exposure')!;
    expect(exposure.dimensions).toEqual({ Pair: 'orders', Site: 'b', Link: 'a-b' });
    expect(alarmArgs(exposure, 'arn:topic')).toMatchObject({
      ...{ comparisonOperator: 'GreaterThanThreshold', threshold: 60, treatMissingData: 'breaching' },
      alarmActions: ['arn:topic'],
    });
    const ready = alarmRules(watched).find(({ name }) => name === 'ready')!;
    expect(alarmArgs(ready, undefined)).toMatchObject({ comparisonOperator: 'LessThanThreshold', alarmActions: [] });
  });

  test('umbra’s own metrics are those that workers write, with their dimensions', () => {
    const scrape = { ready: true, control: undefined } as unknown as Parameters<typeof embeddedMetricLines>[0];
    const from = { namespace: 'Umbra', pair: 'orders', site: 'b', timestampMs: 0 };
    const [ofWorker] = embeddedMetricLines(scrape, from).map((line) => JSON.parse(line) as Record<string, unknown>);
    const own = alarmRules(watched).filter(({ namespace }) => namespace === from.namespace);
    for (const { metric, dimensions } of own.filter((rule) => !('Link' in rule.dimensions))) {
      expect(ofWorker).toMatchObject({ ...dimensions, [metric]: 1 });
    }
    const text = dashboardText({ ...watched, region: 'eu-central-1' });
    for (const { name } of [...linkMetrics, ...workerMetrics]) expect(text).toContain(`["Umbra","${name}"`);
    const names = [...linkMetrics, ...workerMetrics].map(({ name }) => name);
    expect(own.filter(({ metric }) => !names.includes(metric))).toEqual([]);
  });

  test('the load of a broker is what users and system take of it together', () => {
    const cpu = alarmRules(watched).find(({ name }) => name === 'cpu-2')!;
    const args = alarmArgs(cpu, undefined);
    expect(args).not.toHaveProperty('metricName');
    expect(args).toMatchObject({
      ...{ threshold: 60, comparisonOperator: 'GreaterThanThreshold' },
      metricQueries: [
        { id: 'first', metric: { metricName: 'CpuUser', stat: 'Average', dimensions: { 'Broker ID': '2' } } },
        { id: 'second', metric: { metricName: 'CpuSystem' } },
        { expression: 'first + second', returnData: true },
      ],
    });
  });

  test('the dashboard shows every metric that has an alarm', () => {
    const text = dashboardText({ ...watched, region: 'eu-central-1' });
    for (const { metric } of alarmRules(watched)) expect(text).toContain(`"${metric}"`);
  });
});
