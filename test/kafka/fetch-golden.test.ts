import { describe, expect, it } from 'vitest';
import { decodeFetch, type FetchedPartition } from '../../src/kafka/fetch-api.ts';
import { dumpOf, golden, goldenBodyStart, type GoldenVersion, goldenVersions, topicIdOf } from './golden-frames.ts';

/** Answers of real brokers; the expected values were written down from what the capture did, not from our decoder. */
describe.each(goldenVersions)('Fetch answers of Kafka %s', (version) => {
  const decode = (name: string): ReturnType<typeof decodeFetch> => decodeFetch(golden(version, name), goldenBodyStart);

  it('give offsets, log start and the place of the records of each partition, in five codecs', () => {
    const answer = decode('fetch-codecs');
    expect(answer).toMatchObject({ errorCode: 0, sessionId: 0 });
    expect(answer.partitions.map(withoutRecords)).toEqual(
      ['none', 'gzip', 'snappy', 'lz4', 'zstd'].map((topic) => full(version, topic, 20n)),
    );
    const bytes = golden(version, 'fetch-codecs');
    for (const { records } of answer.partitions) {
      expect(bytes.readBigInt64BE(records.start)).toBe(0n); // the base offset of the log's first batch
      expect(bytes.readInt8(records.start + 16)).toBe(2); // its format
    }
  });

  it('begin with the batch that holds the offset asked for', () => {
    const [partition] = decode('fetch-middle').partitions;
    expect(golden(version, 'fetch-middle').readBigInt64BE(partition!.records.start)).toBe(6n); // asked for 7
  });

  it('hold no records where the first batch does not fit, instead of a piece of it', () => {
    const [first, second] = decode('fetch-cut').partitions;
    expect(first!.records.end - first!.records.start).toBe(700); // partition_max_bytes: the second batch is cut off
    expect(second!.records.end - second!.records.start).toBe(0); // 200 bytes were left, the batch has 384
  });

  it('of an empty partition have no records', () => {
    expect(decode('fetch-empty').partitions).toEqual([{ ...full(version, 'empty', 0n), records: emptyPlace }]);
  });

  it.each([
    ['fetch-out-of-range', 1, 'none'],
    ['fetch-fenced', 75, 'none'],
    ['fetch-unknown-topic', 100, undefined],
  ])('give the error code of a partition: %s', (name, errorCode, topic) => {
    const answer = decode(name);
    expect(answer.errorCode).toBe(0);
    expect(answer.partitions).toEqual([
      {
        topicId: topic === undefined ? 'ab'.repeat(16) : topicIdOf(version, topic),
        partition: 0,
        errorCode,
        highWatermark: -1n,
        lastStableOffset: -1n,
        logStartOffset: -1n,
        abortedTransactions: [],
        records: emptyPlace,
        diverging: undefined,
      },
    ]);
  });

  it('list the aborted transactions', () => {
    const [partition] = decode('fetch-aborted').partitions;
    const aborted = dumpOf(version, 'txn')[2]; // after the committed batch and its marker
    expect(withoutRecords(partition!)).toEqual({
      ...full(version, 'txn', 8n),
      abortedTransactions: [{ producerId: aborted!.producerId, firstOffset: 3n }],
    });
  });

  it('say where the histories part when the epoch asked for ended earlier', () => {
    const [partition] = decode('fetch-diverging').partitions;
    expect(partition).toEqual({
      ...full(version, 'epochs', 15n),
      records: emptyPlace,
      diverging: { epoch: 0, endOffset: 5n }, // five records, then the broker started anew
    });
  });

  it('of a session carry all partitions first, then none, then only those with news', () => {
    const opened = decode('fetch-session-new');
    expect(opened.sessionId).toBeGreaterThan(0);
    expect(opened.partitions.map(withoutRecords)).toEqual([full(version, 'empty', 0n), full(version, 'none', 20n)]);
    expect(decode('fetch-session-idle')).toEqual({ errorCode: 0, sessionId: opened.sessionId, partitions: [] });
    const news = decode('fetch-session-news');
    expect(news.sessionId).toBe(opened.sessionId);
    expect(news.partitions.map(withoutRecords)).toEqual([full(version, 'empty', 1n)]);
  });

  it('refuse a session as a whole', () => {
    expect(decode('fetch-session-wrong-epoch')).toEqual({ errorCode: 71, sessionId: 0, partitions: [] });
    expect(decode('fetch-session-gone')).toEqual({ errorCode: 70, sessionId: 0, partitions: [] });
  });
});

/** Where a single partition without records has its place: behind 69 bytes of header and offsets. */
const emptyPlace = { start: 69, end: 69 };

type Expected = Omit<FetchedPartition, 'records'>;

function withoutRecords({ records: _records, ...rest }: FetchedPartition): Expected {
  return rest;
}

function full(version: GoldenVersion, topic: string, end: bigint): Expected {
  return {
    topicId: topicIdOf(version, topic),
    partition: 0,
    errorCode: 0,
    highWatermark: end,
    lastStableOffset: end,
    logStartOffset: 0n,
    abortedTransactions: [],
    diverging: undefined,
  };
}
