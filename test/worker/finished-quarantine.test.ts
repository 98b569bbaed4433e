import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Manifest, manifestFormat } from '../../src/quarantine/manifest.ts';
import { QuarantineWriter } from '../../src/quarantine/quarantine-writer.ts';
import { planHash } from '../../src/worker/rebuild/plan-hash.ts';
import { finishedQuarantine } from '../../src/worker/rebuild/write-quarantine.ts';
import { recordAt } from './rebuild-stubs.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-finished-'));
});
afterEach(() => rm(folder, { recursive: true }));

const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const nothing = {
  batches: 0,
  records: 0,
  recordsOnlyHere: 0,
  bytes: 0,
  sha256: emptySha256,
  ...{ recordsUnexplained: 0, unexplainedSha256: emptySha256 },
};
const ids = { topic: 'a_orders', link: 'a-b', copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's' };

/** A quarantine without a batch that declares this plan. */
async function write(name: string, hash: string): Promise<void> {
  const manifest: Manifest = {
    ...{ format: manifestFormat, umbra: '0.1.0', reason: 'rebuild', pair: 'test', ...ids },
    ...{ planHash: hash, startedAt: '2026-01-02T03:04:05.000Z', cutAt: '2026-01-02T03:04:05.000Z' },
    ...{ faults: [], groupPositions: [] },
    partitions: [{ partition: 0, copyStart: '0', copyEnd: '5', forkOffset: '3', ...nothing }],
  };
  const writer = await QuarantineWriter.create(folder, name);
  await writer.finish(manifest);
}

test('a quarantine is taken for the confirmed one by what it holds, not by the plan it names', async () => {
  const right = planHash({ ...ids, partitions: [{ partition: 0, forkOffset: '3', quarantined: nothing }] });
  const other = planHash({ ...ids, partitions: [{ partition: 0, forkOffset: '2', quarantined: nothing }] });
  const record = (planned: string) => recordAt({ kind: 'quarantining' }, { folder, planHash: planned });
  const { name } = record(right);
  await write(name, right);
  expect(await finishedQuarantine(record(right))).toMatchObject({ manifest: { planHash: right } });
  await rm(join(folder, name), { recursive: true });
  await write(name, other);
  await expect(finishedQuarantine(record(other))).rejects.toThrow('that of another rebuild');
});
