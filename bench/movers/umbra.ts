import { join } from 'node:path';
import { writePrivateJson } from '../../src/local/private-file.ts';
import { type InsideView, type MoveJob, type RunningMover } from '../mover.ts';
import { startChild } from './child.ts';
import { umbraAnswerSchema, type UmbraJob } from './umbra-messages.ts';

/** Starts our core as a process of its own. With `profileFolder` it leaves a CPU profile of the measured time there when it is stopped. */
export async function startUmbra(
  { source, target, topics, runId }: MoveJob,
  at: { readonly folder: string; readonly profileFolder: string | undefined },
): Promise<RunningMover> {
  const { profileFolder } = at;
  const profile = profileFolder === undefined ? {} : { profileFile: join(profileFolder, `${runId}.cpuprofile`) };
  const job: UmbraJob = { source, target, topics: [...topics], runId, ...profile };
  const jobFile = join(at.folder, `umbra-${runId}.json`);
  await writePrivateJson(jobFile, job);
  const child = await startChild('umbra-process.ts', jobFile);
  const ask = async (kind: 'mark' | 'report'): Promise<InsideView & { readonly state: string }> => {
    const { problems, ...view } = await child.ask({ kind }, umbraAnswerSchema);
    if (problems.length > 0) throw new Error(`umbra gave up:\n${problems.slice(0, 5).join('\n')}`);
    return view;
  };
  return {
    pid: child.pid,
    mark: async () => {
      await ask('mark');
    },
    inside: async () => ask('report'),
    checkItself: async () => {
      await ask('report');
    },
    logTail: async () => `partitions are ${(await ask('report')).state}\n${child.errors()}`,
    stop: () => child.stop(),
  };
}
