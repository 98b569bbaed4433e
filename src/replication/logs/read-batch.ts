import type { Broker } from '../../kafka/cluster.ts';
import { type AbortedTransaction, decodeFetch, encodeFetch, noSession } from '../../kafka/fetch-api.ts';
import { type BatchHeader, parseBatch } from '../batches/record-batch.ts';

export interface ReadFrom {
  readonly topicId: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly offset: bigint;
}

export type ReadBatch =
  | {
      readonly kind: 'batch';
      readonly frame: Buffer;
      readonly header: BatchHeader;
      /** Its transaction was aborted: no consumer may see it. */
      readonly aborted: boolean;
    }
  /** The log holds nothing at or after that offset that a consumer may see yet. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'error'; readonly code: number };

/** One batch is enough, however large: a broker always delivers the first one whole (KIP-74). */
const bytesMax = 1;

/** Reads the batch that holds `offset`, raw, from the partition's leader. For comparing single batches; copies memory. */
export async function readBatchAt(broker: Broker, from: ReadFrom): Promise<ReadBatch> {
  const request = encodeFetch({
    session: noSession,
    maxWaitMs: 0,
    minBytes: 0,
    bytesMax,
    partitions: [
      {
        topicId: from.topicId,
        partition: from.partition,
        currentLeaderEpoch: from.leaderEpoch,
        fetchOffset: from.offset,
        lastFetchedEpoch: undefined,
        bytesMax,
      },
    ],
    forgotten: [],
  });
  const frame = await broker.connection.request(request);
  const answer = decodeFetch(frame.bytes, frame.bodyStart);
  const partition = answer.partitions[0];
  const code = answer.errorCode === 0 ? (partition?.errorCode ?? 0) : answer.errorCode;
  if (code !== 0) return { kind: 'error', code };
  if (partition === undefined) return { kind: 'nothing' };
  let position = partition.records.start;
  while (position < partition.records.end) {
    const parsed = parseBatch(frame.bytes, position, partition.records.end);
    if (parsed.kind !== 'batch') break;
    if (parsed.header.lastOffset >= from.offset) {
      const { header } = parsed;
      return {
        kind: 'batch',
        frame: frame.bytes,
        header,
        aborted: isAborted(frame.bytes, header, partition.abortedTransactions),
      };
    }
    position = parsed.header.end;
  }
  return { kind: 'nothing' };
}

function isAborted(frame: Buffer, header: BatchHeader, transactions: readonly AbortedTransaction[]): boolean {
  const producerId = frame.readBigInt64BE(header.start + 43);
  return (
    header.transactional &&
    transactions.some(
      (transaction) => transaction.producerId === producerId && transaction.firstOffset <= header.lastOffset,
    )
  );
}
