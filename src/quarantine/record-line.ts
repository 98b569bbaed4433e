import { isUtf8 } from 'node:buffer';
import type { QuarantinedBytes, QuarantinedRecord } from './quarantine-reader.ts';

/**
 * One record as one line of JSON. Bytes that are UTF-8 are shown as text, others as base64; so is a batch that cannot be
 * decoded, whole.
 */
export function recordLine(record: QuarantinedRecord | QuarantinedBytes): string {
  if (record.kind === 'bytes') {
    const { partition, firstOffset, lastOffset, bytes } = record;
    const offsets = { firstOffset: String(firstOffset), lastOffset: String(lastOffset) };
    return JSON.stringify({ partition, ...offsets, undecodable: { base64: bytes.toString('base64') } });
  }
  const line = JSON.stringify({
    partition: record.partition,
    offset: String(record.offset),
    timestamp: Number(record.timestamp),
    key: bytesValue(record.key),
    value: bytesValue(record.value),
    headers: record.headers.map(([name, value]) => ({ name: name?.toString('utf8') ?? '', value: bytesValue(value) })),
    producerId: String(record.producerId),
    aborted: record.aborted,
    onlyHere: record.onlyHere,
  });
  // A terminal obeys control characters; in JSON they can be written so that it does not.
  return line.replace(/\p{C}/gu, (character) =>
    [...Array(character.length).keys()]
      .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function bytesValue(bytes: Buffer | null): { utf8: string } | { base64: string } | null {
  if (bytes === null) return null;
  return isUtf8(bytes) ? { utf8: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
}
