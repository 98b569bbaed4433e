import { z } from 'zod';
import { Secret } from '../../worker/secret.ts';
import { parseChannelUrl } from '../resources/channel-url.ts';
import { workerFields } from '../resources/resource-fields.ts';

/** Base URL of a worker's API, or where its site is told its spec by a document. */
export const workerUrl = z.union(
  [z.url({ protocol: /^https?$/ }), z.string().refine((url) => parseChannelUrl(url) !== undefined)],
  { error: 'must look like http://host:port, or s3://bucket/prefix/?region=eu-west-1&pair=orders&site=a' },
);

export const apiToken = workerFields.apiToken
  .unwrap()
  .transform((token) => new Secret(token))
  .optional();

/** One per site. */
export const workerUrls = z.strictObject({ a: workerUrl, b: workerUrl });

/**
 * Ids of the two Kafka clusters, so that a cluster that was made anew is noticed: it has forgotten what was declared.
 */
export const clusterIds = z.strictObject({ a: z.string().min(1), b: z.string().min(1) }).optional();
