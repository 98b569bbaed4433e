import { type BenchContext } from './bench-context.ts';
import { type MoveJob, type MoverName, type RunningMover } from './mover.ts';
import { startMirrorMaker } from './movers/mirror-maker.ts';
import { startUmbra } from './movers/umbra.ts';
import { type Scenario } from './scenarios.ts';

/** Those that copy topics; the floor knows none. */
export type CopyingMover = Exclude<MoverName, 'floor'>;

let runs = 0;

/** What one run has to copy, under a name that no other run has. */
export function moveJob(scenario: Scenario, topics: readonly string[], context: BenchContext): MoveJob {
  runs += 1;
  const { compression, batchBytesMax, lingerMs } = scenario;
  return {
    source: context.source.config,
    target: context.target.config,
    topics,
    runId: `${scenario.name}-${process.pid}-${runs}`,
    ...{ compression, batchBytesMax, lingerMs },
  };
}

/** Starts one mover; with the job of an earlier one, ours goes on where that one ended. */
export async function startMover(name: CopyingMover, job: MoveJob, context: BenchContext): Promise<RunningMover> {
  const { folder, profileFolder, mirrorMaker, signal } = context;
  switch (name) {
    case 'umbra':
      return startUmbra(job, { folder, profileFolder });
    case 'mirror-maker':
      return startMirrorMaker(job, { folder, signal, ...mirrorMaker });
  }
}
