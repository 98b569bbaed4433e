import { describe, expect, test } from 'vitest';
import type { ManifestPartition } from '../../src/quarantine/manifest.ts';
import { checkSourceKept } from '../../src/worker/rebuild/source-kept.ts';
import { Stopped } from '../../src/worker/rebuild/stopped.ts';

const never = new AbortController().signal;

const compared: ManifestPartition = {
  ...{ partition: 0, copyStart: '0', copyEnd: '1000', sourceStart: '0', sourceEnd: '1000', sourceEpoch: 4 },
  ...{ batches: 0, records: 0, recordsOnlyHere: 0, bytes: 0, sha256: '00'.repeat(32) },
  ...{ recordsUnexplained: 0, unexplainedSha256: '00'.repeat(32) },
};

/** A leader's history: where each epoch began, and the log's end. Answers as brokers do (OffsetForLeaderEpoch). */
function source(epochs: readonly (readonly [epoch: number, start: bigint])[], end: bigint) {
  return {
    epochEnd: (_of: unknown, asked: number): Promise<bigint> =>
      Promise.resolve(epochs.find(([epoch]) => epoch > asked)?.[1] ?? end),
  };
}

const check = (epochs: Parameters<typeof source>[0], end: bigint, partition = compared): Promise<void> =>
  checkSourceKept(source(epochs, end), { topic: 'a_t', partitions: [partition] }, never);

describe('before a copy is deleted', () => {
  test('a source that was cut and grew again since it was read stops the deletion', async () => {
    const cut = check([[4, 0n], [5, 900n]], 1_100n); // prettier-ignore
    await expect(cut).rejects.toThrow(Stopped);
    await expect(cut).rejects.toThrow('lost what it had from offset 900 on');
  });

  test('a source whose history is another one altogether does too', async () => {
    await expect(check([[6, 0n]], 5_000n)).rejects.toThrow('lost what it had from offset 0 on');
  });

  test('a source that went on, also under other leaders, does not', async () => {
    await check([[4, 0n]], 1_000n);
    await check([[4, 0n], [5, 1_003n], [9, 2_000n]], 2_500n); // prettier-ignore
  });

  test('nor does a partition of which nothing was at the source', async () => {
    await check([], 0n, { ...compared, sourceEnd: '0' });
    const { sourceStart: _start, sourceEnd: _end, sourceEpoch: _epoch, ...alone } = compared;
    await check([], 0n, alone);
  });

  test('a source that cannot tell stops it', async () => {
    await expect(check([], -1n)).rejects.toThrow('cannot show');
  });
});
