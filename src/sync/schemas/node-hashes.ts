import { createHash } from 'node:crypto';
import type { Hashes } from '../../schema-primary/schema-digest.ts';

/** MD5 is how registries name schemas, not a protection. */
export const nodeHashes: Hashes = {
  sha256: (text) => createHash('sha256').update(text).digest('hex'),
  md5: (bytes) => createHash('md5').update(bytes).digest('hex'),
};
