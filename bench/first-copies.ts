import { type BenchContext } from './bench-context.ts';
import { reach } from './measured-time.ts';
import { type RunningMover } from './mover.ts';
import { endOffsets } from './topics.ts';

/** Sends one record through every partition: from then on the mover copies, however long it took to start. */
export async function awaitFirstCopies(
  { topics, partitions }: { readonly topics: readonly string[]; readonly partitions: number },
  context: BenchContext,
  running: RunningMover,
): Promise<void> {
  const records = topics.length * partitions;
  const plan = { topics, partitions, records, valueBytes: 0, content: 'random', producer: {} } as const;
  await context.load.produce(context.source.config, plan);
  const progress = async (): Promise<number | undefined> => (await endOffsets(context.target.admin, topics))?.sum;
  await reach(records, progress, { mover: running, signal: context.signal });
}
