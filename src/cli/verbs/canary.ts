import { dirname, resolve } from 'node:path';
import { destination, pino, stdTimeFunctions } from 'pino';
import { z } from 'zod';
import { createApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import { Problem } from '../../worker/problems.ts';
import { observerConfigSchema } from '../../canary/observer-config.ts';
import { readConfigJson } from '../config-text.ts';
import { readToken } from '../discovery.ts';
import { printable, printableJson } from '../printable.ts';
import { type Verb, type VerbContext } from '../verb.ts';

const actionSchema = z.enum(['run']);
const secondsSchema = z.coerce.number().min(1).max(31_536_000).optional();

const askMs = 2_000;
const summaryMs = 10_000;

/** An observer outside of both sites: an ordinary application that writes and reads canary topics until it is asked to stop. */
export const canary: Verb = {
  name: 'canary',
  summary: 'write and read canary topics from here as an ordinary application, and keep a ledger of what it was told',
  parameters: '<ACTION>',
  declare: (command) =>
    command
      .option('--config <FILE>', 'JSON file with clusters, workers and ledger folder')
      .option('--seconds <N>', 'end after so long'),
  endsItself: true,
  run: async (context, [given], options) => {
    parseInput(actionSchema, given, 'ACTION');
    const seconds = parseInput(secondsSchema, options['seconds'], '--seconds');
    const { config, workers } = await readConfig(context, options['config']);
    const stopping = seconds === undefined ? [] : [AbortSignal.timeout(seconds * 1_000)];
    const { runCanaryProcess } = await import('../canary-process.ts');
    const { renderCanarySummary } = await import('../canary-text.ts');
    const base = { pair: config.pair, vantage: config.vantage };
    await runCanaryProcess({
      ...{ config, workers, summaryMs, signal: AbortSignal.any([context.signal, ...stopping]) },
      logger: pino({ base, timestamp: stdTimeFunctions.isoTime }, destination({ dest: 2, sync: true })),
      onSummary: (summary) => {
        if (context.options.json === true) context.io.out(printableJson(summary));
        else for (const line of renderCanarySummary(summary).split('\n')) context.io.out(printable(line));
      },
    });
    return 0;
  },
};

async function readConfig(
  { io }: VerbContext,
  given: unknown,
): Promise<{
  readonly config: z.output<typeof observerConfigSchema>;
  readonly workers: readonly ReturnType<typeof createApiClient>[];
}> {
  if (typeof given !== 'string') throw new Problem('INVALID_INPUT', 'give --config FILE (docs/canaries.md)');
  const file = resolve(io.cwd, given);
  const config = parseInput(observerConfigSchema, await readConfigJson({ kind: 'file', file }, {}), `${file}: config`);
  const beside = (path: string): string => resolve(dirname(file), path);
  const token = config.tokenFile === undefined ? undefined : await readToken(beside(config.tokenFile));
  const workers = config.workers.map((url) => createApiClient({ url, token, timeoutMs: askMs }));
  return { config: { ...config, ledgerFolder: beside(config.ledgerFolder) }, workers };
}
