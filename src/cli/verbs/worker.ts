import { stat } from 'node:fs/promises';
import { destination, pino, stdTimeFunctions, type Logger } from 'pino';
import { problems } from '../../worker/problems.ts';
import type { WorkerConfig } from '../../worker/worker-config.ts';
import { printableJson } from '../printable.ts';
import { configSource } from '../config-text.ts';
import { quarantineFolderFor } from '../quarantine-folder.ts';
import type { Verb } from '../verb.ts';
import { neededSource, readWorkerConfig } from '../worker-file.ts';

const stopMs = 20_000;

/** The worker itself: runs until SIGTERM or SIGINT. Logs as JSON lines on stderr, one line on stdout: where it listens. */
export const worker: Verb = {
  name: 'worker',
  summary: 'run the worker of one site in this process until it is asked to stop',
  declare: (command) =>
    command
      .option('--config <FILE>', 'JSON file with clusters, site and API address')
      .option('--config-env <NAME>', 'environment variable that holds the same JSON'),
  endsItself: true,
  run: async (context, _args, options) => {
    const source = neededSource(configSource(options));
    const read = await readWorkerConfig(source, context.io.env);
    const config = { ...read, quarantineFolder: quarantineFolderFor(source, read, context.io.env) };
    const logger = createLogger(config);
    if (source.kind === 'file') await warnIfReadable(source.file, logger);
    exitOnBugs(logger);
    const { startWorker } = await import('../../worker/start.ts');
    const { runWorkerProcess } = await import('../worker-process.ts');
    await runWorkerProcess({
      config,
      logger,
      startWorker,
      signal: context.signal,
      stopMs,
      onListening: (url) => {
        const line = `umbra worker of site ${config.site}, pair ${config.pair}, listens on ${url}`;
        context.io.out(context.options.json === true ? printableJson({ listening: url }) : line);
      },
    });
    return 0;
  },
};

/** Synchronous: the last lines before an end are the ones that matter. */
function createLogger({ pair, site, logLevel }: WorkerConfig): Logger {
  const base = { pair, site, pid: process.pid };
  return pino({ level: logLevel, base, timestamp: stdTimeFunctions.isoTime }, destination({ dest: 2, sync: true }));
}

/** The file holds passwords. */
async function warnIfReadable(file: string, logger: Logger): Promise<void> {
  const mode = (await stat(file)).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    logger.warn({ file, mode: mode.toString(8) }, 'the worker file is open to other users: chmod 600');
  }
}

/** After an error nobody caught nothing is certain any more; whoever started the worker starts it again. */
function exitOnBugs(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught');
    process.exit(problems.INTERNAL.exit);
  });
}
