import { z } from 'zod';

const producerId = z.string().regex(/^\d+$/);

/**
 * What a link remembers of producer ids. Written when one of them has moved, which is rare: see
 * [producer-ids.md](../../../docs/producer-ids.md).
 */
export const producerIdRecordSchema = z.strictObject({
  link: z.string(),
  /** The highest id of a producer of the source that was ever seen, and a topic that it wrote to. */
  highest: z.strictObject({ id: producerId, topic: z.string() }).optional(),
  /** The target's brokers had given out ids up to this one. It is for the link that comes the other way. */
  given: producerId.optional(),
  /** What the barrier was to pass at the last promotion: brokers that could not be asked then are still held to it. */
  passed: producerId.optional(),
  at: z.iso.datetime(),
});

export type ProducerIdRecord = z.output<typeof producerIdRecordSchema>;
