import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { parseInput } from '../../api/input.ts';
import { problems } from '../../worker/problems.ts';
import { askWorkers } from '../ask-workers.ts';
import { knownWorkers } from '../discovery.ts';
import { statusReport, type StatusReport, statusReportSchema } from '../pair-status.ts';
import { renderStatus } from '../status-text.ts';
import { frame } from '../frame.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

/** Asks all workers and shows the pair as one: both links, every topic, what is wrong, who does not answer. */
export const status: Verb = {
  name: 'status',
  summary: 'show both links and every topic: state, lag with the age of its sample, violations',
  declare: (command) =>
    command.option('--watch [SECONDS]', 'look again and again, every 2 seconds or so many, until Ctrl-C'),
  run: async (context, _args, { watch }) => {
    if (watch === undefined) return showOnce(context);
    return watchStatus(context, intervalOf(watch));
  },
};

/** One look at all workers, the sum of it, and the exit code that goes with it. */
async function look(context: VerbContext): Promise<{ readonly report: StatusReport; readonly exit: number }> {
  const workers = await knownWorkers(context.options, context.io.cwd);
  const report = statusReport(await askWorkers(workers, context.signal));
  const workersReady = report.pairs.every((pair) => pair.workers.every((worker) => worker.state === 'ready'));
  return { report, exit: workersReady ? 0 : problems.NOT_READY.exit };
}

async function showOnce(context: VerbContext): Promise<number> {
  const { report, exit } = await look(context);
  answer(context, statusReportSchema.parse(report), (colours) => renderStatus(report, colours));
  return exit;
}

/** In place on a terminal; elsewhere one after the other, so that it can be kept. Ends with the signal only. */
async function watchStatus(context: VerbContext, intervalMs: number): Promise<number> {
  const { io, signal, options } = context;
  const { screen } = io;
  for (let first = true; ; first = false) {
    const { report } = await look(context);
    if (screen === undefined || options.json === true) {
      answer(context, statusReportSchema.parse(report), (colours) => `${renderStatus(report, colours)}\n`);
    } else {
      screen.write(frame(renderStatus(report, context.colours), { rows: screen.rows(), first }));
    }
    await sleep(intervalMs, undefined, { signal });
  }
}

/** A look asks every worker: more often is no help to a person. */
const secondsSchema = z.coerce.number().min(1).max(3_600);
const secondsDefault = 2;

function intervalOf(watch: unknown): number {
  return (watch === true ? secondsDefault : parseInput(secondsSchema, watch, 'option --watch')) * 1_000;
}
