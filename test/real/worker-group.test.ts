import { afterEach, describe, expect, test } from 'vitest';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { findCoordinator } from '../../src/kafka/find-coordinator.ts';
import { leaveGroup } from '../../src/kafka/group-membership-api.ts';
import { LogReader } from '../../src/replication/logs/log-reader.ts';
import { type Loss, Membership } from '../../src/worker/group/membership.ts';
import { ControlLostError, StateWriter } from '../../src/worker/state/state-writer.ts';
import { StateLog } from '../../src/worker/state/state-log.ts';
import { createTopic, kafkajs } from '../fixtures/kafkajs.ts';
import { startProxiedCluster } from '../fixtures/proxied-cluster.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const site = sharedSites().b;
/** The shortest that brokers take where nobody says otherwise (`group.min.session.timeout.ms`). */
const times = { sessionTimeoutMs: 6_000, heartbeatMs: 300 };
const tasks = Array.from({ length: 12 }, (_, task) => String(task));
const endTransactionKey = 26;
const clusters: Cluster[] = [];
const members: TestMember[] = [];

afterEach(async () => {
  await Promise.all(members.splice(0).map((member) => member.stop()));
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
});

function connect(as: ClusterConfigInput = site.umbra): Cluster {
  const cluster = new Cluster('site b', clusterConfigSchema.parse(as), { clientId: 'umbra-test' });
  clusters.push(cluster);
  return cluster;
}

/** Takes part in a group and holds the tasks it is given until it is given others. */
class TestMember {
  readonly name: string;
  readonly cluster = connect();
  readonly membership: Membership;
  readonly generations: number[] = [];
  holds: readonly string[] = [];
  ended: Loss | undefined;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(name: string, groupId: string, instanceId?: string) {
    this.name = name;
    this.membership = new Membership({
      ...{ ...times, cluster: this.cluster, groupId, instanceId },
      clock: { monotonicMs: () => performance.now(), now: () => new Date() },
      ports: {
        data: () => Buffer.from(JSON.stringify({ name, holds: this.holds })),
        assign: (given) => Promise.resolve(shareOut(given)),
        assigned: (assignment, { number }) => {
          this.holds = JSON.parse(assignment.toString('utf8')) as string[];
          this.generations.push(number);
        },
      },
    });
    this.#running = this.membership.run(this.#stopping.signal).then((loss) => {
      this.ended = loss;
    });
    members.push(this);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** As a process that hangs: nothing of it reaches the cluster any more. */
  async freeze(): Promise<void> {
    await this.cluster.close();
  }
}

/** Round robin by the order of names; what a member holds is not looked at. */
function shareOut(given: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  const ids = [...given.keys()].toSorted();
  return new Map(
    ids.map((id, index) => [id, Buffer.from(JSON.stringify(tasks.filter((_, task) => task % ids.length === index)))]),
  );
}

async function evenly(of: readonly TestMember[]): Promise<void> {
  await eventually(
    `${of.length} members share the work`,
    () =>
      (new Set(of.flatMap(({ holds }) => holds)).size === tasks.length &&
        of.every(({ holds }) => holds.length === tasks.length / of.length)) ||
      undefined,
  );
}

describe('workers of a site', () => {
  test('share the work, and take over at once from one that leaves', async () => {
    const [one, two, three] = ['one', 'two', 'three'].map((name) => new TestMember(name, 'umbra-group-leave'));
    await evenly([one!, two!, three!]);
    expect([one, two, three].filter((member) => member!.membership.leads)).toHaveLength(1);
    await three!.stop();
    await evenly([one!, two!]);
    expect([one!.membership.fresh, two!.membership.fresh]).toEqual([true, true]);
  });

  test('a frozen one knows by its own clock that it must stop, before anybody else has its work', async () => {
    const one = new TestMember('one', 'umbra-group-frozen');
    const two = new TestMember('two', 'umbra-group-frozen');
    await evenly([one, two]);
    await two.freeze();
    await eventually('it does not trust itself any more', () => !two.membership.fresh || undefined);
    expect(one.holds).toHaveLength(tasks.length / 2);
    await evenly([one]);
    // The one that waited for the other all the time was a good member throughout.
    expect(one.membership.fresh).toBe(true);
  });

  test('one that was given up learns it, and does not come back as itself', async () => {
    const one = new TestMember('one', 'umbra-group-given-up');
    await evenly([one]);
    expect(await removeTheOnlyMember('umbra-group-given-up')).toBe(0);
    await eventually('it has ended', () => one.ended);
    expect(one.ended).toMatchObject({ kind: 'given-up' });
    expect(one.membership.fresh).toBe(false);
  });

  test('the successor of a static member has its place at once, and the one before is told', async () => {
    const one = new TestMember('one', 'umbra-group-static', 'first');
    // It leads then: the successor of a leader begins a new generation.
    await evenly([one]);
    const two = new TestMember('two', 'umbra-group-static', 'second');
    await evenly([one, two]);
    const generation = one.membership.generation?.number;
    const heir = new TestMember('heir', 'umbra-group-static', 'second');
    await eventually('it has work', () => heir.generations[0]);
    expect(heir.holds).toEqual(two.holds);
    expect(heir.generations[0]).toBe(generation);
    await eventually('the one before has ended', () => two.ended);
    expect(two.ended).toMatchObject({ kind: 'replaced' });
  });
});

/** As an operator does with Kafka's own tools. */
async function removeTheOnlyMember(groupId: string): Promise<number> {
  const admin = kafkajs(site.admin).admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([groupId]);
    const memberId = groups[0]?.members[0]?.memberId ?? '';
    const broker = await findCoordinator(connect(site.admin), 'group', groupId, 'test');
    return await leaveGroup(broker, { groupId, memberId, instanceId: undefined }, 'test');
  } finally {
    await admin.disconnect();
  }
}

describe('the writer of the state', () => {
  const signal = AbortSignal.timeout(120_000);

  test('writes all or nothing, values and removals', async () => {
    const topic = 'b_state_writer';
    await createTopic(site.admin, topic);
    const writer = new StateWriter(connect(site.admin), topic, 'umbra-writer-test');
    await writer.take(signal);
    await writer.write([{ key: 'one', value: '1' }, { key: 'two', value: '2' }], signal); // prettier-ignore
    const end = await writer.write([{ key: 'one', value: undefined }, { key: 'three', value: '3' }], signal); // prettier-ignore
    const read = new StateLog(connect(site.admin), topic);
    await readTo(read, end);
    expect([...read.entries]).toEqual([['two', '2'], ['three', '3']]); // prettier-ignore
  });

  test('writes more at once than one batch may hold', async () => {
    const topic = 'b_state_large';
    await createTopic(site.admin, topic);
    const writer = new StateWriter(connect(site.admin), topic, 'umbra-writer-large');
    await writer.take(signal);
    const value = 'x'.repeat(10_000);
    const records = Array.from({ length: 200 }, (_, index) => ({ key: String(index), value }));
    const end = await writer.write(records, signal);
    expect(end).toBe(200n);
    const read = new StateLog(connect(site.admin), topic);
    await readTo(read, end);
    expect(read.entries.size).toBe(200);
  });

  test('the one before is refused by the broker, and what it had begun is seen by nobody', async () => {
    const topic = 'b_state_fenced';
    await createTopic(site.admin, topic);
    const late = new StateWriter(connect(site.admin), topic, 'umbra-writer-fenced');
    await late.take(signal);
    await late.write([{ key: 'who', value: 'the first' }], signal);
    const next = new StateWriter(connect(site.admin), topic, 'umbra-writer-fenced');
    await next.take(signal);
    const end = await next.write([{ key: 'who', value: 'the second' }], signal);
    await expect(late.write([{ key: 'who', value: 'the first, late' }], signal)).rejects.toThrow(ControlLostError);
    expect(late.owns).toBe(false);
    const read = new StateLog(connect(site.admin), topic);
    await readTo(read, end);
    expect([...read.entries]).toEqual([['who', 'the second']]);
  });

  test('one that is held up in the middle of a change, and replaced, cannot end it: the log shows it aborted', async () => {
    const topic = 'b_state_held_up';
    await createTopic(site.admin, topic);
    const network = await startProxiedCluster(site.admin);
    try {
      const late = new StateWriter(connect(network.connection), topic, 'umbra-writer-held-up');
      await late.take(signal);
      let ending = false;
      network.set({
        onRequest({ apiKey }) {
          ending ||= apiKey === endTransactionKey;
          return { kind: apiKey === endTransactionKey ? 'hold' : 'pass' };
        },
      });
      const change = late.write([{ key: 'who', value: 'the first' }], signal).catch((error: unknown) => error);
      const reader = new LogReader(connect(site.admin));
      const part = { topic, partition: 0 };
      await eventually('its record is there, and it is about to commit', () => ending || undefined);
      const next = new StateWriter(connect(site.admin), topic, 'umbra-writer-held-up');
      await next.take(signal);
      const end = await next.write([{ key: 'who', value: 'the second' }], signal);
      network.set({});
      expect(await change).toBeInstanceOf(ControlLostError);
      const read = new StateLog(connect(site.admin), topic);
      await readTo(read, end);
      expect([...read.entries]).toEqual([['who', 'the second']]);
      const log: string[] = [];
      for await (const { header, dropped } of reader.batches(part, { from: 0n, to: end }, signal))
        log.push(header.control ? 'marker' : dropped ? 'aborted' : 'committed');
      expect(log).toEqual(['aborted', 'marker', 'committed']);
    } finally {
      await network.close();
    }
  });

  test('what it has written is not replaced by older values that are read later', async () => {
    const topic = 'b_state_late_look';
    await createTopic(site.admin, topic);
    const writer = new StateWriter(connect(site.admin), topic, 'umbra-writer-late-look');
    await writer.take(signal);
    const [log, reader] = [new StateLog(connect(site.admin), topic), new StateLog(connect(site.admin), topic)];
    await readTo(reader, await writer.write([{ key: 'who', value: 'old' }], signal));
    const records = [{ key: 'who', value: 'new' }];
    log.written(records, await writer.write(records, signal));
    await log.catchUp(signal);
    expect([...log.entries]).toEqual([['who', 'new']]);
  });

  async function readTo(log: StateLog, end: bigint): Promise<void> {
    await eventually('it can be read', async () => {
      await log.catchUp(signal);
      return log.position >= end || undefined;
    });
  }
});
