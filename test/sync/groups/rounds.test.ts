import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partitionKey } from '../../../src/kafka/log-queries.ts';
import { countGone, type GoneLooks, topicsToAskFor } from '../../../src/sync/groups/gone-looks.ts';
import type { GroupLook, Positions } from '../../../src/sync/groups/group-look.ts';
import type { GroupRecord } from '../../../src/sync/groups/group-record.ts';
import { type GroupPlan, planGroups } from '../../../src/sync/groups/plan-groups.ts';
import { copiesUpTo, groups, limits, nowMs, position } from './worlds.ts';

/**
 * Rounds against two clusters in memory, while applications commit and remove at both, members come and go, copies
 * grow, and controllers die between any two writes.
 */
const partitions = ['a_t1/0', 'a_t1/1', 'a_t2/0'];

interface Held {
  /** Whoever committed it last. */
  readonly by: 'link' | 'app';
  readonly offset: bigint;
}

class World {
  readonly source = new Map<string, Map<string, bigint>>(groups.map((group) => [group, new Map()]));
  readonly target = new Map<string, Map<string, Held>>(groups.map((group) => [group, new Map()]));
  readonly live = new Set<string>();
  readonly ends = new Map<string, bigint>(partitions.map((key) => [key, 0n]));
  readonly memory = new Map<string, GroupRecord>();
  /** Topics that the source shows. */
  readonly topics = new Set(['a_t1', 'a_t2']);
  gone: GoneLooks = new Map();

  /** One round; the process dies after `writesMax` writes, and forgets what was not recorded. */
  round(writesMax: number): void {
    const looks = groups.map((group) => this.#look(group));
    const shown = new Set(topicsToAskFor(looks).filter((topic) => this.topics.has(topic)));
    this.gone = countGone(this.gone, looks, shown);
    const copies = copiesUpTo(this.ends);
    const { groups: plans } = planGroups({ looks, copies, gone: this.gone, nowMs }, limits);
    let left = writesMax;
    for (const write of [
      this.#claims(plans),
      ...plans.map((plan) => this.#writesOf(plan)),
      this.#settles(plans),
    ].flat()) {
      if (left-- === 0) {
        this.gone = new Map();
        return;
      }
      write();
    }
  }

  #look(group: string): GroupLook {
    const there = this.source.get(group)!;
    const here = this.target.get(group)!;
    const state = this.live.has(group) ? 'live' : here.size > 0 ? 'empty' : 'absent';
    const offsets: Positions = new Map([...there].map(([key, offset]) => [key, position(key, offset)]));
    const held: Positions = new Map([...here].map(([key, { offset }]) => [key, position(key, offset)]));
    return {
      group,
      source: { kind: 'read', positions: offsets },
      target: { kind: 'read', state, positions: held },
      record: this.memory.get(group),
    };
  }

  #claims(plans: readonly GroupPlan[]): (() => void)[] {
    return plans.flatMap(({ group, claim }) => (claim === undefined ? [] : [() => this.memory.set(group, claim)]));
  }

  #writesOf({ group, commits, removals, deleteGroup }: GroupPlan): (() => void)[] {
    const here = this.target.get(group)!;
    const write = (topic: string, partition: number, act: (key: string) => void) => (): void => {
      expect(this.live.has(group)).toBe(false);
      expect(this.memory.get(group)!.written[topic]).toContain(partition);
      act(partitionKey(topic, partition));
    };
    return [
      ...commits.map(({ topic, partition, offset }) =>
        write(topic, partition, (key) => {
          expect(offset <= this.ends.get(key)!).toBe(true);
          here.set(key, { by: 'link', offset });
        }),
      ),
      ...removals.map(({ topic, partition }) =>
        write(topic, partition, (key) => {
          expect(this.source.get(group)!.has(key)).toBe(false);
          here.delete(key);
        }),
      ),
      ...(deleteGroup ? [() => expect(here.size).toBe(0)] : []),
    ];
  }

  #settles(plans: readonly GroupPlan[]): (() => void)[] {
    return plans.flatMap(({ group, settle }) => {
      if (settle === undefined) return [];
      return [() => (settle === 'none' ? this.memory.delete(group) : this.memory.set(group, settle))];
    });
  }
}

type Event = (world: World) => void;

const anyGroup = fc.constantFrom(...groups);
const anyPartition = fc.constantFrom(...partitions);
const anyOffset = fc.bigInt({ min: 0n, max: 6n });

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Event>((world) => world.round(Infinity)) },
  {
    weight: 2,
    arbitrary: fc.nat({ max: 6 }).map(
      (writes): Event =>
        (world) =>
          world.round(writes),
    ),
  },
  fc.tuple(anyGroup, anyPartition, anyOffset).map(
    ([group, key, offset]): Event =>
      ({ source }) =>
        source.get(group)!.set(key, offset),
  ),
  fc.tuple(anyGroup, anyPartition).map(
    ([group, key]): Event =>
      ({ source }) =>
        source.get(group)!.delete(key),
  ),
  anyGroup.map(
    (group): Event =>
      ({ source }) =>
        source.get(group)!.clear(),
  ),
  fc.tuple(anyGroup, anyPartition, anyOffset).map(([group, key, offset]): Event => ({ live, target }) => {
    live.add(group);
    target.get(group)!.set(key, { by: 'app', offset });
  }),
  anyGroup.map(
    (group): Event =>
      ({ live }) =>
        live.delete(group),
  ),
  fc.tuple(anyPartition, anyOffset).map(([key, offset]): Event => ({ ends }) => {
    if (offset > ends.get(key)!) ends.set(key, offset);
  }),
  fc.boolean().map(
    (shown): Event =>
      ({ topics }) =>
        shown ? topics.add('a_t2') : topics.delete('a_t2'),
  ),
);

test('whatever happens in between, rounds break no rule and end with the positions of the source', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60, size: 'max' }), (events) => {
      const world = new World();
      for (const event of events) event(world);
      // In the end everybody has left, the copies are whole, and nobody dies.
      world.live.clear();
      world.topics.add('a_t2');
      for (const key of partitions) world.ends.set(key, 6n);
      for (let looks = 0; looks < limits.goneLooksMin + 2; looks += 1) world.round(Infinity);
      for (const group of groups) {
        const [there, here] = [world.source.get(group)!, world.target.get(group)!];
        const record = world.memory.get(group);
        if (record === undefined) {
          // Foreign, or nothing: the link has nothing there.
          expect([...here.values()].every(({ by }) => by === 'app')).toBe(true);
          expect(here.size > 0 || there.size === 0).toBe(true);
          continue;
        }
        for (const [key, offset] of there) expect(here.get(key)?.offset).toBe(offset);
        for (const [key, { by }] of here) if (!there.has(key)) expect(by).toBe('app');
        const written = Object.entries(record.written).flatMap(([topic, list]) =>
          list.map((partition) => partitionKey(topic, partition)),
        );
        for (const key of written) expect(there.has(key)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('what an application at the standby committed and the source never had is not removed', () => {
  const world = new World();
  world.source.get('a_g1')!.set('a_t1/0', 1n);
  world.ends.set('a_t1/0', 5n);
  world.round(Infinity);
  world.target.get('a_g1')!.set('a_t1/1', { by: 'app', offset: 2n });
  world.source.get('a_g1')!.clear();
  for (let looks = 0; looks < 6; looks += 1) world.round(Infinity);
  expect([...world.target.get('a_g1')!.keys()]).toEqual(['a_t1/1']);
  expect(world.memory.size).toBe(0);
});

test('a look that cannot tell neither counts a position as gone nor forgets that it was', () => {
  const record: GroupRecord = { group: 'a_g1', written: { a_t1: [0] }, refreshedAt: new Date(nowMs).toISOString() };
  const target = { kind: 'read', state: 'empty', positions: new Map() } as const;
  const look = (source: GroupLook['source']): readonly GroupLook[] => [{ group: 'a_g1', source, target, record }];
  const empty = look({ kind: 'read', positions: new Map() });
  const shown = new Set(['a_t1']);
  const counts = (looks: GoneLooks): number | undefined => looks.get('a_g1')?.get('a_t1/0');
  const once = countGone(new Map(), empty, shown);
  expect(counts(once)).toBe(1);
  expect(counts(countGone(once, empty, new Set()))).toBe(1);
  expect(counts(countGone(once, look({ kind: 'unread', why: 'down', denied: false }), shown))).toBe(1);
  expect(counts(countGone(once, empty, shown))).toBe(2);
  const back = look({ kind: 'read', positions: new Map([['a_t1/0', position('a_t1/0', 1n)]]) });
  expect(counts(countGone(once, back, shown))).toBeUndefined();
});
