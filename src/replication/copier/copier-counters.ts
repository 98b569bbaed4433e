/** What one copier has done, or several together. They only grow. */
export interface CopierCounters {
  /** Records in batches that the source gave, as far as they could be used. */
  fetchedRecords: number;
  batches: number;
  records: number;
  bytes: number;
  /** Markers written into gaps. */
  markers: number;
  /** Of the producers that wrote what the source gave; see `highestProducer`. */
  highestProducerId: bigint | undefined;
}

export function noCounts(): CopierCounters {
  return { fetchedRecords: 0, batches: 0, records: 0, bytes: 0, markers: 0, highestProducerId: undefined };
}

export function addCounts(sum: CopierCounters, more: Readonly<CopierCounters>): void {
  sum.fetchedRecords += more.fetchedRecords;
  sum.batches += more.batches;
  sum.records += more.records;
  sum.bytes += more.bytes;
  sum.markers += more.markers;
  sum.highestProducerId = higherId(sum.highestProducerId, more.highestProducerId);
}

/** Either may be unknown. */
export function higherId(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
  return one === undefined || (other !== undefined && other > one) ? other : one;
}
