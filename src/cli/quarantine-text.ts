import { z } from 'zod';
import { manifestSchema, type Manifest } from '../quarantine/manifest.ts';
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
