import { describe, expect, it } from 'vitest';
import { AdaptiveSize } from '../../../src/replication/streams/adaptive-size.ts';
import { retryDelays } from '../../../src/replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../../src/replication/waiting/wakeup.ts';

describe('pauses between retries', () => {
  it('double from 50 ms to 5 s, and never beyond', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 7, 8, 100, 1e9].map((failures) => retryDelays.after(failures));
    expect(delays).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
  });
});

describe('a wake-up', () => {
  const never = new AbortController().signal;

  it('ends a wait', async () => {
    const wakeup = new Wakeup();
    const waiting = wakeup.wait(never);
    wakeup.wake();
    await waiting;
  });

  it('between two waits is not lost, and counts once', async () => {
    const wakeup = new Wakeup();
    wakeup.wake();
    wakeup.wake();
    await wakeup.wait(never);
    let ended = false;
    const second = wakeup.wait(never).then(() => (ended = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    wakeup.wake();
    await second;
  });

  it('comes by itself after the time given', async () => {
    const startedMs = performance.now();
    await new Wakeup().wait(never, 20);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(18);
  });

  it('comes when the signal aborts, also when it has aborted before', async () => {
    const stopping = new AbortController();
    const wakeup = new Wakeup();
    const waiting = wakeup.wait(stopping.signal, 60_000);
    expect(hasAborted(stopping.signal)).toBe(false);
    stopping.abort();
    await waiting;
    await wakeup.wait(stopping.signal);
    expect(hasAborted(stopping.signal)).toBe(true);
  });
});

describe('the size of an exchange', () => {
  const KiB = 1024;

  it('halves with every failure down to 64 KiB and doubles with every success up to its bound', () => {
    const size = new AdaptiveSize(1000 * KiB);
    const seen = [size.bytes];
    for (const good of [false, false, false, false, false, false, true, true, true, true, true, true]) {
      if (good) size.succeeded();
      else size.failed();
      seen.push(size.bytes);
    }
    expect(seen.map((bytes) => bytes / KiB)).toEqual([
      1000, 500, 250, 125, 64, 64, 64, 128, 256, 512, 1000, 1000, 1000,
    ]);
  });

  it('never exceeds a bound below 64 KiB', () => {
    const size = new AdaptiveSize(1000);
    size.failed();
    expect(size.bytes).toBe(1000);
    size.succeeded();
    expect(size.bytes).toBe(1000);
  });

  it('is smaller after an exchange of tiny batches, and as large again after the next one without', () => {
    const size = new AdaptiveSize(4 * 1024 * KiB);
    size.succeeded(2_000_000, 20_000);
    expect(size.bytes).toBe(800_000);
    size.succeeded(800_000, 8_000);
    expect(size.bytes).toBe(800_000);
    size.succeeded(10, 10);
    expect(size.bytes).toBe(64 * KiB);
    size.succeeded(64 * KiB, 0);
    expect(size.bytes).toBe(4 * 1024 * KiB);
  });
});
