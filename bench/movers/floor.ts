import { z } from 'zod';
import { withClosing } from '../closing.ts';
import { startChild } from './child.ts';

export interface Floor {
  readonly pid: number;
  /** Bytes moved since the start. */
  moved(): Promise<number>;
  stop(): Promise<void>;
}

const portsSchema = z.strictObject({ ports: z.tuple([z.int(), z.int()]) });
const movedSchema = z.strictObject({ moved: z.int() });

/** Starts the floor between two ends of its own, which are a process beside it; it moves bytes until it is stopped. */
export async function startFloor(): Promise<Floor> {
  const ends = await startChild('floor-ends-process.ts', '');
  try {
    const { ports } = await ends.ask({}, portsSchema);
    const floor = await startChild('floor-process.ts', ports.join(','));
    return {
      pid: floor.pid,
      moved: async () => (await floor.ask({}, movedSchema)).moved,
      stop: async () =>
        withClosing((later) => {
          for (const each of [ends, floor]) later(() => each.stop());
          return Promise.resolve();
        }),
    };
  } catch (error) {
    await ends.stop();
    throw error;
  }
}
