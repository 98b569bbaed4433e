import { protocolErrorsCodesById } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import {
  ConnectionError,
  errorName,
  judge,
  KafkaError,
  MalformedError,
  type RetryVerdict,
  verdictOf,
} from '../../src/kafka/errors.ts';

/**
 * Every code that the library names, with the verdict that was decided for it. A code that a newer library adds is in
 * neither list and fails here: judge it, then write it down.
 */
const decided: Readonly<Record<Exclude<RetryVerdict, 'final'>, readonly number[]>> = {
  moved: [3, 5, 6, 8, 9, 13, 15, 16, 41, 72, 74, 75, 100, 103],
  later: [-1, 7, 14, 19, 20, 51, 56, 70, 71, 78, 89, 106],
  denied: [29, 30, 31, 33, 53, 58],
  corrupt: [2],
  fenced: [47, 90],
};

/** Final on purpose: the request itself is wrong for that cluster, or its caller gives the code a meaning of its own. */
const final = [
  ...[1], // OFFSET_OUT_OF_RANGE: the fetch stream resumes, the resume says which side lacks what
  ...[4, 10, 12, 17, 18, 21, 28, 32, 35, 37, 38, 39, 40, 42, 43, 44, 76, 87], // wrong sizes, names, configs, forms
  ...[36, 54], // TOPIC_ALREADY_EXISTS, SECURITY_DISABLED: answers, not failures (topic-admin.ts)
  ...[45, 46], // sequences: the produce stream compares the tail before it goes on
  ...[34], // ILLEGAL_SASL_STATE
];

/** Of APIs that umbra does not use: groups, transactions, delegation tokens, quorum, share groups, telemetry. */
const unused = [
  ...[11, 22, 23, 24, 25, 26, 27, 48, 49, 50, 52, 55, 57, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 73, 77, 79],
  ...[80, 81, 82, 83, 84, 85, 86, 88, 91, 92, 93, 94, 95, 96, 97, 98, 99, 101, 102, 104, 105, 107, 108, 109, 110],
  ...[111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127],
];

const named = Object.keys(protocolErrorsCodesById).map(Number);

describe('the judge of errors', () => {
  it.each(Object.entries(decided))('finds %s for the codes decided so', (verdict, codes) => {
    for (const code of codes) expect([code, judge(code)]).toEqual([code, verdict]);
  });

  it('has judged every code that the library names, each exactly once', () => {
    const judged = [...Object.values(decided).flat(), ...final, ...unused];
    const byNumber = (left: number, right: number): number => left - right;
    const withoutNone = named.filter((code) => code !== 0);
    expect(judged.toSorted(byNumber)).toEqual(withoutNone.toSorted(byNumber));
  });

  it('never retries a code that it does not know', () => {
    for (const code of [...final, ...unused, 128, 133, 999, -2]) expect([code, judge(code)]).toEqual([code, 'final']);
  });

  it('names codes with their number', () => {
    expect(errorName(6)).toBe('NOT_LEADER_OR_FOLLOWER (6)');
    expect(errorName(4711)).toBe('UNKNOWN (4711)');
    expect(new KafkaError(3, 'topic x', { brokerText: '' }).message).toBe('topic x: UNKNOWN_TOPIC_OR_PARTITION (3)');
    expect(new KafkaError(10, 'topic x', { brokerText: 'too big' }).message).toBe(
      'topic x: MESSAGE_TOO_LARGE (10): too big',
    );
  });

  it('takes a foreign error for a bug: final', () => {
    expect(verdictOf(new TypeError('x is undefined'))).toBe('final');
    expect(verdictOf('text')).toBe('final');
    expect(verdictOf(new KafkaError(29, 'x'))).toBe('denied');
    expect(verdictOf(new ConnectionError('x'))).toBe('moved');
    expect(verdictOf(new ConnectionError('x', { verdict: 'denied' }))).toBe('denied');
    expect(verdictOf(new MalformedError('x'))).toBe('later');
  });
});
