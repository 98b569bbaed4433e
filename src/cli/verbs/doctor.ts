import { dirname, resolve } from 'node:path';
import { problems, Problem } from '../../worker/problems.ts';
import type { Finding } from '../../worker/finding.ts';
import { knownWorkers } from '../discovery.ts';
import { doctorReportSchema, hasErrors, renderFindings } from '../findings-text.ts';
import { pairConfigs } from '../pair-config.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

/** Looks at everything the pair stands on, worker alive or not, and names the next step for whatever is wrong. */
export const doctor: Verb = {
  name: 'doctor',
  summary: 'check processes, workers, connections, rights, configs and clocks; each finding with a remedy',
  declare: (command) => command.option('--config <FILE>', 'worker file that says where the clusters are'),
  run: async (context, _args, { config: given }) => {
    const file = typeof given === 'string' ? given : undefined;
    const [{ config }] = await pairConfigs(file, context.io.cwd);
    const { diagnose } = await import('../../worker/doctor.ts');
    const { localFindings } = await import('../local-findings.ts');
    const parts = await Promise.all([
      localFindings(file === undefined ? context.io.cwd : dirname(resolve(context.io.cwd, file)), context.signal),
      file === undefined || context.options.api.length > 0 ? workerFindings(context) : [],
      diagnose({ config, signal: context.signal }),
    ]);
    const findings = parts.flat();
    answer(context, doctorReportSchema.parse({ findings }), (colours) => renderFindings(findings, colours));
    return hasErrors(findings) ? problems.FINDINGS.exit : 0;
  },
};

/** One finding per worker: does its API answer, is it ready. */
async function workerFindings(context: VerbContext): Promise<readonly Finding[]> {
  const workers = await knownWorkers(context.options, context.io.cwd);
  return Promise.all(
    workers.map(async (worker): Promise<Finding> => {
      const about = { ...(worker.site === undefined ? {} : { site: worker.site }), subject: 'worker' };
      const { url } = worker.client;
      try {
        const { ready, reason } = await worker.client.ready(context.signal);
        if (ready) return { ...about, level: 'ok', message: `${url} is ready` };
        const remedy = problems.NOT_READY.remedy;
        return { ...about, level: 'warn', message: `${url} is not ready: ${reason}`, remedy };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return { ...about, level: 'error', message: error.message, remedy: remedyOf(error) };
      }
    }),
  );
}

/** The table sends people here; from here on there is only starting it. */
function remedyOf(problem: Problem): string {
  return problem.code === 'UNREACHABLE'
    ? '"npx umbra local start" or "npm run up" starts what has stopped.'
    : problem.remedy;
}
