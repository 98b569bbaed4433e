import kafkajsModule from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Acl } from '../../src/kafka/acl-words.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { describeConfigs } from '../../src/kafka/config-admin.ts';
import type { LinkSpec } from '../../src/pair/spec.ts';
import { renderApplicationAcls } from '../../src/prefix-policy/acls.ts';
import { type PrefixPolicyInput, prefixPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import { topicPolicySchema } from '../../src/pair/topic-policy.ts';
import { linkAclsViewSchema, type LinkAclsView } from '../../src/worker/acl-view.ts';
import {
  linkConfigsViewSchema,
  linkGroupsViewSchema,
  linkSchemasViewSchema,
  type LinkSchemasView,
} from '../../src/worker/sync-views.ts';
import { aclHand, aclsAt, linesOf } from '../fixtures/acls.ts';
import { Problem } from '../../src/worker/problems.ts';
import { diagnose } from '../../src/worker/doctor/diagnose.ts';
import type { Finding } from '../../src/worker/finding.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { createTopic, kafkajs, produce } from '../fixtures/kafkajs.ts';
import {
  createSchemasTopic,
  grantRegistry,
  register,
  registryRecord,
  removeSchemasTopic,
} from '../fixtures/registry-log.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

/** Node does not find this name among the exports of a CommonJS module. */
const { ConfigResourceTypes } = kafkajsModule;
const sites = sharedSites();
let pair: TestPair;

beforeAll(async () => {
  pair = await startPair({ clusters: { a: sites.a.umbra, b: sites.b.umbra } });
});

afterAll(async () => {
  await Promise.all(opened.map((cluster) => cluster.close()));
  await pair.remove();
  await removeSchemasTopic(sites.b.admin);
});

async function committed(site: 'a' | 'b', groupId: string, topic: string): Promise<string | undefined> {
  const admin = kafkajs(sites[site].admin).admin();
  await admin.connect();
  try {
    const [of] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return of?.partitions.find(({ partition }) => partition === 0)?.offset;
  } finally {
    await admin.disconnect();
  }
}

const opened: Cluster[] = [];

function administered(site: 'a' | 'b'): Cluster {
  const cluster = new Cluster(`${site} as admin`, clusterConfigSchema.parse(sites[site].admin), { clientId: 'test' });
  opened.push(cluster);
  return cluster;
}

async function asked(path: string): Promise<unknown> {
  const answer = await fetch(`${pair.api.b.url}${path}`, { signal: AbortSignal.timeout(10_000) });
  const { links } = (await answer.json()) as { links: readonly unknown[] };
  return links[0];
}

test('what a group commits at home is its position at the standby, and what is removed there goes', async () => {
  const topic = 'a_standby_groups';
  const groupId = 'a_standby_readers';
  await createTopic(sites.a.app, topic);
  await produce(sites.a.app, topic, ['one', 'two', 'three']);
  await pair.level(topic);
  const admin = kafkajs(sites.a.admin).admin();
  await admin.connect();
  try {
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '2' }] });
    await eventually('it is at the standby', async () =>
      (await committed('b', groupId, topic)) === '2' ? true : undefined,
    );
    const view = linkGroupsViewSchema.parse(await asked('/v1/groups'));
    expect(view.groups.find(({ group }) => group === groupId)).toMatchObject({ state: 'level', partitions: 1 });
    await admin.deleteGroups([groupId]);
  } finally {
    await admin.disconnect();
  }
  await eventually('it is gone', async () => {
    if ((await committed('b', groupId, topic)) === '-1') return true;
    const { groups, counts: _, ...view } = linkGroupsViewSchema.parse(await asked('/v1/groups'));
    const shown = groups.filter(({ group }) => group === groupId);
    throw new Error(`the link says ${JSON.stringify({ ...view, groups: shown })}`);
  });
});

test('a config that is changed at home is changed at the standby, and an edit there is put back', async () => {
  const topic = 'a_standby_configs';
  const config = 'file.delete.delay.ms';
  await createTopic(sites.a.app, topic);
  await pair.level(topic);
  const set = async (site: 'a' | 'b', value: string): Promise<void> => {
    const admin = kafkajs(sites[site].admin).admin();
    await admin.connect();
    const configEntries = [{ name: config, value }];
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    });
    await admin.disconnect();
  };
  const shown = async (): Promise<string | undefined> => {
    const admin = kafkajs(sites.b.admin).admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
    });
    await admin.disconnect();
    return resources[0]?.configEntries.find(({ configName }) => configName === config)?.configValue;
  };
  await set('a', '61000');
  await eventually('it has arrived', async () => ((await shown()) === '61000' ? true : undefined));
  await set('b', '70000');
  await eventually('it is put back', async () => ((await shown()) === '61000' ? true : undefined));
  // The view is of the newest round that has ended; the brokers show a change before.
  await eventually('the edit is told', async () => {
    const { edited } = linkConfigsViewSchema.parse(await asked('/v1/configs'));
    return (
      edited.newest.some((edit) => edit.topic === topic && edit.name === config && edit.shown === '70000') || undefined
    );
  });
});

function topicAcl(resourceName: string, principal: string, operation: Acl['operation']): Acl {
  const resource = { resourceType: 'TOPIC', resourceName, patternType: 'LITERAL' } as const;
  return { ...resource, principal, host: '*', operation, permission: 'ALLOW' };
}

/** The link's view of ACLs, as soon as it says so. */
function aclsWhere(what: string, wanted: (view: LinkAclsView) => boolean): Promise<LinkAclsView> {
  return eventually(what, async () => {
    const view = linkAclsViewSchema.parse(await asked('/v1/acls'));
    if (wanted(view)) return view;
    throw new Error(
      `the link says ${JSON.stringify({ fence: view.fence, trouble: view.trouble, synced: view.synced })}`,
    );
  });
}

test('a config that a link is newly told to carry over arrives without a restart', async () => {
  const [topic, config] = ['a_standby_policy', 'unclean.leader.election.enable'];
  const admin = kafkajs(sites.a.admin).admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic, configEntries: [{ name: config, value: 'true' }] }] });
  } finally {
    await admin.disconnect();
  }
  await pair.level(topic);
  const atStandby = async (): Promise<string | undefined> => {
    const { configs } = await describeConfigs(administered('b'), [topic]);
    return configs.get(topic)?.get(config)?.value;
  };
  expect(await atStandby()).toBe('false');
  const link = { from: 'a', to: 'b' } as const;
  await pair.api.b.putLink({ ...link, topics: topicPolicySchema.parse({ configs: { include: [config] } }) });
  await eventually('it has arrived', async () => ((await atStandby()) === 'true' ? true : undefined));
  await pair.api.b.putLink(link);
});

test('an ACL that is made at home is at the standby without its WRITE, and goes with it; others stay', async () => {
  const [reader, stranger] = ['User:standby-reader', 'User:standby-stranger'];
  const [read, write] = [topicAcl('a_standby', reader, 'READ'), topicAcl('a_standby', reader, 'WRITE')];
  const foreign = topicAcl('a_standby', stranger, 'DESCRIBE');
  const [home, standby] = [administered('a'), administered('b')];
  const [atHome, atStandby] = [aclHand(home), aclHand(standby)];
  const ofTheirs = async (): Promise<readonly string[]> =>
    linesOf((await aclsAt(standby)).filter(({ principal }) => principal === reader || principal === stranger));
  try {
    await atStandby.put([foreign]);
    await atHome.put([read, write]);
    const carried = [read, topicAcl('a_standby', reader, 'DESCRIBE'), foreign];
    await eventually('it is at the standby', async () => {
      const [seen, wanted] = [await ofTheirs(), linesOf(carried)];
      return seen.join() === wanted.join() ? true : undefined;
    });
    const view = await aclsWhere('it is shown', ({ synced }) =>
      synced.first.some(({ principal }) => principal === reader),
    );
    expect(view.withheld.first).toContainEqual(write);
    expect(view.foreign.first).toContainEqual(foreign);
    expect(view.trouble).toBeUndefined();
  } finally {
    await atHome.takeBack();
  }
  await eventually('it is gone, and what others made is not', async () =>
    (await ofTheirs()).join() === linesOf([foreign]).join() ? true : undefined,
  );
  await atStandby.takeBack();
});

test('what the policy grants to an application is at its site, goes with it, and what others made stays', async () => {
  const [orders, umbra] = ['User:standby-orders', 'User:umbra'];
  const admin = administered('b');
  const granted = async (): Promise<readonly string[]> =>
    linesOf((await aclsAt(admin)).filter(({ principal }) => principal === orders));
  const theirs: Acl = { ...topicAcl('b_standby_', orders, 'READ'), patternType: 'PREFIXED', host: '10.0.0.7' };
  const hand = aclHand(admin);
  const policy: PrefixPolicyInput = {
    owners: testOwners,
    applications: { b: [{ principal: orders, writes: 'b_orders_', reads: false }] },
  };
  try {
    await hand.put([theirs]);
    await pair.api.b.putPrefixPolicy(policy);
    const { owners, applications } = prefixPolicySchema.parse(policy);
    const wanted = renderApplicationAcls({ site: 'b', owners, applications: applications.b });
    expect(wanted.length).toBeGreaterThan(4);
    expect(await granted()).toEqual(linesOf([theirs, ...wanted]));
    expect((await pair.api.b.acls()).applications).toMatchObject({ wanted: wanted.length, refused: { count: 0 } });
    expect(await pair.api.b.prefixPolicy()).toMatchObject(policy);
    const mine = { ...policy, applications: { b: [{ principal: umbra }] } };
    await expect(pair.api.b.putPrefixPolicy(mine)).rejects.toThrow(/umbra's own principal/);
  } finally {
    await pair.api.b.putPrefixPolicy({ owners: testOwners });
  }
  expect(await granted()).toEqual(linesOf([theirs]));
  await hand.takeBack();
});

type WatchedSchemas = Extract<LinkSchemasView, { kind: 'watched' }>;

async function schemasWhere(what: string, wanted: (view: WatchedSchemas) => boolean): Promise<WatchedSchemas> {
  return eventually(what, async () => {
    const view = linkSchemasViewSchema.parse(await asked('/v1/schemas'));
    return view.kind === 'watched' && wanted(view) ? view : undefined;
  });
}

test('schemas are equal at both sites, nobody registers at the standby, and records without a schema are counted', async () => {
  const withdraw = await grantRegistry(sites.b.admin, 'User:app', 'standby');
  const [registry, late] = [kafkajs(sites.a.admin).producer(), kafkajs(sites.b.app).producer()];
  try {
    await createSchemasTopic(sites.a.admin);
    await Promise.all([registry.connect(), late.connect()]);
    await register(registry, registryRecord.schema('a_orders-value', 1, 1));
    await schemasWhere(
      'they are equal',
      ({ comparison, sites: { b } }) => comparison.verdict === 'equal' && b.counts.ids === 1,
    );
    await expect(register(late, registryRecord.schema('a_orders-value', 2, 2))).rejects.toThrow(/[Aa]uthoriz/);
    const topic = 'a_standby_schemas';
    await createTopic(sites.a.app, topic);
    await produce(sites.a.app, topic, ['\0\0\0\0\u0001known', '\0\0\0\0\u0003of nobody', 'without any']);
    const view = await schemasWhere('both are said', ({ samples }) => samples.unknown > 0);
    // Records of the other tests' topics are sampled too; they name none.
    expect(view.samples).toMatchObject({ named: 2, waiting: 0, unknown: 1 });
    expect(view.samples.topics).toMatchObject([{ topic, records: 1, schemas: [{ schema: '3', verdict: 'unknown' }] }]);
    await register(registry, registryRecord.schema('a_orders-value', 3, 3));
    await schemasWhere('it has arrived', ({ samples }) => samples.topicsTotal === 0);
  } finally {
    await Promise.all([registry.disconnect(), late.disconnect()]);
    await withdraw();
    await removeSchemasTopic(sites.a.admin);
  }
});

describe('whoever else may write a copy', () => {
  const principal = 'User:standby-leak';
  const leak = topicAcl('*', principal, 'WRITE');
  const strict: LinkSpec = { from: 'a', to: 'b', acls: { leaks: 'refuse' } };
  const { a, b } = { a: sites.a.umbra, b: sites.b.umbra };
  const config = workerConfigSchema.parse({ pair: 'test', site: 'b', clusters: { a, b }, api: { port: 0 } });
  const found = async (): Promise<readonly Finding[]> => {
    const findings = await diagnose({ config, signal: AbortSignal.timeout(60_000) });
    return findings.filter(({ subject, site }) => subject === 'acls' && site === 'b');
  };
  const refusal = async (link: LinkSpec): Promise<string> => {
    const error: unknown = await pair.api.b.putLink(link).catch((thrown: unknown) => thrown);
    if (!(error instanceof Problem) || error.code !== 'LINK_REFUSED') throw new Error('it was not refused');
    return error.message;
  };
  const hand = aclHand(administered('b'));
  afterEach(() => hand.takeBack());

  test('is named with the ACL that lets him, by the link and by the doctor, with the remedy', async () => {
    expect(await found()).toMatchObject([{ level: 'ok' }]);
    await hand.put([leak]);
    const { fence } = await aclsWhere('it is named', (view) => view.fence.kind === 'leaking');
    expect(fence).toMatchObject({
      leaks: [
        { principal, names: '"a_"*', acl: leak },
        { principal, names: '"_schemas"' },
      ],
    });
    const [finding] = await found();
    expect(finding).toMatchObject({ level: 'warn', message: expect.stringContaining(principal) as string });
    expect(finding?.remedy).toContain('Replace that ACL');
    await hand.takeBack();
    await aclsWhere('it is closed', (view) => view.fence.kind === 'fenced');
  });

  test('keeps a link from starting that refuses leaks; one that runs keeps what it was declared as', async () => {
    await hand.put([leak]);
    expect(await refusal(strict)).toContain(`${principal} may write the copies "a_"*`);
    await pair.api.b.deleteLink('a-b', 'detach');
    expect(await refusal(strict)).toContain('Replace that ACL');
    expect(await pair.api.b.links()).toEqual([]);
    await hand.takeBack();
    expect(await pair.api.b.putLink(strict)).toMatchObject({ id: 'a-b' });
    await hand.put([leak]);
    // It runs already: that somebody may write now is named, and stops nothing.
    expect(await pair.api.b.putLink({ ...strict, gap: 'fault' })).toMatchObject({ id: 'a-b' });
    expect(await found()).toMatchObject([{ level: 'error' }, { level: 'error' }]);
    await pair.api.b.putLink({ from: 'a', to: 'b' });
  });

  test('and a name that belongs to no site keeps a link from starting where the policy refuses such', async () => {
    const owners = testOwners;
    await createTopic(sites.b.admin, 'standby-stray');
    await pair.api.b.putPrefixPolicy({ owners, unowned: 'refuse' });
    expect(await pair.api.b.links(), 'a link that runs is not stopped').toHaveLength(1);
    await pair.api.b.deleteLink('a-b', 'detach');
    expect(await refusal({ from: 'a', to: 'b' })).toContain('the topic "standby-stray" at site b');
    await pair.api.b.putPrefixPolicy({ owners });
    expect(await pair.api.b.putLink({ from: 'a', to: 'b' })).toMatchObject({ id: 'a-b' });
  });
});
