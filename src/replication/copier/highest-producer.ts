import { type BatchHeader, checksumIsRight, producerIdOf } from '../batches/record-batch.ts';
import { firstLinkProducerId } from '../partition/producer-identity.ts';

/**
 * The highest id of a producer that wrote to the source, with this batch taken into account: a marker or a batch that
 * was aborted says as much of it as one that is copied. Ids of links are no broker's to give, and do not count.
 *
 * A bit that flipped on the way could make an id that no broker gives in years, and the maximum would keep it for ever:
 * a batch that raises it has its checksum verified first. Few do.
 */
export function highestProducer(frame: Buffer, header: BatchHeader, known: bigint | undefined): bigint | undefined {
  const id = producerIdOf(frame, header);
  if (id < 0n || id >= firstLinkProducerId) return known;
  if (known !== undefined && id <= known) return known;
  return checksumIsRight(frame, header) ? id : known;
}
