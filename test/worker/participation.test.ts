import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { Cluster } from '../../src/kafka/cluster.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import type { OperationRecord, PartState, Step } from '../../src/operations/operation.ts';
import { type RoleRecord, type RoleView, termSchema } from '../../src/pair/ownership.ts';
import type { SiteId } from '../../src/pair/site.ts';
import { Participation, type ParticipationPorts } from '../../src/worker/moves/participation.ts';
import { OperationMemory } from '../../src/worker/state/operation-memory.ts';
import { rememberedEntries } from '../fixtures/state-entries.ts';
import { eventually } from '../fixtures/wait.ts';

// Stubs, and they say so: two `_umbra` in memory, a fence that notes what it is told, a cluster that nobody answers for.

const signal = AbortSignal.timeout(60_000);
const now = new Date(Date.UTC(2026, 0, 2));
const running: Participation[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((participation) => participation.stop()));
});

interface Site {
  readonly own: OperationMemory;
  readonly theirs: OperationMemory;
  readonly told: string[];
  readonly events: string[];
  roles: RoleView;
  readonly start: (ports?: Partial<ParticipationPorts>) => Participation;
}

/** Site a, as the old primary in operations of site b. */
function site(): Site {
  const [own, theirs] = [
    new OperationMemory(rememberedEntries().entries),
    new OperationMemory(rememberedEntries().entries),
  ];
  const [told, events]: [string[], string[]] = [[], []];
  const noteAt =
    (what: string) =>
    (id: string, topics?: unknown): Promise<undefined> => {
      told.push([what, id, ...(Array.isArray(topics) ? (topics as string[]) : [])].join(' '));
      return Promise.resolve(undefined);
    };
  const at: Site = {
    ...{ own, theirs, told, events, roles: rolesOf() },
    start: (ports = {}) => {
      const cluster = new Cluster('site a', clusterConfigSchema.parse({ bootstrapServers: ['127.0.0.1:1'] }), {
        clientId: 'stub',
      });
      const participation = new Participation({
        ...{ link: 'a-b', cluster, mayAct: () => true, logger: pino({ level: 'silent' }) },
        state: { moves: own, roles: () => rolesOf() } as unknown as ParticipationPorts['state'],
        peer: {
          ...{ position: 1n, state: { moves: theirs }, read: () => Promise.resolve() },
          get roles() {
            return at.roles;
          },
          untilMore: (_seen: bigint, ms: number) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
        } as unknown as ParticipationPorts['peer'],
        fence: {
          ...{ raise: noteAt('raise'), lower: noteAt('lower'), stands: noteAt('stands'), topicsOf: () => [] },
        } as unknown as ParticipationPorts['fence'],
        reversal: {
          ...{
            prepare: () => Promise.reject(new Error('site b does not answer')),
            prepared: () => [],
            done: () => undefined,
          },
        } as unknown as ParticipationPorts['reversal'],
        tellProducerIds: () => Promise.resolve(undefined),
        clock: { now: () => now, monotonicMs: () => performance.now() },
        events: { report: ({ message }: { message: string }) => void events.push(message) },
        ...ports,
      });
      running.push(participation);
      return participation;
    },
  };
  return at;
}

function rolesOf(...moved: readonly (readonly [topic: string, primary: SiteId, term: number])[]): RoleView {
  const records = moved.map(([topic, primary, term]): RoleRecord => ({
    topic,
    home: 'a',
    primary,
    term: termSchema.parse(term),
  }));
  return { kind: 'read', records: new Map(records.map((record) => [record.topic, record])) };
}

async function operationOf(memory: OperationMemory, id: string, { step, topics }: { step: Step; topics: string[] }) {
  const record: OperationRecord = {
    ...{ id, kind: id.startsWith('failover') ? 'failover' : 'switchover', link: 'a-b', to: 'b', planHash: '', step },
    ...{ topics: topics.length, startedAt: now.toISOString(), since: now.toISOString() },
    ...{ unconfirmed: false, withoutIdBarrier: false },
  };
  await memory.begin(record, topics, signal);
}

const partOf = (memory: OperationMemory, operation: string, state: PartState): Promise<void> =>
  memory.putPart({ operation, link: 'a-b', state, since: now.toISOString() }, signal);

const [one, two] = ['switchover-20260102-aaaa', 'switchover-20260102-bbbb'] as const;

describe('taking part in operations of the other site', () => {
  test('one that cannot go on does not keep the rights of another one from being given back, and is told once', async () => {
    const at = site();
    await operationOf(at.theirs, one, { step: { kind: 'reversing' }, topics: ['a_one'] });
    await partOf(at.own, one, 'reversing');
    await operationOf(at.theirs, two, { step: { kind: 'aborting', reason: 'it was cancelled' }, topics: ['a_two'] });
    await partOf(at.own, two, 'fenced');
    at.start();
    await eventually('the rights are given back', () => at.own.part(two)?.state === 'restored' || undefined, 5_000);
    expect(at.told).toEqual([`lower ${two}`]);
    expect(at.own.part(one)?.state).toBe('reversing');
    const trouble = `${one}: this site is reversing and tries again: site b does not answer`;
    expect(at.events.filter((message) => message.startsWith(one))).toEqual([trouble]);
  });

  test('why rights were given back is still said when they are: the other site may look only then', async () => {
    const at = site();
    await operationOf(at.theirs, one, { step: { kind: 'fencing' }, topics: ['a_one'] });
    const fence = { raise: () => Promise.resolve('a transaction is open'), lower: () => Promise.resolve() };
    at.start({ fence: fence as unknown as ParticipationPorts['fence'] });
    await eventually('the rights are given back', () => at.own.part(one)?.state === 'restored' || undefined, 5_000);
    expect(at.own.part(one)?.reason).toBe('a transaction is open');
  });

  test('what the other site has taken over cannot be released any more', async () => {
    const at = site();
    await operationOf(at.theirs, one, { step: { kind: 'sealing' }, topics: ['a_one'] });
    await partOf(at.own, one, 'sealed');
    const participation = at.start({ mayAct: () => false });
    expect(participation.release(one)).toMatchObject({ state: 'sealed' });
    await operationOf(at.theirs, one, { step: { kind: 'granting' }, topics: ['a_one'] });
    expect(() => participation.release(one)).toThrow(/taken the topics .* over.*second writer/);
  });

  test('a site that has lost its `_umbra` fences what it lost, and nothing that came home since', async () => {
    const at = site();
    const [past, present] = ['failover-20260101-aaaa', 'failover-20260101-bbbb'] as const;
    for (const [id, topics] of [
      [past, ['a_home']],
      [present, ['a_home', 'a_away']],
    ] as const) {
      await operationOf(at.theirs, id, { step: { kind: 'done', remarks: [] }, topics: [...topics] });
    }
    at.roles = rolesOf(['a_home', 'a', 2], ['a_away', 'b', 1]);
    at.start();
    await eventually('the part is noted', () => at.own.part(present)?.state === 'returned' || undefined, 5_000);
    expect(at.told).toEqual([`raise ${present} a_away`]);
    expect(at.own.part(past)).toBeUndefined();
  });

  test('parts are forgotten with their operations', async () => {
    const at = site();
    const old = 'failover-20250101-aaaa';
    await partOf(at.own, old, 'returned');
    at.start();
    for (let number = 0; number < 101; number++) {
      const id = `failover-20260101-${String(number).padStart(4, '0')}`;
      await operationOf(at.theirs, id, { step: { kind: 'aborted', reason: '' }, topics: ['a_one'] });
      await partOf(at.own, id, 'restored');
    }
    await eventually('the part is gone', () => at.own.part(old) === undefined || undefined, 5_000);
    expect(at.own.parts()).toHaveLength(100);
  });
});
