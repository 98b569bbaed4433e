import type { RawRecord } from '../../replication/batches/records.ts';

/** Where a record of a tail comes from. */
export interface Origin {
  readonly site: string;
  readonly term: number;
  readonly operation: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** Headers of a record that was appended again; its own stand before them. */
export const originHeaders = {
  site: 'umbra-origin-site',
  partition: 'umbra-origin-partition',
  offset: 'umbra-origin-offset',
  term: 'umbra-origin-term',
  operation: 'umbra-origin-operation',
} as const;

type Header = RawRecord['headers'][number];

/** Pure. */
export function headersOf({ site, term, operation, partition, offset }: Origin): readonly Header[] {
  const values = { site, partition, offset, term, operation };
  return Object.entries(originHeaders).map(([field, name]) => [
    Buffer.from(name),
    Buffer.from(String(values[field as keyof typeof values])),
  ]);
}

/** The offset that a record had in the tail of this promotion; undefined for any other record. Pure. */
export function originOffset(
  { headers }: Pick<RawRecord, 'headers'>,
  { operation, partition }: Pick<Origin, 'operation' | 'partition'>,
): bigint | undefined {
  // The last one of a name is ours: what the record brought stands before it.
  const last = new Map(headers.map(([name, value]) => [name?.toString() ?? '', value?.toString() ?? '']));
  const offset = last.get(originHeaders.offset);
  const same =
    last.get(originHeaders.operation) === operation && last.get(originHeaders.partition) === String(partition);
  return same && offset !== undefined && /^\d{1,19}$/.test(offset) ? BigInt(offset) : undefined;
}
