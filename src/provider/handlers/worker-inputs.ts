import { z } from 'zod';
import { Secret } from '../../worker/secret.ts';
import { workerFields } from '../resources/resource-fields.ts';

/** Base URL of a worker's API. */
export const workerUrl = z.url({ protocol: /^https?$/, error: 'must look like http://host:port' });

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
