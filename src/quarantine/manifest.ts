import { z } from 'zod';

/**
 * What a quarantine folder says of itself (`manifest.json`). docs/quarantine.md describes it; a reader of another
 * version must be able to tell from `format` that it is another one. Offsets are decimal strings: they are 64-bit.
 */
const offset = z.string().regex(/^\d+$/);
const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const manifestFormat = 'umbra-quarantine/1';
export const manifestName = 'manifest.json';
export const checksumsName = 'SHA256SUMS';
export const indexName = 'batches.jsonl';
export const linesName = 'records.jsonl';
export const partialSuffix = '.partial';

const fileSchema = z.strictObject({
  /** Below the folder, with `/`: what a manifest says leads nowhere else. */
  path: z.string().regex(/^partition-\d{1,10}\/(\d{20}\.log|batches\.jsonl|records\.jsonl)$/),
  bytes: count,
  sha256,
});

/** What went of one partition; without any batch there are no files. */
export const quarantinedSchema = z.strictObject({
  batches: count,
  /** All records of those batches. */
  records: count,
  /** Those of them that the source does not hold. */
  recordsOnlyHere: count,
  bytes: count,
  /** Of the first and last batch. */
  firstOffset: offset.optional(),
  lastOffset: offset.optional(),
  /** Of the raw batches, one after the other. */
  sha256,
  /** Those only here that neither the age nor the compaction of the source's records explains. */
  recordsUnexplained: count,
  /** Of the batches with such records, each followed by their offsets. */
  unexplainedSha256: sha256,
  /** Of a tail: the times of its oldest and newest batch, as producers dated them. */
  oldestAt: z.iso.datetime().optional(),
  newestAt: z.iso.datetime().optional(),
});

export const scannedRangeSchema = z.strictObject({
  copyStart: offset,
  copyEnd: offset,
  /** Absent where the source has no such partition, or is another topic by now. */
  sourceStart: offset.optional(),
  sourceEnd: offset.optional(),
  /** In which the source was led while it was read. */
  sourceEpoch: count.optional(),
  forkOffset: offset.optional(),
  /**
   * Of the log of an old primary: its records, and of them those that the new primary holds equal below the cut. What is
   * missing in the second number is quarantined.
   */
  sum: z.strictObject({ acknowledged: count, present: count }).optional(),
});

/** What a person decided about the records that only an old primary holds. All of them are in the files in each case. */
export const tailDecisionSchema = z.discriminatedUnion('kind', [
  /** They are appended to the new primary, with headers that say where they come from. */
  z.strictObject({ kind: z.literal('replay') }),
  /** The files hold them as JSON lines, too. */
  z.strictObject({ kind: z.literal('export') }),
  z.strictObject({ kind: z.literal('discard'), reason: z.string().trim().min(1).max(500) }),
]);

/** How the log of an old primary came to its tail, and what becomes of it. */
export const tailSchema = z.strictObject({
  /** The promotion of the other site, and its term. */
  operation: z.string(),
  term: z.int().min(1),
  /** Of the old primary. */
  site: z.enum(['a', 'b']),
  /** Where the promotion cut each partition, which stand at their number: above nothing was copied. */
  cuts: z.array(offset),
  /**
   * `in-place`: the log ends at the cut everywhere and is a copy as it is. `anew`: it is deleted and copied again.
   */
  method: z.enum(['in-place', 'anew']),
  /** Absent where nobody has decided yet, and where there is no tail. */
  decision: tailDecisionSchema.optional(),
});

export const manifestFaultSchema = z.strictObject({
  /** Absent for a fault of the topic as a whole. */
  partition: count.optional(),
  code: z.string(),
  message: z.string(),
  at: z.iso.datetime(),
});

/** Where a consumer group of the copy's cluster stood when the copy was cut. */
export const groupPositionSchema = z.strictObject({
  group: z.string(),
  partition: count,
  offset,
  metadata: z.string().optional(),
});

export const manifestSchema = z.strictObject({
  format: z.literal(manifestFormat),
  /** Version of umbra that wrote it. */
  umbra: z.string(),
  reason: z.enum(['rebuild', 'reconcile']),
  /** Of a reconciliation. */
  tail: tailSchema.optional(),
  pair: z.string(),
  link: z.string(),
  topic: z.string(),
  /** Of the copy that was cut. */
  copyTopicId: z.string(),
  /** Of the source topic it was a copy of. */
  copiedTopicId: z.string(),
  /** Of the source topic as it was then. */
  sourceTopicId: z.string(),
  planHash: sha256,
  startedAt: z.iso.datetime(),
  /** When the last partition had been read. */
  cutAt: z.iso.datetime(),
  faults: z.array(manifestFaultSchema),
  partitions: z.array(
    z.strictObject({
      partition: count,
      ...scannedRangeSchema.shape,
      ...quarantinedSchema.shape,
      files: z.strictObject({ log: fileSchema, index: fileSchema, lines: fileSchema.optional() }).optional(),
    }),
  ),
  groupPositions: z.array(groupPositionSchema),
});

/** One line of `batches.jsonl`: where a batch stands in the log file, and which of its records are only here. */
export const indexLineSchema = z.strictObject({
  position: count,
  bytes: count,
  firstOffset: offset,
  lastOffset: offset,
  records: count,
  producerId: z.string(),
  /** Its transaction was aborted: no consumer ever saw it. */
  aborted: z.boolean(),
  /** Pairs of offsets, both included. */
  onlyHere: z.array(z.tuple([offset, offset])),
});

export type Manifest = z.output<typeof manifestSchema>;
export type ManifestPartition = Manifest['partitions'][number];
export type Quarantined = z.output<typeof quarantinedSchema>;
export type ScannedRange = z.output<typeof scannedRangeSchema>;
export type ManifestFault = z.output<typeof manifestFaultSchema>;
export type Tail = z.output<typeof tailSchema>;
export type TailDecision = z.output<typeof tailDecisionSchema>;
export type GroupPosition = z.output<typeof groupPositionSchema>;
export type IndexLine = z.output<typeof indexLineSchema>;
export type ManifestFile = z.output<typeof fileSchema>;

/** All files of one partition. */
export function filesOf({ log, index, lines }: NonNullable<ManifestPartition['files']>): readonly ManifestFile[] {
  return lines === undefined ? [log, index] : [log, index, lines];
}

/** Folder of one partition. */
export function partitionFolder(partition: number): string {
  return `partition-${partition}`;
}

/** Named like a broker's own segment, so that Kafka's tools read it. */
export function segmentName(firstOffset: bigint): string {
  return `${String(firstOffset).padStart(20, '0')}.log`;
}

const topicCharsMax = 200;
/** Of {@link quarantineName}: a name that leads nowhere else. */
export const quarantineNamePattern = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.[0-9a-f]{12}\.[a-zA-Z0-9._-]{1,200}$/;

/** `2026-01-02T03-04-05Z.0123456789ab.a_orders`: sorts by time; file systems take 255 characters. */
export function quarantineName(topic: string, planHash: string, at: Date): string {
  const stamp = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
  return `${stamp}.${planHash.slice(0, 12)}.${topic.slice(0, topicCharsMax)}`;
}
