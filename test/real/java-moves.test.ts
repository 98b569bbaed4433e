import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { sites as siteIds, type SiteId } from '../../src/pair/site.ts';
import { javaClientProperties } from '../../tools/java-client.ts';
import { aclHand } from '../fixtures/acls.ts';
import { consumeWhole } from '../fixtures/consumed-records.ts';
import { type FaultProxy, startFaultProxy } from '../fixtures/fault-proxy.ts';
import { runJava } from '../fixtures/java-tools.ts';
import { createTopic, logEnds } from '../fixtures/kafkajs.ts';
import { scramUser } from '../fixtures/scram-user.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** As docs/clients.md has them. */
const settings = {
  'metadata.recovery.rebootstrap.trigger.ms': '5000',
  'request.timeout.ms': '5000',
  'default.api.timeout.ms': '10000',
};
const sentSchema = z.array(z.strictObject({ value: z.string(), error: z.string().optional(), at: z.number() }));

/** One name for both sites: an address that leads to the primary's broker, and is all that the client sees of it. */
async function follows(
  topic: string,
  password: string,
  lose: (alias: FaultProxy) => void,
): Promise<{ readonly firstAckMs: number; readonly both: number }> {
  const alias = await startFaultProxy(sites.a.bootstrapServers[0] ?? '');
  closing.push(() => alias.close());
  const sasl = { mechanism: 'SCRAM-SHA-512', username: 'java', password } as const;
  const client = javaClientProperties({ bootstrapServers: [alias.server], sasl });
  const job = { kind: 'send', topic, records: 150, paceMs: 20, settings };
  const running = runJava('RecordTool', { client, jobs: [job] });
  await eventually('it writes', async () => Number((await logEnds(sites.a.admin, topic))[0]) > 20 || undefined);
  lose(alias);
  const movedAt = Date.now();
  alias.leadTo(sites.b.bootstrapServers[0] ?? '');
  const sent = sentSchema.parse(await running);
  const valuesAt = async (site: SiteId): Promise<readonly string[]> => {
    const records = await consumeWhole(sites[site].admin, { topics: [topic], groupId: `${topic}-${site}-reader` });
    return (records.get(topic) ?? []).map(({ value }) => value);
  };
  const [atA, atB] = [await valuesAt('a'), await valuesAt('b')];
  const acknowledged = sent.filter(({ error }) => error === undefined);
  const missing = acknowledged.filter(({ value }) => !atA.includes(value) && !atB.includes(value));
  const twice = [atA, atB].filter((values) => new Set(values).size < values.length);
  expect({ missing, twice, failed: sent.length - acknowledged.length }).toEqual({ missing: [], twice: [], failed: 0 });
  const first = acknowledged.find(({ value }) => atB.includes(value));
  return { firstAckMs: (first?.at ?? NaN) - movedAt, both: atA.filter((value) => atB.includes(value)).length };
}

test('a Java client that has one name for both sites follows it from a dead and from a silent old side', async () => {
  const password = randomBytes(16).toString('base64url');
  const topics = ['a_java-dead', 'a_java-silent'] as const;
  for (const site of siteIds) {
    const admin = new Cluster(`site ${site}`, clusterConfigSchema.parse(sites[site].admin), { clientId: 'test' });
    closing.push(() => admin.close());
    const user = await scramUser(admin, 'java', password);
    closing.push(() => user.remove());
    const hand = aclHand(admin);
    closing.push(() => hand.takeBack());
    const acl = { patternType: 'LITERAL', principal: 'User:java', host: '*', permission: 'ALLOW' } as const;
    await hand.put(
      topics.map((resourceName) => ({ ...acl, resourceType: 'TOPIC', resourceName, operation: 'WRITE' }) as const),
    );
    for (const topic of topics) await createTopic(sites[site].admin, topic);
  }
  const [dead, silent] = await Promise.all([
    follows(topics[0], password, (alias) => alias.cutAll()),
    follows(topics[1], password, () => undefined),
  ]);
  // Without the settings it takes a minute from a silent one.
  for (const { firstAckMs } of [dead, silent]) expect(firstAckMs).toBeLessThan(50_000);
  process.stdout.write(`Java, first acknowledged write: ${JSON.stringify({ dead, silent })}\n`);
});
