import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configRules, ruleOf } from '../../../src/pair/config-rules.ts';
import { defaultTopicPolicy } from '../../../src/pair/topic-policy.ts';
import type { ConfigRecord } from '../../../src/sync/topics/config-record.ts';
import { ConfigSync, type SyncedCopy } from '../../../src/sync/topics/config-sync.ts';
import type { ConfigEvent } from '../../../src/sync/topics/config-sync-view.ts';
import { scriptedConfigs, type ScriptedConfigs } from './scripted-configs.ts';

const defaults = new Map(configRules.map(({ name }) => [name, '1']));
const names = [
  'segment.ms',
  'delete.retention.ms',
  'cleanup.policy',
  'max.message.bytes',
  'min.insync.replicas',
] as const;
const topics = ['a_x', 'a_y'] as const;

let source: ScriptedConfigs;
let target: ScriptedConfigs;

beforeAll(async () => {
  [source, target] = await Promise.all([scriptedConfigs(defaults), scriptedConfigs(defaults)]);
});

afterAll(() => Promise.all([source.close(), target.close()]));

interface World {
  sync: ConfigSync;
  readonly records: Map<string, ConfigRecord>;
  readonly events: ConfigEvent[];
  copies: SyncedCopy[];
  mayAct: boolean;
  nowMs: number;
  /** A new process that knows what is remembered. */
  restart(): void;
  round(): Promise<void>;
}

const sourceIds = ['1'.repeat(32), '2'.repeat(32)];
const copyIds = ['3'.repeat(32), '4'.repeat(32)];

/** Two topics with nothing set, and their copies, never synced. */
function world(): World {
  for (const [side, ids] of [
    [source, sourceIds],
    [target, copyIds],
  ] as const) {
    side.topics.clear();
    side.refused.clear();
    side.changes.length = 0;
    side.loseNext = undefined;
    for (const [index, topic] of topics.entries()) side.topics.set(topic, { id: ids[index]!, own: new Map() });
  }
  const records = new Map<string, ConfigRecord>();
  const events: ConfigEvent[] = [];
  const start = (): ConfigSync =>
    new ConfigSync({
      ...{ source: source.cluster, target: target.cluster },
      copies: () => it.copies,
      isKnown: () => true,
      policy: () => defaultTopicPolicy,
      memory: {
        topics: () => records.keys(),
        get: (topic) => records.get(topic),
        put(changed) {
          for (const record of changed) records.set(record.topic, record);
          return Promise.resolve();
        },
        remove: () => Promise.resolve(),
      },
      mayAct: () => it.mayAct,
      report: (event) => events.push(event),
      clock: { monotonicMs: () => it.nowMs, now: () => new Date(it.nowMs) },
    });
  const shape = { partitions: { source: 1, copy: 1 }, replicas: { source: 1, copy: 1 } };
  const copies = topics.map((topic, index) => ({
    ...{ topic, sourceTopicId: sourceIds[index]!, shadowTopicId: copyIds[index]! },
    ...shape,
  }));
  const it: World = {
    ...{ records, events, copies, mayAct: true, nowMs: 0 },
    sync: undefined!,
    restart() {
      it.sync = start();
    },
    round: () => it.sync.round(AbortSignal.timeout(10_000)),
  };
  it.restart();
  return it;
}

const set = (side: ScriptedConfigs, topic: string, name: string, value: string | undefined): void => {
  const own = side.topics.get(topic)?.own;
  if (value === undefined) own?.delete(name);
  else own?.set(name, value);
};

const reverts = ({ events }: World): number => events.filter(({ kind }) => kind === 'config edit reverted').length;

const place = { topic: fc.constantFrom(...topics), name: fc.constantFrom(...names) };
const value = fc.option(fc.constantFrom('10', '20', '30'), { nil: undefined });
const step = fc.oneof(
  fc.record({ kind: fc.constant('source' as const), ...place, value }),
  fc.record({ kind: fc.constant('edit' as const), ...place, value }),
  fc.record({ kind: fc.constant('refuse' as const), value: fc.constantFrom('10', '20', '30') }),
  fc.record({ kind: fc.constant('lose' as const), what: fc.constantFrom('request' as const, 'answer' as const) }),
  fc.record({ kind: fc.constantFrom('round' as const, 'restart' as const, 'depose' as const, 'elect' as const) }),
);

test('whatever is changed, refused, lost or restarted, in the end the copies are as the source wants them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const it = world();
      for (const each of steps) {
        it.nowMs += 1000;
        if (each.kind === 'source') set(source, each.topic, each.name, each.value);
        else if (each.kind === 'edit') set(target, each.topic, each.name, each.value);
        else if (each.kind === 'refuse') target.refused.add(each.value);
        else if (each.kind === 'lose') target.loseNext = each.what;
        else if (each.kind === 'restart') it.restart();
        else if (each.kind === 'round') await it.round().catch(() => undefined);
        else it.mayAct = each.kind === 'elect';
      }
      it.mayAct = true;
      target.refused.clear();
      target.loseNext = undefined;
      const left = new Map(topics.map((topic) => [topic, target.topics.get(topic)?.own.get('min.insync.replicas')]));
      // Holds and settling are over, and a lost connection is opened again.
      for (let rounds = 0; rounds < 3; rounds++) {
        it.nowMs += 400_000;
        await it.round().catch(() => undefined);
      }
      expect(it.sync.view()).toMatchObject({ level: topics.length, differing: { count: 0 }, refused: { count: 0 } });
      for (const topic of topics) {
        const [wanted, copy] = [source.topics.get(topic)!.own, target.topics.get(topic)!.own];
        expect(copy.get('segment.ms')).toBe(wanted.get('segment.ms'));
        expect(copy.get('delete.retention.ms') ?? '1').toBe(wanted.get('delete.retention.ms') ?? '1');
        expect(copy.get('min.insync.replicas')).toBe(left.get(topic));
        for (const { name, sync } of configRules) if (sync.kind === 'override') expect(copy.get(name)).toBe(sync.value);
        const wish = it.records.get(topic)?.wish ?? {};
        for (const [name, own] of wanted) expect(wish[name]).toEqual({ value: own, from: 'topic' });
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);

test('what nobody changed is not changed, and what only the source changed is no edit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ ...place, value }), { maxLength: 10 }), async (wishes) => {
      const it = world();
      await it.round();
      for (const { topic, name, value: wanted } of wishes) {
        set(source, topic, name, wanted);
        await it.round();
      }
      expect(reverts(it)).toBe(0);
      target.changes.length = 0;
      await it.round();
      it.restart();
      await it.round();
      expect(target.changes).toEqual([]);
      expect(reverts(it)).toBe(0);
    }),
    { numRuns: 50 },
  );
}, 60_000);

test('a lost answer is no edit when the change turns out to be made', async () => {
  const it = world();
  await it.round();
  set(source, 'a_x', 'segment.ms', '10');
  target.loseNext = 'answer';
  await expect(it.round()).rejects.toThrow(/ended/);
  expect(it.sync.view().trouble?.message).toMatch(/ended/);
  await it.round();
  expect(it.sync.view().trouble).toBeUndefined();
  expect(it.records.get('a_x')?.level).toMatchObject({ 'segment.ms': '10' });
  expect(reverts(it)).toBe(0);
});

test('what was refused is tried again after its time, or at once when the source wants something else', async () => {
  const it = world();
  await it.round();
  target.refused.add('10');
  set(source, 'a_x', 'segment.ms', '10');
  await it.round();
  expect(it.sync.view().refused.first).toMatchObject([{ topic: 'a_x', name: 'segment.ms', wanted: '10' }]);
  target.changes.length = 0;
  it.nowMs += 299_000;
  await it.round();
  expect(target.changes).toEqual([]);
  expect(it.sync.view()).toMatchObject({ refused: { count: 1 }, differing: { first: [{ why: 'held' }] } });
  it.nowMs += 1_000;
  await it.round();
  expect(target.changes).toHaveLength(1);
  set(source, 'a_x', 'segment.ms', '20');
  await it.round();
  expect(target.changes).toHaveLength(2);
  expect(it.sync.view()).toMatchObject({ level: 2, refused: { count: 0 } });
});

test('who may not act writes nothing, neither there nor into the memory', async () => {
  const it = world();
  it.mayAct = false;
  await it.round();
  expect(target.changes).toEqual([]);
  expect(it.records.size).toBe(0);
  expect(it.sync.view()).toMatchObject({ topics: 2, level: 0 });
});

test('a copy that was promoted during the look is left alone', async () => {
  const it = world();
  await it.round();
  set(source, 'a_x', 'segment.ms', '10');
  set(source, 'a_y', 'segment.ms', '10');
  const all = it.copies;
  let asked = 0;
  // The first question is the look's; before the second one the topic was taken out.
  Object.defineProperty(it, 'copies', {
    get: () => (asked++ === 0 ? all : all.filter(({ topic }) => topic !== 'a_x')),
  });
  target.changes.length = 0;
  const wish = it.records.get('a_x');
  await it.round();
  expect(target.changes).toEqual([{ topic: 'a_y', name: 'segment.ms', to: '10' }]);
  expect(it.records.get('a_x')).toBe(wish);
});

test.each([
  ['the source', () => (source.topics.get('a_x')!.id = '9'.repeat(32))],
  ['the target', () => (target.topics.get('a_x')!.id = '9'.repeat(32))],
])('another topic of the same name at %s is not taken for the one that is known', async (_, replace) => {
  const it = world();
  await it.round();
  const before = it.records.get('a_x');
  replace();
  set(source, 'a_x', 'segment.ms', '10');
  target.changes.length = 0;
  await it.round();
  expect(target.changes).toEqual([]);
  expect(it.records.get('a_x')).toBe(before);
});

test('a topic that one side does not show is named, and the others go on', async () => {
  const it = world();
  source.topics.delete('a_x');
  await it.round();
  const view = it.sync.view();
  expect(view).toMatchObject({ topics: 1, level: 1, unseen: { count: 1 } });
  expect(view.unseen.first[0]?.message).toMatch(/UNKNOWN_TOPIC_OR_PARTITION \(3\)/);
  expect(view.levelAt).toBeUndefined();
});

test('the rules decide what this test takes for granted', () => {
  expect(names.map((name) => ruleOf(name).sync.kind)).toEqual([
    'by default',
    'by default',
    'override',
    'always',
    'never',
  ]);
});
