import { problems } from '../../worker/problems.ts';
import { askWorkers } from '../ask-workers.ts';
import { knownWorkers } from '../discovery.ts';
import { statusReport, statusReportSchema } from '../pair-status.ts';
import { renderStatus } from '../status-text.ts';
import { answer, type Verb } from '../verb.ts';

/** Asks all workers and shows the pair as one: both links, every topic, what is wrong, who does not answer. */
export const status: Verb = {
  name: 'status',
  summary: 'show both links and every topic: state, lag with the age of its sample, violations',
  run: async (context) => {
    const workers = await knownWorkers(context.options, context.io.cwd);
    const report = statusReport(await askWorkers(workers, context.signal));
    answer(context, statusReportSchema.parse(report), (colours) => renderStatus(report, colours));
    const workersReady = report.pairs.every((pair) => pair.workers.every((worker) => worker.state === 'ready'));
    return workersReady ? 0 : problems.NOT_READY.exit;
  },
};
