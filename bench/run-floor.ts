import { waitUntil } from '../src/local/bounded-wait.ts';
import { type BenchContext } from './bench-context.ts';
import { withClosing } from './closing.ts';
import { markOf, runOf } from './measured-time.ts';
import { type Floor, startFloor } from './movers/floor.ts';
import { type Run } from './results.ts';

/** Enough for half a second of CPU: less is a few ticks of the clock that counts it. */
const bytesMin = 3 * 2 ** 30;
const warmUpBytes = 2 ** 29;
const floorTimeoutMs = 120_000;
const lookEveryMs = 25;

/** What it costs to move as many bytes as the log has (and never so few that it cannot be told). */
export async function runFloor(logBytes: number, { signal }: BenchContext): Promise<Run> {
  const startedAtMs = performance.now();
  return withClosing(async (later) => {
    const floor = await startFloor();
    later(() => floor.stop());
    const from = await movedTo(floor, warmUpBytes, signal);
    const begin = await markOf(floor.pid);
    const bytes = (await movedTo(floor, from + Math.max(logBytes, bytesMin), signal)) - from;
    const end = await markOf(floor.pid);
    return runOf({ startedAtMs, begin, end, inside: undefined }, { bytes, offsets: 0 });
  });
}

/** Looks now and then: every question costs the floor CPU that is counted. */
async function movedTo(floor: Floor, bytes: number, signal: AbortSignal): Promise<number> {
  let moved = 0;
  const enough = async (): Promise<boolean> => {
    moved = await floor.moved();
    return moved >= bytes;
  };
  if (await waitUntil(enough, { timeoutMs: floorTimeoutMs, intervalMs: lookEveryMs, signal })) return moved;
  throw new Error(`the floor moved ${moved} of ${bytes} bytes within ${floorTimeoutMs / 1000} s`);
}
