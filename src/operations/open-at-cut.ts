import { z } from 'zod';

const offset = z.string().regex(/^\d+$/);

/** A transaction that had begun at the source and not ended, as last heard: none of its records is on the copy. */
export const openAtCutSchema = z.strictObject({
  /** At the source, of its first record in the partition. Nothing above it was copied, whoever wrote it. */
  firstOffset: offset,
  /** Who writes it; absent where the source fell silent before it could be asked. */
  producerId: offset.optional(),
  /** Of its newest record, as its producer dated it. */
  lastRecordAt: z.iso.datetime().optional(),
});

export type OpenAtCut = z.output<typeof openAtCutSchema>;

/** Of one partition so many are written down, the first ones. */
export const openAtCutMax = 8;

/** For people: what was open in the partitions of one topic, each in one line. Partitions stand at their number. */
export function openRemarks(partitions: readonly (readonly OpenAtCut[] | undefined)[]): readonly string[] {
  return partitions.flatMap((open, partition) =>
    (open ?? []).map(({ firstOffset, producerId, lastRecordAt }) => {
      const whose = producerId === undefined ? 'a transaction' : `a transaction of producer id ${producerId}`;
      const until = lastRecordAt === undefined ? '' : `, last written to at ${lastRecordAt}`;
      return `partition ${partition}: ${whose} was open at the source from offset ${firstOffset} on${until}: what it wrote was not copied, nor what came behind that offset`;
    }),
  );
}
