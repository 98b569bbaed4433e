import { z } from 'zod';

const regionPattern = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

/** A region of AWS, such as `eu-west-1`. */
export const regionSchema = z.string().regex(regionPattern, 'must be a region of AWS, such as eu-west-1');

/** Where documents stand in S3. */
export const s3PlaceSchema = z.strictObject({
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket: 3 to 63 of a-z, 0-9, "." and "-"'),
  region: regionSchema,
  /** With a slash at its end; empty for the bucket itself. */
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9!_.*'()-]+\/)*$/, 'must be empty, or end with "/"')
    .max(512)
    .default(''),
});

export type S3Place = z.output<typeof s3PlaceSchema>;

/** `s3://bucket/prefix?region=eu-west-1`, as resources name the place in their inputs. */
export function renderS3Url({ bucket, region, prefix }: S3Place): string {
  return `s3://${bucket}/${prefix}?region=${region}`;
}

/** The same back; undefined for anything else. */
export function parseS3Url(text: string): S3Place | undefined {
  const match = /^s3:\/\/([^/?#]+)\/([^?#]*)\?region=([a-z0-9-]+)$/.exec(text);
  const parsed = s3PlaceSchema.safeParse({ bucket: match?.[1], prefix: match?.[2], region: match?.[3] });
  return parsed.success ? parsed.data : undefined;
}
