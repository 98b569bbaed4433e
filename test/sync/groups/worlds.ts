import fc from 'fast-check';
import type { GroupOffset } from '../../../src/kafka/group-admin.ts';
import { partitionKey } from '../../../src/kafka/log-queries.ts';
import type { Copies, Positions, SourceSide, TargetSide } from '../../../src/sync/groups/group-look.ts';
import type { GroupRecord } from '../../../src/sync/groups/group-record.ts';
import type { PlanInput, PlanLimits } from '../../../src/sync/groups/plan-groups.ts';

/** Small enough that groups, topics and offsets often meet. */
export const limits: PlanLimits = { goneLooksMin: 3, refreshMs: 1_000, goneGroupsMax: 10 };
export const nowMs = 1_000_000;
export const groups = ['a_g1', 'a_g2', 'a_g3'] as const;
const followed = ['a_t1', 'a_t2'];
export const topics = [...followed, 'a_promoted', 'b_other'] as const;
const partitions = [0, 1];
export const keys = topics.flatMap((topic) => partitions.map((partition) => partitionKey(topic, partition)));

export function position(key: string, offset: bigint, metadata = '', leaderEpoch?: number): GroupOffset {
  const [topic = '', partition] = key.split('/');
  return { topic, partition: Number(partition), offset, metadata, leaderEpoch };
}

export function positions(of: Readonly<Record<string, bigint | number>>): Positions {
  return new Map(Object.entries(of).map(([key, offset]) => [key, position(key, BigInt(offset))]));
}

/** Copies with these ends, by `topic/partition`; topics that are not the link's are not followed. */
export function copiesUpTo(ends: ReadonlyMap<string, bigint>): Copies {
  return {
    follows: (topic) => followed.includes(topic),
    range(topic, partition) {
      const end = ends.get(partitionKey(topic, partition));
      return end === undefined ? undefined : { start: 0n, end };
    },
  };
}

export function record(group: string, written: Readonly<Record<string, number[]>>, ageMs = 0): GroupRecord {
  return { group, written, refreshedAt: new Date(nowMs - ageMs).toISOString() };
}

export function read(of: Positions | Readonly<Record<string, number>>): Extract<SourceSide, { kind: 'read' }> {
  return { kind: 'read', positions: of instanceof Map ? of : positions(of as Record<string, number>) };
}

export function held(
  state: 'absent' | 'empty' | 'live',
  of: Positions | Readonly<Record<string, number>> = {},
): Extract<TargetSide, { kind: 'read' }> {
  return { ...read(of), state };
}

const smallOffset = fc.bigInt({ min: 0n, max: 8n });
const anyMetadata = fc.constantFrom('', 'm', 'bookmark-Ω');

const anyPositions: fc.Arbitrary<Positions> = fc
  .uniqueArray(fc.constantFrom(...keys), { maxLength: keys.length })
  .chain((chosen) =>
    fc
      .tuple(
        ...chosen.map((key) =>
          fc
            .tuple(smallOffset, anyMetadata, fc.option(fc.constant(3), { nil: undefined, freq: 4 }))
            .map(([offset, metadata, epoch]) => [key, position(key, offset, metadata, epoch)] as const),
        ),
      )
      .map((entries) => new Map(entries)),
  );

const anyUnread = fc.boolean().map((denied) => ({ kind: 'unread', why: 'why', denied }) as const);
const anyUnsynced = fc.constantFrom('share', 'streams').map((type) => ({ kind: 'unsynced', type }) as const);

const anySource: fc.Arbitrary<SourceSide> = fc.oneof(
  { weight: 8, arbitrary: anyPositions.map(read) },
  anyUnread,
  anyUnsynced,
);

const anyTarget: fc.Arbitrary<TargetSide> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('absent', 'empty', 'live'), anyPositions)
      .map(([state, present]) => ({ kind: 'read', state, positions: present }) as const),
  },
  anyUnread,
  anyUnsynced,
);

function anyRecord(group: string): fc.Arbitrary<GroupRecord | undefined> {
  const some = fc
    .tuple(fc.uniqueArray(fc.constantFrom(...keys)), fc.constantFrom(0, 999, 1_000, 5_000))
    .map(([written, ageMs]) => {
      const refs = written.map((key) => position(key, 0n));
      const byTopic = [...Map.groupBy(refs, ({ topic }) => topic)].map(
        ([topic, list]) => [topic, list.map(({ partition }) => partition).sort()] as const,
      );
      return record(group, Object.fromEntries(byTopic), ageMs);
    });
  return fc.option(some, { nil: undefined, freq: 2 });
}

/** Anything that two clusters and a memory may show, also what should never be. */
export const anyInput: fc.Arbitrary<PlanInput> = fc
  .tuple(
    fc.tuple(
      ...groups.map((group) =>
        fc.record({ group: fc.constant(group), source: anySource, target: anyTarget, record: anyRecord(group) }),
      ),
    ),
    fc.array(fc.tuple(fc.constantFrom(...keys), smallOffset), { maxLength: 8 }),
    fc.array(fc.tuple(fc.constantFrom(...groups), fc.constantFrom(...keys), fc.integer({ min: 1, max: 5 }))),
  )
  .map(([looks, ends, counts]) => ({
    looks,
    copies: copiesUpTo(new Map(ends)),
    gone: new Map(groups.map((group) => [group, new Map(counts.filter(([of]) => of === group).map(([, ...c]) => c))])),
    nowMs,
  }));
