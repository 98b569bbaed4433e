import { Writer } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { alterTopicsMax, type TopicChanges } from '../../../src/kafka/config-admin.ts';
import { WireReader } from '../../../src/kafka/wire-reader.ts';
import { type AppliedChanges, applyConfigs, type ApplyGate } from '../../../src/sync/topics/apply-configs.ts';
import { answerTo, type LoopbackRequest, withBroker } from '../../kafka/loopback.ts';

const invalidConfig = 40;
const authorizationFailed = 29;
const notController = 41;

type Sent = readonly { readonly topic: string; readonly names: readonly string[] }[];

function parse({ body }: LoopbackRequest): Sent {
  const reader = new WireReader(body);
  return reader.compactArray((resource) => {
    resource.int8();
    const topic = resource.compactString();
    const names = resource.compactArray((config) => {
      const name = config.compactString();
      config.int8();
      config.compactNullableString();
      config.taggedFields();
      return name;
    });
    resource.taggedFields();
    return { topic, names };
  });
}

/** A broker that refuses what `refuse` gives a code for, with everything else of the same topic. */
async function applied(
  topics: readonly TopicChanges[],
  refuse: (topic: string, name: string) => number,
  gate: Partial<ApplyGate> = {},
): Promise<{ readonly outcome: AppliedChanges; readonly requests: readonly Sent[] }> {
  const requests: Sent[] = [];
  const script = (request: LoopbackRequest): void => {
    const sent = parse(request);
    requests.push(sent);
    const answer = Writer.create()
      .appendInt32(0)
      .appendArray([...sent], (writer, { topic, names }) => {
        const code = names.map((name) => refuse(topic, name)).find((each) => each !== 0) ?? 0;
        writer
          .appendInt16(code)
          .appendString(code === 0 ? null : 'no')
          .appendInt8(2)
          .appendString(topic);
      })
      .appendTaggedFields();
    request.socket.write(answerTo(request, answer.buffer));
  };
  let outcome: AppliedChanges | undefined;
  await withBroker(script, async (_, cluster) => {
    const open = { mayAct: () => true, stillSynced: (all: readonly TopicChanges[]) => all };
    outcome = await applyConfigs(cluster, topics, { ...open, ...gate });
  });
  return { outcome: outcome!, requests };
}

function changesOf(topic: string, ...names: readonly string[]): TopicChanges {
  return { topic, changes: names.map((name) => ({ name, to: '1' })) };
}

test('one bad value keeps nothing else away: the changes of its topic are sent one by one', async () => {
  const topics = [changesOf('a_x', 'good', 'bad', 'fine'), changesOf('a_y', 'bad', 'good'), changesOf('a_z', 'good')];
  const { outcome, requests } = await applied(topics, (_, name) => (name === 'bad' ? invalidConfig : 0));
  expect(outcome.made).toEqual(
    new Map([
      ['a_z', new Set(['good'])],
      ['a_x', new Set(['good', 'fine'])],
      ['a_y', new Set(['good'])],
    ]),
  );
  expect([...outcome.refused].map(([topic, names]) => [topic, [...names.keys()]])).toEqual([
    ['a_y', ['bad']],
    ['a_x', ['bad']],
  ]);
  expect(outcome.refused.get('a_x')?.get('bad')).toMatchObject({ to: '1', message: 'INVALID_CONFIG (40): no' });
  // All at once; then the first, second and third changes of those that were refused.
  expect(requests.map((sent) => sent.length)).toEqual([3, 2, 2, 1]);
});

test('a missing right is not asked for one by one', async () => {
  const { outcome, requests } = await applied([changesOf('a_x', 'one', 'two')], () => authorizationFailed);
  expect([...(outcome.refused.get('a_x')?.keys() ?? [])]).toEqual(['one', 'two']);
  expect(outcome.refused.get('a_x')?.get('one')?.message).toMatch(/lacks ALTER_CONFIGS/);
  expect(requests).toHaveLength(1);
});

test('what may go better later is no refusal', async () => {
  const { outcome } = await applied([changesOf('a_x', 'one', 'two')], () => notController);
  expect(outcome.refused.size).toBe(0);
  expect([...outcome.failed.keys()]).toEqual(['a_x']);
});

test('many topics go in few requests', async () => {
  const topics = Array.from({ length: 2 * alterTopicsMax + 1 }, (_, index) => changesOf(`a_${index}`, 'one'));
  const { outcome, requests } = await applied(topics, () => 0);
  expect(outcome.made.size).toBe(topics.length);
  expect(requests.map((sent) => sent.length)).toEqual([alterTopicsMax, alterTopicsMax, 1]);
});

test('who may not act any more sends nothing more, and says what was done', async () => {
  const topics = Array.from({ length: alterTopicsMax + 1 }, (_, index) => changesOf(`a_${index}`, 'one'));
  let requestsMax = 1;
  // The first request is begun and ended; before the second the role is lost.
  const { outcome, requests } = await applied(topics, () => 0, {
    stillSynced: (some) => {
      requestsMax -= 1;
      return some;
    },
    mayAct: () => requestsMax >= 0,
  });
  expect(requests).toHaveLength(1);
  expect(outcome).toMatchObject({ stopped: true });
  expect(outcome.made.size).toBe(alterTopicsMax);
});

test('a topic that is a copy no more is left out', async () => {
  const topics = [changesOf('a_x', 'one'), changesOf('a_promoted', 'one')];
  const { requests } = await applied(topics, () => 0, {
    stillSynced: (some) => some.filter(({ topic }) => topic !== 'a_promoted'),
  });
  expect(requests).toEqual([[{ topic: 'a_x', names: ['one'] }]]);
});
