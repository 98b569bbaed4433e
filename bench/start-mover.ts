import { type BenchContext } from './bench-context.ts';
import { type MoveJob, type MoverName, type RunningMover } from './mover.ts';
import { startMirrorMaker } from './movers/mirror-maker.ts';
import { startUmbra } from './movers/umbra.ts';
import { type Scenario } from './scenarios.ts';

/** Those that copy topics; the floor knows none. */
export type CopyingMover = Exclude<MoverName, 'floor'>;

let runs = 0;

/** Starts one mover for the topics of a scenario. */
export async function startMover(
  name: CopyingMover,
  scenario: Scenario,
  given: { readonly context: BenchContext; readonly topics: readonly string[] },
): Promise<RunningMover> {
  const { context, topics } = given;
  runs += 1;
  const job: MoveJob = {
    source: context.source.config,
    target: context.target.config,
    topics,
    runId: `${scenario.name}-${process.pid}-${runs}`,
    compression: scenario.compression,
    batchBytesMax: scenario.batchBytesMax,
    lingerMs: scenario.lingerMs,
  };
  const { folder, profileFolder, mirrorMaker, signal } = context;
  switch (name) {
    case 'umbra':
      return startUmbra(job, { folder, profileFolder });
    case 'mirror-maker':
      return startMirrorMaker(job, { folder, signal, ...mirrorMaker });
  }
}
