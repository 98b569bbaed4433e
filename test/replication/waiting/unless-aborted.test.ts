import { expect, test } from 'vitest';
import { unlessAborted } from '../../../src/replication/waiting/unless-aborted.ts';

const never = new Promise<never>(() => undefined);

test('work that does not end is left when the signal aborts, also when it has aborted before', async () => {
  const stopping = new AbortController();
  const waiting = unlessAborted(stopping.signal, never);
  stopping.abort();
  await expect(waiting).rejects.toThrow('aborted');
  await expect(unlessAborted(stopping.signal, never)).rejects.toThrow('aborted');
});

test('what ends by itself says what became of it', async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(signal, Promise.resolve(7))).toBe(7);
  await expect(unlessAborted(signal, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});

test('what fails when nobody waits any more is nobody’s unhandled rejection', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  await expect(unlessAborted(AbortSignal.abort(), promise)).rejects.toThrow('aborted');
  reject(new Error('much later'));
  // Rejections that nobody handles are told of between two turns.
  await new Promise(setImmediate);
});
