import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { manifestSchema, type Manifest } from '../quarantine/manifest.ts';
import type { QuarantinedBytes, QuarantinedRecord } from '../quarantine/quarantine-reader.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { byteSize, count, plural } from './quantities.ts';
import { table } from './table.ts';

/** One quarantine of a folder; without a manifest that could be read only its problem. */
export const quarantineRowSchema = z.strictObject({
  path: z.string(),
  manifest: manifestSchema.optional(),
  problem: z.string().optional(),
});
/** The shape of `umbra quarantine list --json`. */
export const quarantineListSchema = z.strictObject({ quarantines: z.array(quarantineRowSchema) });
/** The shape of `umbra quarantine verify --json`. */
export const quarantineVerdictSchema = z.strictObject({
  path: z.string(),
  intact: z.boolean(),
  problems: z.array(z.string()),
  manifestSha256: z.string().optional(),
});

export type QuarantineRow = z.output<typeof quarantineRowSchema>;
export type QuarantineVerdictReport = z.output<typeof quarantineVerdictSchema>;

export function renderQuarantines(rows: readonly QuarantineRow[], colours: Colours): string {
  if (rows.length === 0) return 'Nothing is in quarantine.';
  const right = 'right';
  const columns = [
    { title: 'CUT' },
    { title: 'TOPIC' },
    { title: 'LINK' },
    { title: 'FAULT' },
    { title: 'ONLY THERE', align: right },
    { title: 'BYTES', align: right },
    { title: 'FOLDER' },
  ] as const;
  return table(
    columns,
    rows.map(({ path, manifest, problem }) =>
      manifest === undefined
        ? ['', '', '', colours.bad(printable(problem ?? 'damaged')), '', '', printable(path)]
        : [
            manifest.cutAt,
            printable(manifest.topic),
            manifest.link,
            [...new Set(manifest.faults.map(({ code }) => printable(code)))].join(', '),
            count(sum(manifest, 'recordsOnlyHere')),
            byteSize(sum(manifest, 'bytes')),
            printable(path),
          ],
    ),
  );
}

export function renderVerdict(
  { path, problems }: QuarantineVerdictReport,
  manifest: Manifest | undefined,
  colours: Colours,
): string {
  const lines = problems.map((problem) => `${colours.bad('damaged')}: ${printable(problem)}`);
  if (manifest === undefined || lines.length > 0) return [...lines, `${printable(path)} is damaged.`].join('\n');
  const records = plural(sum(manifest, 'records'), 'record');
  const batches = plural(sum(manifest, 'batches'), 'batch', 'batches');
  return colours.good(`INTACT: ${records} in ${batches}, every checksum is right.`);
}

function sum({ partitions }: Manifest, field: 'records' | 'recordsOnlyHere' | 'batches' | 'bytes'): number {
  return partitions.reduce((total, partition) => total + partition[field], 0);
}

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
