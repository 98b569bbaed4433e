import { afterEach, describe, expect, it } from 'vitest';
import type { Broker, Cluster } from '../../../src/kafka/cluster.ts';
import { ConnectionError } from '../../../src/kafka/errors.ts';
import { Copier } from '../../../src/replication/copier/copier.ts';
import type { AppendGate } from '../../../src/replication/lease/append-lease.ts';
import { Leaders } from '../../../src/replication/partition/leaders.ts';
import { type Concluded, ResumeRound } from '../../../src/replication/resume/resume-round.ts';
import { LinkMeters } from '../../../src/replication/streams/link-meters.ts';
import { denseRun } from '../batches/batches.ts';
import { type LogBroker, logBroker, topicId } from '../logs/log-broker.ts';

const open: LogBroker[] = [];
const never = new AbortController().signal;
const lease: AppendGate = {
  ...{ identity: undefined, held: () => true, maySend: () => true },
  ...{ wait: () => Promise.resolve(), confirm: () => Promise.resolve(true) },
};

afterEach(async () => {
  for (const broker of open.splice(0)) await broker.close();
});

/** A cluster in which broker 1 leads partition 0 of the topic; who asks for it gets what `connect` gives. */
function cluster(topic: string, connect: () => Promise<Broker>): Cluster {
  const partitions = [{ partition: 0, leader: 1, leaderEpoch: 3, replicas: 1, inSync: 1 }];
  const topics = new Map([[topic, { name: topic, topicId, internal: false, partitions }]]);
  const stub: Partial<Cluster> = {
    broker: connect,
    metadata: () => Promise.resolve({ clusterId: 'c', controller: 1, brokers: 1, topics }),
  };
  return stub as Cluster;
}

function copierOf(topic: string): Copier {
  const of = { topic, partition: 0, sourceTopicId: topicId, targetTopicId: topicId, producerId: 2n ** 52n };
  const clock = { monotonicMs: () => 0, now: () => new Date(0) };
  return new Copier(of, { clock, queueBytesMax: 1, gapOffsetsMax: () => 1n, changed: () => undefined });
}

describe('a round of resumes', () => {
  it('is not spoilt for others by one partition whose source broker cannot be reached', async () => {
    const log = denseRun(0n, [5]);
    const both = await logBroker({ log, ends: [5n] });
    open.push(both);
    // Of both the log broker says the same; the first one that asks for the source's broker does not get it.
    const [bad, good] = [copierOf('t'), copierOf('t')];
    const concluded: [Copier, Concluded['kind']][] = [];
    const finished: Copier[] = [];
    let asked = 0;
    const source = cluster('t', () => {
      asked += 1;
      if (asked === 1) return Promise.reject(new ConnectionError('the source broker cannot be reached'));
      return Promise.resolve(both.broker);
    });
    const target = cluster('t', () => Promise.resolve(both.broker));
    const names = (): string[] => ['t'];
    const round = new ResumeRound({
      ...{ source, target, lease, meters: new LinkMeters() },
      sourceLeaders: new Leaders(source, names),
      targetLeaders: new Leaders(target, names),
      headOffsetsMax: () => undefined,
      conclude: (copier, _route, { kind }) => concluded.push([copier, kind]),
      finished: (copier) => finished.push(copier),
      onUnexpected: (error) => {
        throw error;
      },
    });
    await round.run([bad, good], never);
    expect(concluded).toEqual([[good, 'resume']]);
    expect(new Set(finished)).toEqual(new Set([bad, good]));
    expect(bad.state).toMatchObject({ kind: 'resuming', reason: 'the source broker cannot be reached' });
    expect([bad.resumesInRow, good.resumesInRow]).toEqual([1, 0]);
  });
});
