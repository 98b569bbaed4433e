import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterConfigInput } from '../../src/kafka/cluster-config.ts';
import type { Copies } from '../../src/sync/groups/group-look.ts';
import { chance } from '../fixtures/chance.ts';
import { startGroupSync, type TestGroupSync } from '../fixtures/group-sync.ts';
import { javaProduce } from '../fixtures/java-client.ts';
import {
  alterOffsets,
  commitAsMembers,
  type HeldOffset,
  holdMembers,
  type MemberGroup,
  offsetsOf,
  resumePositions,
} from '../fixtures/java-groups.ts';
import { createTopic, createTopics, kafkajs, logEndsOf } from '../fixtures/kafkajs.ts';
import { startReplication, type TestReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

/** 200 groups, classic and KIP-848 in turn, on 50 topics; one more topic whose copy is held back. */
const sites = sharedSites();
const [source, target] = [sites.a, sites.b];
const partitions = 2;
const records = 40;
const topics = Array.from({ length: 50 }, (_, index) => `a_read${index}`);
const heldBack = 'a_held_back';
const seed = 5;
const random = chance(seed);
const groups: readonly MemberGroup[] = Array.from({ length: 200 }, (_, index) => ({
  group: `a_reader${index}`,
  protocol: index % 2 === 0 ? 'classic' : 'consumer',
  offsets: [topics[index % 50]!, topics[(index * 7 + 1) % 50]!].flatMap((topic) => [
    {
      topic,
      partition: 0,
      offset: random.between(0, 9),
      metadata: index % 3 === 0 ? `bookmark-Ω ${index}` : '',
      leaderEpoch: 0,
    },
    { topic, partition: 1, offset: random.between(0, 9) },
  ]),
}));
const names = groups.map(({ group }) => group);
let replication: TestReplication;
let groupSync: TestGroupSync;

/** As a worker would tell it; the held back copy is an empty topic until somebody fills it. */
const copies: Copies = {
  follows: (topic) => topics.includes(topic) || topic === heldBack,
  range(topic, partition) {
    const copier = replication.replicator.copiersOf(topic).find(({ of }) => of.partition === partition);
    if (copier === undefined && topic === heldBack) return { start: 0n, end: 0n };
    return copier?.copiedTo === undefined ? undefined : { start: 0n, end: copier.copiedTo };
  },
};

beforeAll(async () => {
  await createTopics(source.admin, [...topics, heldBack], { partitions });
  await createTopic(target.admin, heldBack, { partitions });
  await javaProduce(
    source.admin,
    [...topics, heldBack].map((topic) => ({
      ...{ topic, partitions, records, codec: 'none', idempotence: true, seed },
    })),
  );
  replication = startReplication({ source: source.umbra, target: target.umbra });
  await Promise.all(topics.map((topic) => replication.follow(topic)));
  for (const [topic, ends] of await logEndsOf(source.admin, topics)) {
    await eventually(`${topic} is copied`, () =>
      ends.every((end, partition) => copies.range(topic, partition)?.end === end) ? true : undefined,
    );
  }
  groupSync = startGroupSync({ source: source.umbra, target: target.umbra, copies });
}, 300_000);

afterAll(async () => {
  await groupSync.close();
  await replication.stop();
});

/** Both sides as Java's administrator sees them; metadata and offsets have to be the same, epochs have to be missing. */
async function expectEqual(of: readonly string[]): Promise<void> {
  const [there, here] = [await offsetsOf(source.admin, of), await offsetsOf(target.admin, of)];
  expect(there.size).toBeGreaterThan(0);
  expect(here).toEqual(new Map([...there].map(([key, held]) => [key, withoutEpoch(held)])));
}

function withoutEpoch({ leaderEpoch: _, ...held }: HeldOffset): HeldOffset {
  return held;
}

async function expectNoneBeyondTheCopies(of: readonly string[]): Promise<void> {
  const held = await offsetsOf(target.admin, of);
  const ends = await logEndsOf(target.admin, new Set([...held.values()].map(({ topic }) => topic)));
  for (const { group, topic, partition, offset } of held.values()) {
    const end = ends.get(topic)![partition]!;
    expect(BigInt(offset) <= end, `${group} ${topic}/${partition}: ${offset} is beyond ${end}`).toBe(true);
  }
}

async function stateAt(cluster: ClusterConfigInput, group: string): Promise<string | undefined> {
  const admin = kafkajs(cluster).admin();
  await admin.connect();
  try {
    return (await admin.describeGroups([group])).groups[0]?.state;
  } finally {
    await admin.disconnect();
  }
}

describe('200 groups on 50 topics', () => {
  test('have every committed offset at the standby after one round, with metadata and without leader epochs', async () => {
    await commitAsMembers(source.admin, groups);
    await groupSync.round();
    expect(groupSync.sync.view()).toMatchObject({ counts: { level: 200, refused: 0, unread: 0 } });
    await expectEqual(names);
    await expectNoneBeyondTheCopies(names);
  }, 300_000);

  test('follow one round after new commits, forwards and backwards', async () => {
    const moved = groups.map((group) => ({
      ...group,
      offsets: group.offsets.map((each) => ({
        ...each,
        offset: random.between(0, 10),
        metadata: `moved ${each.offset}`,
      })),
    }));
    await alterOffsets(source.admin, moved);
    await groupSync.round();
    await expectEqual(names);
  }, 120_000);

  test('cost no write when nothing has changed', async () => {
    await groupSync.round();
    const before = groupSync.roleAsked;
    await groupSync.round();
    expect(groupSync.roleAsked).toBe(before);
    expect(groupSync.sync.view().trouble).toBeUndefined();
  });

  test('are put right by the next controller, which knows only the records, where somebody changed them', async () => {
    const [victim] = groups;
    await alterOffsets(target.admin, [
      { ...victim!, offsets: victim!.offsets.map((each) => ({ ...each, offset: 1 })) },
    ]);
    const next = startGroupSync({ source: source.umbra, target: target.umbra, copies, memory: groupSync.memory });
    try {
      await next.round();
      expect(next.roleAsked).toBe(2);
    } finally {
      await next.close();
    }
    await expectEqual([victim!.group]);
  }, 60_000);

  test('are continued where they were committed, by members of either protocol', async () => {
    const four = groups.slice(20, 24).map((group, index) => ({
      ...group,
      // Two of each kind at the source; one of each goes on as the other kind.
      protocol:
        index < 2 ? group.protocol : group.protocol === 'classic' ? ('consumer' as const) : ('classic' as const),
    }));
    const committed = await offsetsOf(
      target.admin,
      four.map(({ group }) => group),
    );
    const resumed = await resumePositions(target.admin, four);
    expect(resumed).toEqual(new Map([...committed].map(([key, { offset }]) => [key, offset])));
    // They are empty again, of whatever kind they are now: the sync goes on.
    await alterOffsets(
      source.admin,
      four.map((group) => ({ ...group, offsets: group.offsets.map((each) => ({ ...each, offset: 3 })) })),
    );
    await groupSync.round();
    await expectEqual(four.map(({ group }) => group));
  }, 120_000);
});

test('a group that is live at the standby is not touched until it is empty, classic or KIP-848', async () => {
  const pair = groups.slice(30, 32);
  const live = pair.map(({ group }) => group);
  const before = await offsetsOf(target.admin, live);
  const members = await holdMembers(target.admin, pair);
  try {
    await eventually('both are reported', async () => {
      await groupSync.round();
      return live.every((name) => groupSync.group(name)?.state === 'live-at-standby') ? true : undefined;
    });
    await alterOffsets(
      source.admin,
      pair.map((group) => ({ ...group, offsets: group.offsets.map((each) => ({ ...each, offset: 2 })) })),
    );
    const asked = groupSync.roleAsked;
    await groupSync.round();
    expect(groupSync.roleAsked).toBe(asked);
    expect(await offsetsOf(target.admin, live)).toEqual(before);
  } finally {
    await members.leave();
  }
  await eventually('both are level again', async () => {
    await groupSync.round();
    return live.every((name) => groupSync.group(name)?.state === 'level') ? true : undefined;
  });
  await expectEqual(live);
}, 120_000);

test('a group that joins between look and write is refused by the broker and reported', async () => {
  const victim = groups[40]!;
  const joining = { ...victim, group: 'a_joins_late' };
  await alterOffsets(source.admin, [joining]);
  let members: Awaited<ReturnType<typeof holdMembers>> | undefined;
  const late = startGroupSync({ source: source.umbra, target: target.umbra, copies });
  // The claim comes after the look and before the write.
  const put = late.memory.putGroups.bind(late.memory);
  late.memory.putGroups = async (records) => {
    members ??= await holdMembers(target.admin, [joining]);
    await eventually('it is live', async () =>
      (await stateAt(target.admin, joining.group)) === 'Stable' ? true : undefined,
    );
    await put(records);
  };
  try {
    await late.round();
    expect(late.group(joining.group)).toMatchObject({ state: 'live-at-standby' });
    expect((await offsetsOf(target.admin, [joining.group])).size).toBe(0);
  } finally {
    await members?.leave();
    await late.close();
  }
}, 120_000);

test('a position beyond the copy is held at its end and carried on as the copy catches up', async () => {
  const ahead = {
    group: 'a_ahead',
    offsets: [0, 1].map((partition) => ({ topic: heldBack, partition, offset: 10, metadata: 'ten' })),
  };
  await alterOffsets(source.admin, [ahead]);
  await groupSync.round();
  expect(groupSync.group('a_ahead')).toMatchObject({
    state: 'behind',
    clamped: [
      { topic: heldBack, partition: 0, sourceOffset: 10n, copyEnd: 0n },
      { topic: heldBack, partition: 1, sourceOffset: 10n, copyEnd: 0n },
    ],
  });
  await expectNoneBeyondTheCopies(['a_ahead']);
  const last = await groupSync.sync.final(AbortSignal.timeout(60_000));
  expect(last.complete).toBe(true);
  expect(last.groups.find(({ group }) => group === 'a_ahead')?.clamped).toHaveLength(2);

  await replication.join(heldBack);
  await eventually('it is level', async () => {
    await groupSync.round();
    await expectNoneBeyondTheCopies(['a_ahead']);
    return groupSync.group('a_ahead')?.state === 'level' ? true : undefined;
  });
  await expectEqual(['a_ahead']);
}, 120_000);
