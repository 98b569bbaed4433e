import { expect, test } from 'vitest';
import { answerOfError } from '../../src/canary/send-answer.ts';

const broker = (type: string): Error =>
  new Error('Non retriable', { cause: Object.assign(new Error('of the broker'), { type }) });

test('a broker that refuses the only try has written nothing', () => {
  for (const type of ['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'OUT_OF_ORDER_SEQUENCE_NUMBER'])
    expect(answerOfError(broker(type), 1)).toEqual({ kind: 'refused', error: type, type });
});

test('the refusal of a second try says nothing of the first', () => {
  expect(answerOfError(broker('TOPIC_AUTHORIZATION_FAILED'), 2).kind).toBe('unanswered');
});

test('what a leader may also say behind an append is not certain', () => {
  for (const type of ['NOT_LEADER_FOR_PARTITION', 'REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'UNKNOWN'])
    expect(answerOfError(broker(type), 1).kind).toBe('unanswered');
});

test('a connection that is lost is not certain, unless nothing had gone out', () => {
  const lost = new Error('Closed connection');
  expect(answerOfError(lost, 1)).toEqual({ kind: 'unanswered', error: 'Closed connection', type: undefined });
  expect(answerOfError(lost, 0).kind).toBe('refused');
});

test('a text is one line, and bounded', () => {
  expect(answerOfError(new Error('one\ntwo'), 1).error).toBe('one two');
  expect(answerOfError(new Error('x'.repeat(1_000)), 1).error).toHaveLength(300);
});
