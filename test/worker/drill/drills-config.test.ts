import { expect, test } from 'vitest';
import { drillsConfigSchema } from '../../../src/worker/drill/drills-config.ts';

const keyFile = '/srv/umbra/evidence.key';
const s3 = { bucket: 'drills', region: 'eu-west-1' };

test.each([
  ['a folder', { folder: '/srv/umbra/evidence', keyFile }, true],
  ['a bucket', { s3, keyFile }, true],
  ['neither', { keyFile }, false],
  ['both', { folder: '/srv/umbra/evidence', s3, keyFile }, false],
])('evidence has one place: %s', (_what, evidence, taken) => {
  const parsed = drillsConfigSchema.safeParse({ evidence });
  expect(parsed.success).toBe(taken);
  if (!taken) expect(parsed.error?.issues[0]?.message).toBe('needs one place: either "folder" or "s3"');
});
