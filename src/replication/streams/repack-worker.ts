import { parentPort } from 'node:worker_threads';
import { uncompressedBytesMax } from '../batches/compression.ts';
import { type RepackJob, repackOutcome } from './repack-outcome.ts';

/**
 * The thread in which large batches are taken apart (started by repack-thread.ts): one job in, one outcome out, in
 * order. It loads nothing that it does not need, for each thread loads its own. Memory of the outcome is handed over.
 */
const batchesMax = 1_000;

parentPort?.on('message', ({ batch, from }: { readonly batch: Uint8Array; readonly from: bigint }) => {
  const job: RepackJob = { batch: Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength), from };
  const outcome = repackOutcome(job, { uncompressedBytesMax, batchesMax });
  parentPort?.postMessage(outcome, outcome.kind === 'repacked' ? ownMemory(outcome.bytes) : []);
});

/** Small buffers share a block of Node's, which cannot be handed over. */
function ownMemory({ buffer, byteLength }: Buffer): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
