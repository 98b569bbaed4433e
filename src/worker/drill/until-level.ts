import { Wakeup } from '../../replication/waiting/wakeup.ts';
import { Problem } from '../problems.ts';

const patienceMs = 15_000;
const againMs = 200;

/** What a drill has let go of is a copy again a moment later: until then nothing can be begun with it. */
export async function untilLevel<T>(begin: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const pause = new Wakeup();
  for (const untilMs = performance.now() + patienceMs; ;) {
    try {
      return await begin();
    } catch (error) {
      const passes = error instanceof Problem && (error.code === 'MOVE_REFUSED' || error.code === 'PLAN_CHANGED');
      if (!passes || performance.now() > untilMs) throw error;
    }
    await pause.wait(signal, againMs);
    signal.throwIfAborted();
  }
}
