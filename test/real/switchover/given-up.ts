import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAcls, deleteAcls } from '../../../src/kafka/acl-admin.ts';
import type { Acl } from '../../../src/kafka/acl-words.ts';
import { clusterConfigSchema } from '../../../src/kafka/cluster-config.ts';
import { Cluster } from '../../../src/kafka/cluster.ts';
import { fetchApi, noSession } from '../../../src/kafka/fetch-api.ts';
import { isOver } from '../../../src/operations/operation.ts';
import type { MoveRequestInput, OperationView } from '../../../src/worker/moves/operation-view.ts';
import { aclsAt, linesOf } from '../../fixtures/acls.ts';
import type { PassingRequest } from '../../fixtures/fault-proxy.ts';
import { journalSays } from '../../fixtures/journal-watch.ts';
import { createTopic, produce } from '../../fixtures/kafkajs.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { sendIn, transactionalProducer } from '../../fixtures/transactions.ts';
import { eventually } from '../../fixtures/wait.ts';

const topic = 'a_stays';
/** OffsetForLeaderEpoch: by it a drain asks where the source ends. */
const endsKey = 23;
/** For a cancelled one, which need not wait until a request is given up (40 s). */
const cancelledMsMax = 25_000;
/** For a drain that cannot finish to be given up, and for the other site to hear of it and to give back. */
const givenBackMsMax = 100_000;
const request: MoveRequestInput = { kind: 'switchover', topics: [topic] };

/** Registers the tests; a topic of their own stays primary at a. */
export function givenUp(moving: MovingSites): void {
  let admin: Cluster;
  /** Of site a, before anything was begun. */
  let acls: readonly string[];

  beforeAll(async () => {
    const a = moving.clusters.a;
    admin = new Cluster('a', clusterConfigSchema.parse(a.connection('admin')), { clientId: 'test' });
    await createTopic(a.connection('app'), topic, { partitions: 2 });
    await moving.pair.level(topic);
    acls = linesOf(await aclsAt(admin));
  }, 120_000);

  afterAll(() => admin.close());

  beforeEach(async () => {
    await eventually(
      'nothing stands against a switchover',
      async () => ((await moving.pair.api.b.planMove(request)).blockers.length === 0 ? true : undefined),
      60_000,
    );
  });

  async function begun(): Promise<string> {
    const { hash } = await moving.pair.api.b.planMove(request);
    return (await moving.pair.api.b.beginMove(request, hash)).id;
  }

  async function draining(id: string): Promise<void> {
    const told = moving.clusters.b.connection('umbra');
    await journalSays(told, 'draining', ({ moves }) => moves.operation(id)?.step.kind === 'draining');
  }

  /** From now on nothing of partition 0 comes to the copy that was not there when this resolves; all else passes. */
  async function copyingStopped(): Promise<{ readonly goOn: () => void }> {
    const topicId = (await admin.metadata([topic])).topics.get(topic)?.topicId ?? '';
    let held = false;
    moving.between.a.set({
      onRequest: (asked) => {
        if (!copies(asked, topicId)) return { kind: 'pass' };
        held = true;
        return { kind: 'hold' };
      },
    });
    // The request under way is answered with it; the next one says where to go on.
    await produce(moving.clusters.a.connection('app'), topic, ['copied']);
    await eventually('the request for more is held', () => held || undefined);
    return { goOn: () => moving.between.a.set({}) };
  }

  async function ended(id: string): Promise<OperationView> {
    return eventually(
      `${id} is over`,
      async () => {
        const operation = await moving.pair.api.b.operation(id);
        return isOver(operation.step) ? operation : undefined;
      },
      90_000,
    );
  }

  /** The old primary is as it was: its writers are let in, by exactly the ACLs from before. */
  async function restored(): Promise<void> {
    await eventually('writers are let in again', async () => {
      await produce(moving.clusters.a.connection('app'), topic, ['as before']);
      return true;
    });
    expect(linesOf(await aclsAt(admin))).toEqual(acls);
    expect(await moving.pair.api.a.roles()).toEqual([]);
  }

  test('who would get through the fence is named before anything is begun', async () => {
    const everybody: Acl = {
      ...{ resourceType: 'TOPIC', resourceName: topic, patternType: 'LITERAL', principal: 'User:*', host: '*' },
      ...{ operation: 'WRITE', permission: 'ALLOW' },
    };
    const wide: Acl = { ...everybody, resourceName: 'a_st', patternType: 'PREFIXED' };
    await createAcls(admin, [wide], () => true);
    const plan = await eventually('the ACL is seen', async () => {
      const made = await moving.pair.api.b.planMove(request);
      return made.blockers.length > 0 ? made : undefined;
    });
    expect(plan.blockers).toMatchObject([{ code: 'BYPASSED' }]);
    expect(plan.blockers[0]?.message).toMatch(/everybody may WRITE/);
    await expect(moving.pair.api.b.beginMove(request, plan.hash)).rejects.toMatchObject({ code: 'MOVE_REFUSED' });
    await deleteAcls(admin, [wide], () => true);
    await eventually('it is gone', async () => linesOf(await aclsAt(admin)).length === acls.length || undefined);
  });

  test('a transaction that nobody ends has it given up, by name, and can be committed afterwards', async () => {
    const producer = transactionalProducer(moving.clusters.a.connection('app'), 'a_slow');
    await producer.connect();
    const transaction = await producer.transaction();
    await sendIn(transaction, { topic, messages: [{ key: 'k', value: 'open' }] });
    try {
      const { warnings } = await moving.pair.api.b.planMove(request);
      expect(warnings).toMatchObject([{ code: 'TRANSACTIONS' }]);
      expect(warnings[0]?.message).toContain('a_slow');
      const { step } = await ended(await begun());
      expect(step).toMatchObject({ kind: 'aborted' });
      expect('reason' in step ? step.reason : '').toContain('a_slow');
      await restored();
    } finally {
      // Left open it would fail the tests behind this one, too.
      await transaction.commit();
      await producer.disconnect();
    }
    await moving.pair.level(topic);
  }, 90_000);

  test('a person gives it up in the middle: nothing is different', async () => {
    const id = await begun();
    await journalSays(moving.clusters.b.connection('umbra'), 'draining', ({ moves }) => {
      const kind = moves.operation(id)?.step.kind;
      return kind !== undefined && kind !== 'fencing';
    });
    await moving.pair.api.b.abortOperation(id);
    const begunMs = performance.now();
    expect((await ended(id)).step).toMatchObject({ kind: 'aborted', reason: 'it was cancelled' });
    await restored();
    process.stdout.write(`switchover: restored ${Math.round(performance.now() - begunMs)} ms after the abort\n`);
  }, 90_000);

  test('a drain that cannot finish ends with the rights given back', async () => {
    const { hash } = await moving.pair.api.b.planMove(request);
    const stopped = await copyingStopped();
    let id = '';
    let begunMs = 0;
    try {
      // It is acknowledged at a, and no broker of a will hand it out.
      await produce(moving.clusters.a.connection('app'), topic, ['missing at b']);
      ({ id } = await moving.pair.api.b.beginMove(request, hash));
      await draining(id);
      const { parts } = await moving.pair.api.a.operationsAndParts();
      expect(parts.find(({ operation }) => operation === id)?.state).toBe('fenced');
      await expect(produce(moving.clusters.a.connection('app'), topic, ['refused'])).rejects.toThrow(/authorized/i);
      // What is held already stays held: no moment lies between the two.
      moving.between.a.set({ hold: true });
      begunMs = performance.now();
      await journalSays(
        moving.clusters.a.connection('umbra'),
        'restored',
        ({ moves }) => moves.part(id)?.state === 'restored',
        givenBackMsMax,
      );
      await restored();
      const tookMs = Math.round(performance.now() - begunMs);
      process.stdout.write(`switchover: restored ${tookMs} ms after the network broke\n`);
    } finally {
      stopped.goOn();
    }
    const { step } = await ended(id);
    expect(step.kind).toBe('aborted');
    await moving.pair.level(topic, 90_000);
  }, 240_000);

  test('a person gives up a drain while the source hangs: nobody waits for the source', async () => {
    const { hash } = await moving.pair.api.b.planMove(request);
    let asked = false;
    moving.between.a.set({
      onRequest: ({ apiKey }) => {
        asked ||= apiKey === endsKey;
        return { kind: apiKey === endsKey ? 'hold' : 'pass' };
      },
    });
    let id = '';
    try {
      ({ id } = await moving.pair.api.b.beginMove(request, hash));
      await draining(id);
      await eventually('b asks where the source ends', () => asked || undefined);
      moving.between.a.set({ hold: true });
      await moving.pair.api.b.abortOperation(id);
      const told = moving.clusters.a.connection('umbra');
      await journalSays(told, 'restored', ({ moves }) => moves.part(id)?.state === 'restored', cancelledMsMax);
      await restored();
    } finally {
      moving.between.a.set({});
    }
    expect((await ended(id)).step).toMatchObject({ kind: 'aborted', reason: 'it was cancelled' });
    await moving.pair.level(topic, 90_000);
  }, 180_000);

  test('what was sealed for a site that is gone waits for a person, and the site finds it given up when it comes back', async () => {
    const id = await begun();
    await journalSays(
      moving.clusters.a.connection('umbra'),
      'sealed',
      ({ moves }) => moves.part(id)?.state === 'sealed',
    );
    // Behind its seal the other site may be primary: nobody here knows, unless that one tells.
    await moving.pair.kill('b');
    const { parts } = await moving.pair.api.a.operationsAndParts();
    const part = parts.find(({ operation }) => operation === id);
    const before = await moving.pair.api.a.roles();
    if (part?.state === 'sealed' && before.length === 0) {
      await expect(produce(moving.clusters.a.connection('app'), topic, ['refused'])).rejects.toThrow(/authorized/i);
      await moving.pair.api.a.releaseOperation(id);
      await restored();
    }
    await moving.pair.start('b');
    const { step } = await ended(id);
    process.stdout.write(`switchover: killed behind the seal: ${step.kind}, released: ${before.length === 0}\n`);
    expect(['aborted', 'done']).toContain(step.kind);
  }, 120_000);
}

/** Says where to go on with that topic. What is asked outside of a session is compared, not copied. */
function copies({ apiKey, body }: PassingRequest, topicId: string): boolean {
  if (apiKey !== fetchApi.key || !body.includes(Buffer.from(topicId, 'hex'))) return false;
  // Key, version, correlation id, client id, tags; replica id, wait, bytes (2), isolation; session id and its epoch.
  const clientIdEnd = 8 + 2 + body.readInt16BE(8);
  return body.readInt32BE(clientIdEnd + 1 + 4 + 4 + 4 + 4 + 1 + 4) !== noSession.epoch;
}
