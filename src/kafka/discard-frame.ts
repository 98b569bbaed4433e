/** Smaller ones are collected soon enough. */
const worthwhileBytes = 256 * 1024;

/**
 * Gives the memory of an answer back that did not come from a pool, now and not at some collection: a few batches of
 * 16 MiB compared one after the other would otherwise stand in memory all at once. Its bytes are gone; nobody may look
 * at them any more.
 */
export function discardFrame({ buffer, byteLength }: Buffer): void {
  const alone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (alone && byteLength >= worthwhileBytes) buffer.transfer(0);
}
