import { z } from 'zod';
import { s3PlaceSchema } from '../aws/s3-place.ts';

/** Where in S3 evidence is kept. */
export const evidenceBucketSchema = s3PlaceSchema.extend({
  /** What S3 itself refuses to let go, and for how long; the bucket is made with object lock. */
  objectLock: z
    .strictObject({ mode: z.enum(['GOVERNANCE', 'COMPLIANCE']), days: z.int().min(1).max(36_500) })
    .optional(),
});

export type EvidenceBucket = z.output<typeof evidenceBucketSchema>;
