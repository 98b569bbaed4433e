import { expect, test } from 'vitest';
import { tightTroubleMs } from '../../src/canary/canary-pace.ts';
import { decodeCanary, hashOf } from '../../src/canary/canary-record.ts';
import type { SendAnswer } from '../../src/canary/send-answer.ts';
import { canaryTopic, type Outgoing, type Writing, writing } from './writing.ts';

const refusal: SendAnswer = {
  ...{ kind: 'refused', error: 'TOPIC_AUTHORIZATION_FAILED', type: 'TOPIC_AUTHORIZATION_FAILED' },
};
const sequenceOf = ({ value }: Outgoing): number => decodeCanary(value)?.sequence ?? -1;
const inPartition = ({ out }: Writing, partition: number): readonly Outgoing[] =>
  out.filter((each) => each.partition === partition);

test('each partition gets its record at the rate, and each names the one before', async () => {
  const on = writing();
  on.rate = 2;
  await on.run(3_100);
  for (const partition of [0, 1, 2]) {
    const out = inPartition(on, partition);
    expect(out.map(sequenceOf)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const names = out.map(({ value }) => decodeCanary(value)?.previous);
    expect(names).toEqual([null, ...out.slice(0, -1).map(({ value }) => hashOf(value))]);
  }
});

test('a record is in the ledger before it goes out, and what became of it behind', async () => {
  const on = writing();
  await on.run(2_500);
  const course = on.events.filter(({ partition }) => partition === 1).map(({ kind }) => kind);
  expect(course.slice(0, 6)).toEqual(['sent', 'out', 'acked', 'sent', 'out', 'acked']);
});

test('of a partition one record is under way; one that is not answered holds up no other partition', async () => {
  const on = writing();
  on.reply = undefined;
  await on.run(10_000);
  expect(on.out).toHaveLength(3);
  on.out[1]!.answer({ kind: 'acked', offset: 5n });
  on.reply = () => ({ kind: 'acked', offset: 6n });
  await on.run(2_500);
  expect(inPartition(on, 1).map(sequenceOf)).toEqual([0, 1, 2, 3]);
  expect([inPartition(on, 0).length, inPartition(on, 2).length]).toEqual([1, 1]);
});

test('after a move it writes to the new primary with another client, and no number is given twice', async () => {
  const on = writing();
  await on.run(1_500);
  on.primary = { site: 'b', term: 1 };
  await on.run(2_000);
  on.primary = { site: 'a', term: 2 };
  await on.run(2_000);
  const out = inPartition(on, 0);
  expect(out.map(({ site, sender }) => `${site}${sender}`)).toEqual(['a0', 'a0', 'b1', 'b1', 'a2', 'a2']);
  expect(out.map(sequenceOf)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(out.map(({ value }) => decodeCanary(value)?.term)).toEqual([0, 0, 1, 1, 2, 2]);
  expect(on.closed).toEqual([0, 1]);
});

test('a site that hangs does not hold up the first write at the new primary: what is under way is given up as unanswered', async () => {
  const on = writing();
  on.reply = undefined;
  await on.run(2_000);
  on.primary = { site: 'b', term: 1 };
  on.reply = () => ({ kind: 'acked', offset: 1n });
  await on.run(200);
  expect(inPartition(on, 0).map(({ site }) => site)).toEqual(['a', 'b']);
  on.out[0]!.answer({ kind: 'acked', offset: 0n });
  await on.run(100);
  const course = on.events.filter(({ partition }) => partition === 0).map(({ kind }) => kind);
  expect(course).toEqual(['sent', 'out', 'unanswered', 'sent', 'out', 'acked']);
});

test('while it is refused it asks who is primary every 100 ms; after two minutes every second', async () => {
  const on = writing();
  on.rate = 0.5;
  await on.run(100);
  on.reply = () => refusal;
  await on.run(10_000);
  const tight = inPartition(on, 0).map(({ atMs }) => atMs);
  expect(tight.slice(1, 6)).toEqual([2_000, 2_100, 2_200, 2_300, 2_400]);
  on.primary = { site: 'b', term: 1 };
  on.reply = () => ({ kind: 'acked', offset: 9n });
  await on.run(100);
  expect(inPartition(on, 0).at(-1)).toMatchObject({ site: 'b' });
  expect(on.writer.status()[0]).toMatchObject({ sinceTroubleMs: undefined, longestGapMs: 10_200 });
  on.reply = () => refusal;
  await on.run(tightTroubleMs + 10_000);
  const slow = inPartition(on, 0).map(({ atMs }) => atMs);
  expect(slow.at(-1)! - slow.at(-2)!).toBe(2_000);
});

test('where nobody knows who is primary nothing is sent and nothing is written down', async () => {
  const on = writing({ primary: undefined });
  await on.run(5_000);
  expect(on.events).toEqual([]);
  expect(on.writer.status()[0]).toMatchObject({ sent: 0, trouble: 'nobody knows who is primary' });
});

test('without its ledger it sends nothing, and it goes on when there is one again', async () => {
  const on = writing();
  await on.run(100);
  on.ledgerFails = true;
  await on.run(3_000);
  expect(on.out).toHaveLength(3);
  expect(on.writer.status()[0]?.trouble).toBe('no record can be sent: ENOSPC');
  on.ledgerFails = false;
  await on.run(1_000);
  expect(inPartition(on, 0).map(sequenceOf)).toContain(1);
});

test('a rate that rises is followed at once, and 0 rests', async () => {
  const on = writing({ rate: 0 });
  await on.run(5_000);
  expect(on.out).toEqual([]);
  on.rate = 0.1;
  await on.run(1_000);
  on.rate = 20;
  await on.run(1_000);
  expect(inPartition(on, 0).length).toBeGreaterThan(14);
});

test('a topic that is named no more is written no more; named again its numbers go on', async () => {
  const on = writing();
  await on.run(1_500);
  on.topics = [];
  await on.run(3_000);
  expect(inPartition(on, 0)).toHaveLength(2);
  expect(on.writer.status()).toEqual([]);
  on.topics = [canaryTopic];
  await on.run(500);
  expect(inPartition(on, 0).map(sequenceOf)).toEqual([0, 1, 2]);
});

test('it counts what became of its records', async () => {
  const on = writing();
  on.rate = 1;
  await on.run(500);
  on.reply = ({ partition }) =>
    partition === 0 ? refusal : { kind: 'unanswered', error: 'no answer within 8000 ms', type: undefined };
  await on.run(600);
  const [status] = on.writer.status();
  expect(status).toMatchObject({
    topic: canaryTopic.name,
    link: 'a-b',
    acked: 3,
    trouble: expect.any(String) as string,
  });
  expect(status!.sent).toBe(status!.acked + status!.refused + status!.unanswered);
  expect(status!.unanswered).toBe(2 * status!.refused);
});

test('stopped, it waits for what is under way and sends nothing more', async () => {
  const on = writing();
  await on.run(1_500);
  on.reply = undefined;
  await on.run(1_000);
  const sent = on.out.length;
  const stopped = on.writer.stop();
  await on.run(500);
  for (const { answer } of on.out) answer({ kind: 'acked', offset: 1n });
  await on.run(5_000);
  await stopped;
  expect(on.out).toHaveLength(sent);
  expect(on.closed).toEqual([0]);
  expect(on.events.filter(({ kind }) => kind === 'sent')).toHaveLength(sent);
  expect(on.events.filter(({ kind }) => kind === 'acked')).toHaveLength(sent);
});
