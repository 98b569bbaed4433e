import { describe, expect, it } from 'vitest';
import { decodeProduce, type ProducedPartition } from '../../src/kafka/produce-api.ts';
import { golden, goldenBodyStart, goldenVersions } from './golden-frames.ts';

const cases = goldenVersions.flatMap((version) => ([9, 11] as const).map((api) => [version, api] as const));

/** Answers of real brokers; golden/capture.ts says what was sent. */
describe.each(cases)('answers of Kafka %s to Produce %i', (version, api) => {
  const decode = (name: string): readonly ProducedPartition[] =>
    decodeProduce(golden(version, `produce-${api}-${name}`), goldenBodyStart).toSorted(byPlace);
  const refused = { baseOffset: -1n, message: undefined };

  it('give the base offset of each partition', () => {
    const baseOffset = api === 9 ? 0n : 6n; // the batches of version 9 came first: six records in each partition
    const done = { topic: 'target', errorCode: 0, baseOffset, message: undefined };
    expect(decode('ok')).toEqual([
      { ...done, partition: 0 },
      { ...done, partition: 1 },
    ]);
  });

  it('refuse a sequence out of order with 45', () => {
    expect(decode('out-of-order')).toEqual([{ topic: 'target', partition: 0, errorCode: 45, ...refused }]);
  });

  it('refuse a base offset other than 0 with 87 and no text', () => {
    expect(decode('invalid')).toEqual([{ topic: 'target', partition: 1, errorCode: 87, ...refused }]);
  });

  it('carry the broker’s text with its record errors', () => {
    const [result] = decode('null-key');
    expect(result).toMatchObject({ topic: 'compacted', partition: 0, errorCode: 87, baseOffset: -1n });
    expect(result!.message).toContain('Compacted topic cannot accept message without key');
  });

  it('give each partition its own result', () => {
    expect(decode('mixed')).toEqual([
      { topic: 'nowhere', partition: 0, errorCode: 3, ...refused },
      { topic: 'target', partition: 0, errorCode: 45, ...refused },
      { topic: 'target', partition: 7, errorCode: 3, ...refused },
    ]);
  });
});

function byPlace(left: ProducedPartition, right: ProducedPartition): number {
  return left.topic.localeCompare(right.topic) || left.partition - right.partition;
}
