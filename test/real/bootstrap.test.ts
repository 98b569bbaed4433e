import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import type { SiteId } from '../../src/pair/site.ts';
import { stateTopic } from '../../src/prefix-policy/internal-names.ts';
import type { BootstrapAnswer } from '../../src/worker/bootstrap/bootstrap-view.ts';
import { Primaries } from '../../src/worker/bootstrap/primaries.ts';
import { ensureStateTopic } from '../../src/worker/state/ensure-state-topic.ts';
import { type StateRecord, StateWriter } from '../../src/worker/state/state-writer.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { startProxiedCluster } from '../fixtures/proxied-cluster.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();
const signal = new AbortController().signal;
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** Writes the site's `_umbra` as its controller would. */
async function stateOf(site: SiteId): Promise<(key: string, value: object | undefined) => Promise<void>> {
  const cluster = new Cluster(`site ${site}`, clusterConfigSchema.parse(sites[site].umbra), { clientId: 'test' });
  closing.push(() => cluster.close());
  await ensureStateTopic(cluster);
  const writer = new StateWriter(cluster, stateTopic, 'umbra-controller');
  await writer.take(signal);
  return async (key, value) => {
    const record: StateRecord = { key, value: value === undefined ? undefined : JSON.stringify(value) };
    await writer.write([record], signal);
  };
}

test('who is primary is answered from both sites’ state, says what it cannot know, and outlives the loss of a site', async () => {
  const [atA, atB] = [await stateOf('a'), await stateOf('b')];
  for (const write of [atA, atB]) await write('spec/prefix-policy', { owners: testOwners });
  const role = 'role/a_moved-1';
  closing.push(() => atB(role, undefined));
  const far = await startProxiedCluster(sites.b.umbra);
  closing.push(() => far.close());
  const clusters = { a: clusterConfigSchema.parse(sites.a.umbra), b: clusterConfigSchema.parse(far.connection) };
  const clients = { b: { bootstrapServers: ['kafka.b.example:9094'] } };
  const primaries = new Primaries({
    config: { pair: 'test', site: 'a', clusters, clients },
    clock: { monotonicMs: () => performance.now(), now: () => new Date() },
    logger: pino({ level: 'silent' }),
  });
  const stopping = new AbortController();
  closing.push(async () => {
    stopping.abort();
    await primaries.stop();
  });
  expect(() => primaries.answer({ topic: 'a_moved-1' })).toThrow('has been read yet');
  primaries.begin(stopping.signal);
  const until = (what: string, of: { topic?: string; prefix?: string }, wanted: object): Promise<BootstrapAnswer> =>
    eventually(what, () => {
      const answer = primaries.answer(of);
      expect(answer).toMatchObject(wanted);
      return answer;
    });

  const home = await until('home is primary', { topic: 'a_moved-1' }, { primary: 'a', term: 0, proven: true });
  const [host, port] = sites.a.bootstrapServers[0]?.split(':') ?? [];
  const elsewhere = { site: 'b', bootstrapServers: ['kafka.b.example:9094'] };
  expect(home).toEqual({
    ...{ topic: 'a_moved-1', state: 'settled', term: 0, proven: true, primary: 'a' },
    ...{ bootstrapServers: sites.a.bootstrapServers, brokers: [{ host, port: Number(port) }] },
    standby: { ...elsewhere, brokers: [{ host: 'kafka.b.example', port: 9094 }] },
  });
  expect(() => primaries.answer({ topic: 'nobodys' })).toThrow('begins with neither "a_" nor "b_"');

  await atB(role, { topic: 'a_moved-1', home: 'a', term: 1, primary: 'b' });
  await until(
    'the move is seen',
    { topic: 'a_moved-1' },
    { primary: 'b', term: 1, bootstrapServers: elsewhere.bootstrapServers },
  );
  expect(primaries.answer({ topic: 'a_other' })).toMatchObject({ primary: 'a', term: 0 });
  expect(primaries.answer({ prefix: 'a_moved-' })).toMatchObject({ prefix: 'a_moved-', primary: 'b', term: 1 });
  expect(primaries.answer({})).toMatchObject({ prefixes: [{ prefix: 'a_' }, { prefix: 'b_' }] });

  far.set({ hold: true });
  await until('the other site is silent', { topic: 'a_moved-1' }, { primary: 'b', term: 1, proven: false });
  far.set({});
  await until('it is back', { topic: 'a_moved-1' }, { primary: 'b', term: 1, proven: true });
});
