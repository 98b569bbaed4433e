import { CompressionTypes } from 'kafkajs';
import { expect, test } from 'vitest';
import { clusterConfigSchema } from '../../../src/kafka/cluster-config.ts';
import { Cluster } from '../../../src/kafka/cluster.ts';
import { describeConfigs } from '../../../src/kafka/config-admin.ts';
import { isOver } from '../../../src/operations/operation.ts';
import { type SiteId, sites } from '../../../src/pair/site.ts';
import type { TailDecision } from '../../../src/quarantine/manifest.ts';
import { quarantinedRecords, readManifest } from '../../../src/quarantine/quarantine-reader.ts';
import { verifyQuarantine } from '../../../src/quarantine/verify-quarantine.ts';
import type { MoveRequestInput } from '../../../src/worker/moves/operation-view.ts';
import type { RebuildPlan, RebuildView } from '../../../src/worker/rebuild/rebuild-view.ts';
import { type ConsumedRecord, consumeWhole } from '../../fixtures/consumed-records.ts';
import { wishesKnown } from '../../fixtures/journal-watch.ts';
import { createTopic, kafkajs, logEnds, produce } from '../../fixtures/kafkajs.ts';
import { move } from '../../fixtures/moves.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { transact } from '../../fixtures/transactions.ts';
import { eventually } from '../../fixtures/wait.ts';

const topics = ['a_replayed', 'a_exported', 'a_discarded', 'a_equal'] as const;
type Topic = (typeof topics)[number];
/** Stays at a all along. */
const unmoved = 'a_unmoved';
const partitions = 2;

/** Registers the tests: both sites are whole behind them, but for `a_given_up`, which is primary at b. */
export function returning(moving: MovingSites): void {
  /** What the old log holds above the cut, as its consumers see it. */
  const tails = new Map<string, readonly ConsumedRecord[]>();
  const cuts = new Map<string, readonly bigint[]>();
  /** What the new primary held before anything was reconciled. */
  const newRecords = new Map<string, readonly ConsumedRecord[]>();

  /** Some records to each partition, with keys and headers, in one batch each. */
  async function write(site: SiteId, topic: Topic, prefix: string, count: number): Promise<void> {
    const producer = kafkajs(moving.clusters[site].connection('app')).producer();
    await producer.connect();
    try {
      for (let partition = 0; partition < partitions; partition++) {
        const messages = Array.from({ length: count }, (_, index) => ({
          ...{ partition, key: `key ${index}`, value: `${prefix} ${partition}.${index}` },
          headers: { trace: [`${index}`, 'twice'] },
        }));
        await producer.send({ topic, acks: -1, messages, compression: CompressionTypes.GZIP });
      }
    } finally {
      await producer.disconnect();
    }
  }

  async function consumed(site: SiteId, topic: Topic, groupId: string): Promise<readonly ConsumedRecord[]> {
    const admin = moving.clusters[site].connection('admin');
    return (await consumeWhole(admin, { topics: [topic], groupId })).get(topic) ?? [];
  }

  async function planned(topic: Topic, decision?: TailDecision): Promise<RebuildPlan> {
    await moving.pair.api.a.planReconciliation(topic, decision);
    return eventually(`a plan for ${topic}`, async () => {
      const view = await moving.pair.api.a.reconciliation(topic);
      if (view.step === 'stopped') throw new Error(view.reason);
      return view.step === 'planned' ? view.plan : undefined;
    });
  }

  async function ended(topic: Topic): Promise<Extract<RebuildView, { step: 'done' }>> {
    return eventually(
      `${topic} is reconciled`,
      async () => {
        const view = await moving.pair.api.a.reconciliation(topic).catch(() => undefined);
        if (view?.step === 'stopped') throw new Error(view.reason);
        return view?.step === 'done' ? view : undefined;
      },
      90_000,
    );
  }

  async function reconciled(topic: Topic, decision?: TailDecision): Promise<Extract<RebuildView, { step: 'done' }>> {
    const { hash } = await planned(topic, decision);
    await moving.pair.api.a.executeReconciliation(topic, hash);
    return ended(topic);
  }

  /** The files hold the tail, record by record, and nothing else that is only here. */
  async function expectQuarantined(topic: Topic, view: Extract<RebuildView, { step: 'done' }>): Promise<void> {
    const { problems } = await verifyQuarantine(view.quarantine);
    expect(problems).toEqual([]);
    const manifest = await readManifest(view.quarantine);
    const found: ConsumedRecord[] = [];
    for await (const record of quarantinedRecords(view.quarantine, manifest)) {
      if (record.kind !== 'record' || record.aborted || !record.onlyHere) continue;
      const { partition, offset, key, value } = record;
      found.push({ partition, offset, key: String(key), value: String(value) });
    }
    const inOrder = (records: readonly ConsumedRecord[]): readonly ConsumedRecord[] =>
      records.toSorted((left, right) => left.partition - right.partition || Number(left.offset - right.offset));
    expect(inOrder(found)).toEqual(inOrder(tails.get(topic) ?? []));
    for (const { acknowledged, present, quarantined } of view.sums ?? [])
      expect(present + quarantined).toBe(acknowledged);
    expect(view.sums).toHaveLength(partitions);
  }

  /** The copy at the old side follows the new primary and is it, raw. */
  async function expectCopy(topic: Topic): Promise<void> {
    await write('b', topic, 'afterwards', 3);
    await eventually(
      `the copy of ${topic} is level`,
      async () => {
        const [old, now] = await Promise.all(
          sites.map((site) => logEnds(moving.clusters[site].connection('admin'), topic)),
        );
        return String(old) === String(now) ? true : undefined;
      },
      60_000,
    );
    const { totals, topics: verdicts } = await moving.pair.verify([topic]);
    expect(verdicts).toHaveLength(1);
    expect(totals).toMatchObject({ recordsDifferent: 0 });
    await expect(produce(moving.clusters.a.connection('app'), topic, ['refused'])).rejects.toThrow(/authorized/i);
  }

  test('topics whose site is dead are promoted where their copies end, with the configs of their sources, and take writes', async () => {
    const { clusters, pair } = moving;
    for (const topic of topics) {
      const configs = topic === 'a_replayed' ? { 'cleanup.policy': 'compact', 'retention.ms': '86400000' } : {};
      await createTopic(clusters.a.connection('app'), topic, { partitions, configs });
      await write('a', topic, 'common', 20);
    }
    await createTopic(clusters.a.connection('app'), unmoved);
    for (const topic of [...topics, unmoved]) await pair.level(topic);
    for (const topic of topics) cuts.set(topic, await logEnds(clusters.a.connection('app'), topic));
    await eventually('who may write at the source is known', async () => {
      const [link] = (await pair.api.b.acls()).links;
      return (link !== undefined && 'withheld' in link && JSON.stringify(link.withheld).includes('WRITE')) || undefined;
    });
    await wishesKnown(clusters.b.connection('umbra'), topics);
    await expect(produce(clusters.b.connection('app'), 'a_replayed', ['refused'])).rejects.toThrow(/authorized/i);
    await pair.kill('a');
    await clusters.a.broker.kill();
    const request: MoveRequestInput = { kind: 'failover', topics: [...topics] };
    const refused = await eventually('the source is known to be silent', async () => {
      const plan = await pair.api.b.planMove(request);
      return plan.blockers.some(({ code }) => code === 'OLD_SIDE_UNCONFIRMED') ? plan : undefined;
    });
    await expect(pair.api.b.beginMove(request, refused.hash)).rejects.toMatchObject({ code: 'MOVE_REFUSED' });
    const { operation } = await move(pair.api.b, { ...request, oldSideUnconfirmed: true });
    expect(operation.step).toEqual({ kind: 'done', remarks: [] });
    const roles = await pair.api.b.roles();
    expect(roles).toHaveLength(topics.length);
    for (const topic of topics)
      expect(roles).toContainEqual(expect.objectContaining({ topic, home: 'a', primary: 'b', term: 1 }));
    for (const topic of topics) {
      expect(await logEnds(clusters.b.connection('app'), topic)).toEqual(cuts.get(topic));
      await write('b', topic, 'at b', 7);
    }
    const target = new Cluster('b', clusterConfigSchema.parse(clusters.b.connection('admin')), { clientId: 'test' });
    try {
      const own = (await describeConfigs(target, ['a_replayed'])).configs.get('a_replayed');
      expect(own?.get('retention.ms')).toMatchObject({ value: '86400000', own: true });
      expect(own?.get('cleanup.policy')).toMatchObject({ value: 'compact', own: true });
    } finally {
      await target.close();
    }
    // What was not moved stays what it was.
    await expect(produce(clusters.b.connection('app'), unmoved, ['refused'])).rejects.toThrow(/authorized/i);
  }, 240_000);

  test('an old primary that wrote while nobody fenced it is shown as split when it comes back, without a word of anybody', async () => {
    await moving.clusters.a.broker.start();
    for (const topic of topics) if (topic !== 'a_equal') await write('a', topic, 'zombie', 12);
    const app = moving.clusters.a.connection('app');
    await transact(app, 'a_replayed', { rounds: 3, producers: 2 });
    await write('a', 'a_replayed', 'last', 1);
    await moving.pair.start('a');
    const begun = performance.now();
    const roles = await eventually('both sites show what came back', async () => {
      const [ours, theirs] = await Promise.all(sites.map((site) => moving.pair.api[site].roles()));
      const whole = [ours, theirs].every(
        (shown) => shown?.filter(({ oldSide }) => oldSide !== undefined).length === topics.length,
      );
      return whole ? ours : undefined;
    });
    process.stdout.write(
      `split: shown by both sites ${Math.round(performance.now() - begun)} ms after the worker ran\n`,
    );
    const states = Object.fromEntries(roles.map(({ topic, oldSide }) => [topic, oldSide?.state]));
    expect(states).toEqual({ a_replayed: 'split', a_exported: 'split', a_discarded: 'split', a_equal: 'returned' });
    expect(await moving.pair.api.b.pair()).toMatchObject({ oldSide: { returned: 1, split: 3 } });
    await eventually('it is told', async () => {
      const { events } = await moving.pair.api.a.events({ limit: 100 });
      return JSON.stringify(events).includes('split found') || undefined;
    });
    await eventually('site a has fenced them', async () => {
      const outcome = await produce(app, 'a_exported', ['too late']).catch((error: unknown) => String(error));
      return /authorized/i.test(String(outcome)) ? true : undefined;
    });
    for (const topic of topics) {
      const cut = cuts.get(topic) ?? [];
      const records = await consumed('a', topic, `a_ledger_${topic}`);
      tails.set(
        topic,
        records.filter(({ partition, offset }) => offset >= (cut[partition] ?? 0n)),
      );
      newRecords.set(topic, await consumed('b', topic, `a_before_${topic}`));
    }
    expect(tails.get('a_equal')).toEqual([]);
    // What was not moved goes on.
    await produce(app, unmoved, ['after the return']);
    await moving.pair.level(unmoved, 90_000);
  }, 240_000);

  test('nothing becomes of a tail before a person decides, and what is not what was planned is not begun', async () => {
    const plan = await planned('a_discarded');
    expect(plan.tail).toMatchObject({
      site: 'a',
      term: 1,
      method: 'anew',
      cuts: (cuts.get('a_discarded') ?? []).map(String),
    });
    const records = plan.partitions.reduce((sum, { quarantined }) => sum + quarantined.recordsUnexplained, 0);
    expect(records).toBe(tails.get('a_discarded')?.length);
    for (const { partition, forkOffset } of plan.partitions) {
      expect(forkOffset).toBe(String(cuts.get('a_discarded')?.[partition]));
    }
    const refused = { code: 'REBUILD_REFUSED' };
    await expect(moving.pair.api.a.executeReconciliation('a_discarded', plan.hash)).rejects.toMatchObject(refused);
    await expect(moving.pair.api.a.executeReconciliation('a_discarded', '0'.repeat(64))).rejects.toMatchObject({
      code: 'PLAN_CHANGED',
    });
    await expect(moving.pair.api.b.planReconciliation('a_discarded')).rejects.toMatchObject(refused);
  }, 60_000);

  test('a log that ends at the cut becomes a copy as it is: nothing is deleted, nothing is copied again', async () => {
    const before = (await planned('a_equal')).copyTopicId;
    const view = await reconciled('a_equal');
    expect(view.tail).toMatchObject({ method: 'in-place' });
    expect(view.sums).toEqual(
      Array.from({ length: partitions }, () => ({ acknowledged: 20, present: 20, quarantined: 0 })),
    );
    await expectCopy('a_equal');
    const copy = await moving.pair.api.a.topic('a_equal');
    expect(copy.shadowTopicId).toBe(before);
  }, 120_000);

  test('a tail that is discarded is in the quarantine all the same, with the reason', async () => {
    const decision: TailDecision = { kind: 'discard', reason: 'written twice by the till' };
    const view = await reconciled('a_discarded', decision);
    await expectQuarantined('a_discarded', view);
    expect((await readManifest(view.quarantine)).tail?.decision).toEqual(decision);
    await expectCopy('a_discarded');
  }, 180_000);

  test('a tail that is exported stands there as lines of JSON, too', async () => {
    const view = await reconciled('a_exported', { kind: 'export' });
    await expectQuarantined('a_exported', view);
    const manifest = await readManifest(view.quarantine);
    const lines = manifest.partitions.map(({ files }) => files?.lines?.path);
    expect(lines).toEqual(['partition-0/records.jsonl', 'partition-1/records.jsonl']);
    await expectCopy('a_exported');
  }, 180_000);

  test('a tail that is replayed is at the new primary once, with where it comes from, though workers of both sites die', async () => {
    const plan = await planned('a_replayed', { kind: 'replay' });
    // The first seven keys were written at both sites since the cut, in each partition.
    expect(plan.conflicts).toMatchObject({ keys: 7 * partitions, more: false });
    expect(plan.conflicts?.first).toContainEqual({ partition: 1, key: 'key 6' });
    await moving.pair.api.a.executeReconciliation('a_replayed', plan.hash);
    await moving.pair.kill('b');
    await moving.pair.kill('a');
    await Promise.all([moving.pair.start('a'), moving.pair.start('b')]);
    const view = await ended('a_replayed');
    await expectQuarantined('a_replayed', view);
    const now = await consumed('b', 'a_replayed', 'a_after_replay');
    const old = new Set((newRecords.get('a_replayed') ?? []).map(({ partition, offset }) => `${partition}/${offset}`));
    const byPartition = (records: readonly ConsumedRecord[]): readonly (readonly string[])[] =>
      Array.from({ length: partitions }, (_, partition) =>
        records
          .filter((each) => each.partition === partition)
          .toSorted((left, right) => Number(left.offset - right.offset))
          .map(({ key, value }) => `${key}=${value}`),
      );
    const added = now.filter(({ partition, offset }) => !old.has(`${partition}/${offset}`));
    const tail = tails.get('a_replayed') ?? [];
    expect(tail.length).toBeGreaterThan(30);
    expect(byPartition(added)).toEqual(byPartition(tail));
    await expectCopy('a_replayed');
    expect(await moving.pair.api.a.pair()).not.toHaveProperty('oldSide');
  }, 240_000);

  test('then all of them come home by a switchover, and both sites are whole', async () => {
    const request: MoveRequestInput = { kind: 'switchover', topics: [...topics] };
    const plan = await eventually('a plan that nothing stands against', async () => {
      const made = await moving.pair.api.a.planMove(request);
      return made.blockers.length === 0 ? made : undefined;
    });
    const { id } = await moving.pair.api.a.beginMove(request, plan.hash);
    await eventually(
      'the switchover is over',
      async () => {
        const { step } = await moving.pair.api.a.operation(id);
        if (step.kind === 'aborted') throw new Error(step.reason);
        return step.kind === 'done' ? true : undefined;
      },
      60_000,
    );
    for (const topic of topics) await write('a', topic, 'home again', 2);
    for (const topic of topics) await moving.pair.level(topic, 60_000);
    const { topics: verdicts, totals } = await moving.pair.verify([...topics]);
    expect(verdicts).toHaveLength(topics.length);
    expect(totals).toMatchObject({ recordsDifferent: 0, behind: 0 });
  }, 180_000);

  test('a topic whose site is well is given up with proof that nobody writes there any more, though a worker dies over it', async () => {
    const { clusters, pair } = moving;
    const topic = 'a_given_up';
    await createTopic(clusters.a.connection('app'), topic, { partitions: 1 });
    await produce(clusters.a.connection('app'), topic, ['1', '2', '3']);
    await pair.level(topic);
    await wishesKnown(clusters.b.connection('umbra'), [topic]);
    const request: MoveRequestInput = { kind: 'failover', topics: [topic] };
    const plan = await pair.api.b.planMove(request);
    expect(plan.blockers).toEqual([]);
    const { id } = await pair.api.b.beginMove(request, plan.hash);
    await pair.kill('b');
    await pair.start('b');
    const { step } = await eventually(
      `${id} is over`,
      async () => {
        const operation = await pair.api.b.operation(id);
        return isOver(operation.step) ? operation : undefined;
      },
      60_000,
    );
    expect(step).toEqual({ kind: 'done', remarks: [] });
    await expect(produce(clusters.a.connection('app'), topic, ['refused'])).rejects.toThrow(/authorized/i);
    await produce(clusters.b.connection('app'), topic, ['at b']);
    const [there] = await logEnds(clusters.a.connection('app'), topic);
    expect(await logEnds(clusters.b.connection('app'), topic)).toEqual([(there ?? 0n) + 1n]);
    const again = await pair.api.b.planMove(request);
    expect(again.blockers).toMatchObject([{ code: 'ALREADY_PRIMARY' }]);
    await expect(pair.api.b.planMove({ kind: 'failover', topics: ['a_nothing'] })).resolves.toMatchObject({
      blockers: [{ code: 'UNKNOWN_TOPIC' }],
    });
  }, 120_000);
}
