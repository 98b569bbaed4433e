import { MalformedError } from '../../kafka/errors.ts';
import type { AbortedTransaction } from '../../kafka/fetch-api.ts';
import { WireReader } from '../../kafka/wire-reader.ts';
import { type BatchHeader, headerBytes } from './record-batch.ts';

type Marker = 'abort' | 'commit';
const markers: readonly Marker[] = ['abort', 'commit'];
const markerKeyBytes = 4;

/**
 * Which batches nobody may see: markers, and data of transactions that were aborted (KIP-98). The list of aborted
 * transactions is covered by no checksum, but the markers that end them are: where both are in one answer they have to
 * agree, or the answer was damaged on its way.
 */
export class AbortedProducers {
  readonly #pending: AbortedTransaction[];
  readonly #active = new Set<bigint>();
  /** Producers whose present transaction was let through. */
  readonly #passed = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#pending = aborted.toSorted((left, right) => Number(left.firstOffset - right.firstOffset));
  }

  /** Has to be asked for every batch, in order. Throws MalformedError when a marker contradicts the list. */
  drops(frame: Buffer, header: BatchHeader): boolean {
    for (
      let first = this.#pending[0];
      first !== undefined && first.firstOffset <= header.lastOffset;
      first = this.#pending[0]
    ) {
      this.#active.add(first.producerId);
      this.#pending.shift();
    }
    if (!header.control && !header.transactional) return false;
    const producerId = frame.readBigInt64BE(header.start + 43);
    if (header.control) {
      this.#end(producerId, markerOf(frame, header), header.baseOffset);
      return true;
    }
    if (this.#active.has(producerId)) return true;
    if (header.records > 0) this.#passed.add(producerId);
    return false;
  }

  #end(producerId: bigint, marker: Marker | undefined, offset: bigint): void {
    const contradicts =
      (marker === 'commit' && this.#active.has(producerId)) || (marker === 'abort' && this.#passed.has(producerId));
    if (contradicts) {
      throw new MalformedError(`the list of aborted transactions does not agree with the marker at offset ${offset}`);
    }
    this.#active.delete(producerId);
    this.#passed.delete(producerId);
  }
}

/** What the marker says, from its record's key (version, type); undefined for other control records. */
function markerOf(frame: Buffer, header: BatchHeader): Marker | undefined {
  if (header.records === 0) return undefined;
  const reader = new WireReader(frame, header.start + headerBytes, header.end);
  reader.varint(); // length
  reader.int8(); // attributes
  reader.varlong(); // time
  reader.varint(); // offset
  if (reader.varint() !== markerKeyBytes) return undefined;
  reader.int16(); // version
  return markers[reader.int16()];
}
