import type { Broker } from '../../kafka/cluster.ts';
import { ConnectionError, errorName, KafkaError, MalformedError } from '../../kafka/errors.ts';
import { deleteRecords } from '../../kafka/delete-records-api.ts';
import { partitionKey } from '../../kafka/log-queries.ts';
import { decodeProduce, encodeProduce, produceApis } from '../../kafka/produce-api.ts';
import { WireWriter } from '../../kafka/wire-writer.ts';
import type { AppendGate } from '../lease/append-lease.ts';
import type { CopiedPartition } from '../partition/copied-partition.ts';
import { encodeBatch, headerOfEncoded } from '../batches/encode-batch.ts';
import type { Fault } from '../partition/fault.ts';
import { linkProducerEpoch, sequenceAfter } from '../partition/producer-identity.ts';
import { UncompressedTooLargeError } from '../batches/compression.ts';
import { type BatchHeader, compressionOf, stampBatch } from '../batches/record-batch.ts';
import { type BatchInFrame, walkRecords } from '../batches/records.ts';

/** Where a copy whose source does not begin at 0 has to be brought first. */
export interface Head {
  /** The copy's log end now. */
  readonly from: bigint;
  /** The source's log start. */
  readonly to: bigint;
  readonly sequence: number;
}

/** Records of one filler batch: about 0.9 MB before zstd, 80 kB after. */
const recordsPerBatch = 100_000;
/** Longest head that is filled without asking: 0.8 GB on the target's disk until it is deleted, and minutes. */
export const headOffsetsMax = 1_000_000_000n;
const zstd = 4;
const timeoutMs = 30_000;

export interface HeadFilling {
  readonly lease: AppendGate;
  readonly signal: AbortSignal;
  /** Undefined: any. */
  readonly offsetsMax: bigint | undefined;
}

/**
 * No API creates a partition at offset N. Filler records (no key, no value, no time) bring the log end there at less
 * than a byte per offset, and DeleteRecords takes them away again (protocol.md part 1, section 5). They can be seen
 * for the moments in between. A crash leaves fillers and no deleted records: the resume goes on from there.
 *
 * Every append is made under the lease, and its base offset is checked. Returns a fault when one is wrong.
 */
export async function fillHead(
  broker: Broker,
  of: CopiedPartition,
  head: Head,
  { lease, signal, offsetsMax }: HeadFilling,
): Promise<Fault | undefined> {
  const offsets = head.to - head.from;
  if (offsetsMax !== undefined && offsets > offsetsMax) {
    const message = `the source begins at offset ${head.to}: bringing the copy there takes ${offsets} fillers, about ${(offsets * 8n) / 10_000_000n} MB at the target until they are deleted`;
    return { code: 'GAP_TOO_LARGE', offset: head.from, message };
  }
  const { version } = broker.negotiate(...produceApis);
  let sequence = head.sequence;
  // Made once: a hundred thousand records take tens of milliseconds, in which nothing else runs. Stamped in place anew.
  let full: ReturnType<typeof fillerBatch> | undefined;
  for (let next = head.from; next < head.to;) {
    const left = head.to - next;
    const count = left < BigInt(recordsPerBatch) ? Number(left) : recordsPerBatch;
    const { bytes, header } = count === recordsPerBatch ? (full ??= fillerBatch(count)) : fillerBatch(count);
    const stamp = { producerId: of.producerId, producerEpoch: linkProducerEpoch, baseSequence: sequence };
    const batch = stampBatch(bytes, header, stamp);
    await lease.wait(signal);
    if (!lease.held()) throw new ConnectionError('the link has no lease');
    const request = encodeProduce([{ topic: of.topic, partition: of.partition, batch }], { version, timeoutMs });
    const answer = await broker.connection.request(request, { maySend: () => lease.maySend() });
    const [result] = decodeProduce(answer.bytes, answer.bodyStart);
    if (result === undefined) throw new ConnectionError('the answer leaves this partition out');
    if (result.errorCode !== 0)
      throw new KafkaError(result.errorCode, 'filling the head', { brokerText: result.message });
    if (result.baseOffset !== next) {
      const message = `a filler for offset ${next} of the copy was put at ${result.baseOffset}`;
      return { code: 'DIVERGED', offset: next, message };
    }
    sequence = sequenceAfter(sequence, count);
    next += BigInt(count);
  }
  const deleted = await deleteRecords(broker, [{ ...of, before: head.to }]);
  const outcome = deleted.get(partitionKey(of.topic, of.partition));
  if (outcome?.ok === true) return undefined;
  throw new ConnectionError(`deleting the fillers: ${outcome === undefined ? 'no answer' : errorName(outcome.code)}`);
}

/**
 * Whether a batch of the copy is one of those that {@link fillHead} writes: no record of it has a key, a value, a header
 * or a time. An application's batch without times is told from it by what its records hold.
 */
export async function isFiller(batch: BatchInFrame): Promise<boolean> {
  const { frame, header } = batch;
  const { start } = header;
  const untimed = frame.readBigInt64BE(start + 27) === -1n && frame.readBigInt64BE(start + 35) === -1n;
  if (!untimed || compressionOf(frame, header) !== zstd || !header.dense) return false;
  try {
    for await (const { key, value, headers } of walkRecords(batch)) {
      if (key !== null || value !== null || headers.length > 0) return false;
    }
    return true;
  } catch (error) {
    // What cannot be decoded is no work of ours.
    if (error instanceof MalformedError || error instanceof UncompressedTooLargeError) return false;
    throw error;
  }
}

/** Behind a record's offset delta: key -1, value -1, no headers. */
const emptyBody = [0x01, 0x01, 0x00] as const;

function fillerBatch(count: number): { readonly bytes: Buffer; readonly header: BatchHeader } {
  const writer = new WireWriter(10 * count);
  for (let index = 0; index < count; index++) {
    const indexBytes = index < 64 ? 1 : index < 8192 ? 2 : 3;
    writer.unsignedVarint(2 * (2 + indexBytes + emptyBody.length)).int8(0);
    writer.unsignedVarint(0).unsignedVarint(2 * index);
    for (const byte of emptyBody) writer.int8(byte);
  }
  const content = { codec: zstd, records: count, baseTimestamp: -1n, largestDelta: 0n };
  const bytes = encodeBatch(Buffer.concat(writer.parts()), content);
  const place = { start: 0, end: bytes.length, baseOffset: 0n, records: count, leaderEpoch: 0 };
  return { bytes, header: headerOfEncoded(place) };
}
