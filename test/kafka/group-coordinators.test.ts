import { Reader, Writer } from '@platformatic/kafka';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/kafka/cluster.ts';
import { NotSentError } from '../../src/kafka/errors.ts';
import { commitGroupOffsets, fetchGroupOffsets, type GroupOffset } from '../../src/kafka/group-admin.ts';
import { type GroupAnswer, GroupCoordinators, type GroupRequest } from '../../src/kafka/group-coordinators.ts';
import { answerTo, clusterOf, type Loopback, type LoopbackRequest, serveBroker } from './loopback.ts';
import { anyBytes, damaged } from './hostile.ts';
import { metadataAnswer } from './metadata-answer.ts';

const keys = { commit: 8, offsets: 9, coordinator: 10, list: 16 };
const limits = { attemptsMax: 3, pauseMs: 1, requestMs: 2_000 };
const bounded = (): AbortSignal => AbortSignal.timeout(10_000);

/** Two brokers. What they say is up to the test; Metadata they answer by themselves. */
let brokers: Loopback[];
let cluster: Cluster;
let coordinators: GroupCoordinators;
let script: (node: number, request: LoopbackRequest) => Buffer | undefined;
const asked: { readonly node: number; readonly apiKey: number; readonly body: Buffer }[] = [];

beforeEach(async () => {
  asked.length = 0;
  brokers = await Promise.all([1, 2].map((node) => serveBroker((request) => answer(node, request))));
  cluster = clusterOf(brokers[0]!);
  await cluster.metadata([]);
  coordinators = new GroupCoordinators(cluster, limits);
});

afterEach(async () => {
  await cluster.close();
  await Promise.all(brokers.map((broker) => broker.close()));
});

function answer(node: number, request: LoopbackRequest): void {
  const metadata = 3;
  if (request.apiKey === metadata) {
    const both = brokers.map(({ address }, index) => ({ nodeId: index + 1, ...address }));
    request.socket.write(answerTo(request, metadataAnswer(both)));
    return;
  }
  asked.push({ node, apiKey: request.apiKey, body: request.body });
  const body = script(node, request);
  if (body === undefined) request.socket.destroy();
  else request.socket.write(answerTo(request, body));
}

const noThrottle = 0;

function found(groups: Readonly<Record<string, number>>): Buffer {
  return Writer.create()
    .appendInt32(noThrottle)
    .appendArray(Object.entries(groups), (w, [group, node]) => {
      const { host, port } = brokers[node - 1]!.address;
      w.appendString(group).appendInt32(node).appendString(host).appendInt32(port).appendInt16(0).appendString('');
    })
    .appendTaggedFields().buffer;
}

/** Offsets of partition 0 of one topic, or a code, by group. */
function offsets(groups: Readonly<Record<string, bigint | number>>): Buffer {
  return Writer.create()
    .appendInt32(noThrottle)
    .appendArray(Object.entries(groups), (w, [group, held]) => {
      const topics = typeof held === 'bigint' ? [held] : [];
      w.appendString(group)
        .appendArray(topics, (t, offset) => {
          t.appendString('a_t').appendArray([offset], (p) => {
            p.appendInt32(0).appendInt64(offset).appendInt32(-1).appendString('m').appendInt16(0);
          });
        })
        .appendInt16(typeof held === 'bigint' ? 0 : held);
    })
    .appendTaggedFields().buffer;
}

const read: GroupRequest<readonly GroupOffset[]> = {
  ...{ purpose: 'groups', groupsMax: 10, lanes: 2 },
  send: fetchGroupOffsets,
};

function offsetOf(answer: GroupAnswer<readonly GroupOffset[]> | undefined): unknown {
  return answer?.kind === 'answered' ? answer.value[0]?.offset : answer;
}

describe('groups', () => {
  it('are asked about in one request to each coordinator, which is looked up once', async () => {
    script = (node, { apiKey }) => {
      if (apiKey === keys.coordinator) return found({ a_1: 1, a_2: 2, a_3: 1 });
      return node === 1 ? offsets({ a_1: 1n, a_3: 3n }) : offsets({ a_2: 2n });
    };
    const answers = await coordinators.ask(['a_1', 'a_2', 'a_3'], read, bounded());
    expect([...answers].map(([group, each]) => [group, offsetOf(each)]).sort()).toEqual([
      ['a_1', 1n],
      ['a_2', 2n],
      ['a_3', 3n],
    ]);
    expect(asked.filter(({ apiKey }) => apiKey === keys.offsets)).toHaveLength(2);
    // What is known is not looked up again.
    await coordinators.ask(['a_1'], read, bounded());
    expect(asked.filter(({ apiKey }) => apiKey === keys.coordinator)).toHaveLength(1);
  });

  it('are asked about again where they are found then, when their coordinator has moved', async () => {
    let looks = 0;
    script = (node, { apiKey }) => {
      if (apiKey === keys.coordinator) return found({ a_1: (looks += 1) });
      return offsets({ a_1: node === 1 ? 16 : 7n });
    };
    expect(offsetOf((await coordinators.ask(['a_1'], read, bounded())).get('a_1'))).toBe(7n);
  });

  it('are given up with the code of a coordinator that goes on loading, without failing the others', async () => {
    script = (_, { apiKey }) =>
      apiKey === keys.coordinator ? found({ a_1: 1, a_2: 1 }) : offsets({ a_1: 14, a_2: 2n });
    const answers = await coordinators.ask(['a_1', 'a_2'], read, bounded());
    expect(answers.get('a_1')).toEqual({ kind: 'refused', code: 14 });
    expect(offsetOf(answers.get('a_2'))).toBe(2n);
    expect(asked.filter(({ apiKey }) => apiKey === keys.offsets)).toHaveLength(limits.attemptsMax);
  });

  it('of a broker that hangs up are unreachable, the others are not', async () => {
    script = (node, { apiKey }) => {
      if (apiKey === keys.coordinator) return found({ a_1: 1, a_2: 2 });
      return node === 1 ? undefined : offsets({ a_2: 2n });
    };
    const answers = await coordinators.ask(['a_1', 'a_2'], read, bounded());
    expect(answers.get('a_1')).toMatchObject({ kind: 'unreachable' });
    expect(offsetOf(answers.get('a_2'))).toBe(2n);
  });

  it('of a broker that does not list them are missing, with a trouble that says so', async () => {
    script = (node) =>
      Writer.create()
        .appendInt32(noThrottle)
        .appendInt16(node === 1 ? 14 : 0)
        .appendArray(node === 1 ? [] : ['a_2'], (w, group) => {
          w.appendString(group).appendString('consumer').appendString('Empty').appendString('Classic');
        })
        .appendTaggedFields().buffer;
    const { groups, troubles } = await coordinators.list('groups', bounded());
    expect([...groups.values()]).toEqual([{ group: 'a_2', type: 'classic', state: 'Empty' }]);
    expect(troubles).toEqual([expect.stringMatching(/^broker 1 .* COORDINATOR_LOAD_IN_PROGRESS/)]);
  });
});

describe('a hostile answer about offsets', () => {
  it('gives a value or is refused, whatever the bytes, and never offsets below zero', async () => {
    const whole = offsets({ a_1: 7n });
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: damaged(whole) }, anyBytes), async (bytes) => {
        script = (_, { apiKey }) => (apiKey === keys.coordinator ? found({ a_1: 1 }) : bytes);
        const outcome = (await coordinators.ask(['a_1'], read, bounded())).get('a_1');
        if (outcome?.kind === 'answered') expect(outcome.value.every(({ offset }) => offset >= 0n)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a commit', () => {
  const commit: GroupRequest<ReadonlyMap<string, number>> = {
    ...{ purpose: 'writes', groupsMax: 1, lanes: 2 },
    async send(broker, [group = '']) {
      const offset = { topic: 'a_t', partition: 3, offset: 42n, metadata: 'm' };
      const refused = await commitGroupOffsets(broker, group, [offset], { maySend: () => allowed });
      return new Map([[group, { ok: true, value: refused }]]);
    },
  };
  let allowed: boolean;

  beforeEach(() => {
    allowed = true;
    script = (_, { apiKey }) => {
      if (apiKey === keys.coordinator) return found({ a_1: 1, a_2: 2 });
      const refused = Writer.create().appendInt32(noThrottle);
      return refused
        .appendArray(['a_t'], (w, topic) => {
          w.appendString(topic).appendArray([25], (p, code) => void p.appendInt32(3).appendInt16(code));
        })
        .appendTaggedFields().buffer;
    };
  });

  it('has no member, no leader epoch, and tells what was refused', async () => {
    const answers = await coordinators.ask(['a_1'], commit, bounded());
    expect(answers.get('a_1')).toEqual({ kind: 'answered', value: new Map([['a_t/3', 25]]) });
    const { body } = asked.find(({ apiKey }) => apiKey === keys.commit)!;
    const reader = Reader.from(body);
    expect([reader.readString(), reader.readInt32(), reader.readString(), reader.readNullableString()]).toEqual([
      'a_1',
      -1,
      '',
      null,
    ]);
    const [topic] = reader.readArray((t) => ({
      name: t.readString(),
      partitions: t.readArray((p) => [p.readInt32(), p.readInt64(), p.readInt32(), p.readNullableString()]),
    }));
    expect(topic).toEqual({ name: 'a_t', partitions: [[3, 42n, -1, 'm']] });
  });

  it('that may not leave ends it all', async () => {
    allowed = false;
    await expect(coordinators.ask(['a_1', 'a_2'], commit, bounded())).rejects.toBeInstanceOf(NotSentError);
    expect(asked.filter(({ apiKey }) => apiKey === keys.commit)).toEqual([]);
  });
});
