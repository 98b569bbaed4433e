import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/kafka/cluster.ts';
import { Leaders } from '../../../src/replication/partition/leaders.ts';
import { answerTo, clusterOf, type Loopback, serveBroker } from '../../kafka/loopback.ts';
import { type AnsweredTopic, metadataAnswer } from '../../kafka/metadata-answer.ts';

let server: Loopback | undefined;
let cluster: Cluster | undefined;

afterEach(async () => {
  await cluster?.close();
  await server?.close();
});

const topicId = '11'.repeat(16);
const topic = (leader: number | undefined, leaderEpoch: number, id = topicId): AnsweredTopic => ({
  ...{ name: 't', topicId: id, partitions: [{ leader, leaderEpoch }] },
});

/** Each refresh gets the next answer; the last one stays. */
async function serve(
  ...answers: readonly (readonly AnsweredTopic[])[]
): Promise<{ leaders: Leaders; asked: () => number }> {
  const left = [...answers];
  let asked = 0;
  server = await serveBroker((request) => {
    asked += 1;
    const topics = left.length > 1 ? left.shift() : left[0];
    request.socket.write(answerTo(request, metadataAnswer([{ nodeId: 1, ...server!.address }], topics)));
  });
  cluster = clusterOf(server);
  return { leaders: new Leaders(cluster, () => ['t']), asked: () => asked };
}

describe('leaders', () => {
  it('are known after the first refresh', async () => {
    const { leaders } = await serve([topic(1, 5)]);
    expect(leaders.leaderOf('t', 0)).toBeUndefined();
    expect(leaders.topicId('t')).toBeUndefined();
    await leaders.refresh();
    expect(leaders.leaderOf('t', 0)).toEqual({ broker: 1, epoch: 5, replicas: 'all' });
    expect(leaders.topicId('t')).toBe(topicId);
    expect(leaders.leaderOf('t', 1)).toBeUndefined();
    expect(leaders.leaderOf('other', 0)).toBeUndefined();
  });

  it('are not believed with an epoch lower than one seen before: that metadata is old', async () => {
    const { leaders } = await serve([topic(1, 5)], [topic(2, 4)], [topic(2, 6)]);
    await leaders.refresh();
    await leaders.refresh();
    expect(leaders.leaderOf('t', 0)).toBeUndefined();
    await leaders.refresh();
    expect(leaders.leaderOf('t', 0)).toEqual({ broker: 2, epoch: 6, replicas: 'all' });
  });

  it('of a topic that was created anew count from the beginning', async () => {
    const { leaders } = await serve([topic(1, 5)], [topic(1, 0, '22'.repeat(16))]);
    await leaders.refresh();
    await leaders.refresh();
    expect(leaders.leaderOf('t', 0)).toEqual({ broker: 1, epoch: 0, replicas: 'all' });
    expect(leaders.topicId('t')).toBe('22'.repeat(16));
  });

  it('are told with whether all their replicas are in sync', async () => {
    const short = { ...topic(1, 5), partitions: [{ leader: 1, leaderEpoch: 5, lagging: [2] }] };
    const { leaders } = await serve([short], [topic(1, 5)]);
    await leaders.refresh();
    expect(leaders.leaderOf('t', 0)).toMatchObject({ replicas: 'some' });
    await leaders.refresh();
    expect(leaders.leaderOf('t', 0)).toMatchObject({ replicas: 'all' });
  });

  it('are absent while there is none, and when the topic is gone', async () => {
    const { leaders } = await serve([topic(undefined, 5)], []);
    await leaders.refresh();
    expect(leaders.leaderOf('t', 0)).toBeUndefined();
    expect(leaders.topicId('t')).toBe(topicId);
    await leaders.refresh();
    expect(leaders.topicId('t')).toBeUndefined();
  });

  it('are asked for once where many want to know at the same time', async () => {
    const { leaders, asked } = await serve([topic(1, 5)]);
    await Promise.all([leaders.refresh(), leaders.refresh(), leaders.refresh()]);
    expect(asked()).toBe(1);
    await leaders.refresh();
    expect(asked()).toBe(2);
  });
});
