import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from '../../src/local/child-environment.ts';
import { loggingFlags } from '../../src/local/broker-logging.ts';
import { logTail } from '../../src/local/log-tail.ts';
import { launchProcess, stopProcess } from '../../src/local/managed-process.ts';
import { writePrivateFile } from '../../src/local/private-file.ts';
import { javaTool } from '../../tools/java-client.ts';
import { type MoveJob, type RunningMover } from '../mover.ts';
import { deleteTopics, openCluster, topicNames } from '../topics.ts';
import {
  mirrorMakerAliases,
  mirrorMakerJvm,
  renderMirrorMaker,
  renderMirrorMakerLogging,
} from './mirror-maker-config.ts';
import { ineffectiveSettings } from './mirror-maker-effect.ts';

/** What it is given to end well; its positions are not used again. */
const stopBounds = { graceMs: 15_000, killMs: 10_000 };
const logLines = 25;

export interface MirrorMakerPlace {
  readonly folder: string;
  /** Folder with the jars of MirrorMaker 2. */
  readonly libs: string;
  readonly kafkaVersion: string;
  readonly signal: AbortSignal;
}

/** Starts MirrorMaker 2 in dedicated mode, with one direction. Ready when it copies: it does not say when that is. */
export async function startMirrorMaker(job: MoveJob, place: MirrorMakerPlace): Promise<RunningMover> {
  const name = join(place.folder, `mirror-maker-${job.runId}`);
  const files = { pidFile: `${name}.pid`, logFile: `${name}.log` };
  await writePrivateFile(`${name}.properties`, renderMirrorMaker(job));
  await writePrivateFile(`${name}-log.properties`, renderMirrorMakerLogging());
  const { pid } = await launchProcess({
    command: javaTool('java', process.env),
    args: [
      ...mirrorMakerJvm,
      ...loggingFlags(place.kafkaVersion, `${name}-log.properties`),
      '-cp',
      join(place.libs, '*'),
      'org.apache.kafka.connect.mirror.MirrorMaker',
      `${name}.properties`,
    ],
    cwd: place.folder,
    env: childEnvironment(process.env),
    files,
  });
  return {
    pid,
    mark: () => Promise.resolve(),
    inside: () => Promise.resolve(undefined),
    async checkItself() {
      const wrong = ineffectiveSettings(await readFile(files.logFile, 'utf8'), job);
      if (wrong.length > 0) throw new Error(`MirrorMaker 2 ran with other settings: ${wrong.join('; ')}`);
    },
    logTail: async () => (await logTail(files.logFile, logLines)).join('\n'),
    async stop() {
      // Not the run's own signal: what was started is ended also when the run was interrupted.
      await stopProcess(files, stopBounds, AbortSignal.timeout(60_000));
      await forgetPositions(job);
    },
  };
}

/**
 * MirrorMaker 2 keeps positions and configs in topics of its own: a later run that found them would copy nothing into a
 * topic that was made anew, without a word.
 */
async function forgetPositions(job: MoveJob): Promise<void> {
  const names = mirrorMakerAliases(job.runId);
  for (const side of [job.source, job.target]) {
    const cluster = openCluster('a cluster of the benchmark', side);
    try {
      const own = (await topicNames(cluster)).filter(
        (topic) => topic.includes(names.source) || topic.includes(names.target),
      );
      await deleteTopics(cluster, own);
    } finally {
      await cluster.close();
    }
  }
}
