import { dirname, resolve } from 'node:path';
import { problems } from '../../worker/problems.ts';
import type { Finding } from '../../worker/finding.ts';
import { knownWorkers } from '../discovery.ts';
import { doctorReportSchema, hasErrors, renderFindings } from '../findings-text.ts';
import { pairConfigs } from '../pair-config.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';
import { version } from '../version.ts';

/** Looks at everything the pair stands on, worker alive or not, and names the next step for whatever is wrong. */
export const doctor: Verb = {
  name: 'doctor',
  summary: 'check processes, workers, connections, rights, configs and clocks; each finding with a remedy',
  declare: (command) => command.option('--config <FILE>', 'worker file that says where the clusters are'),
  run: async (context, _args, { config: given }) => {
    const file = typeof given === 'string' ? given : undefined;
    const configs = await pairConfigs(file, context.io.cwd);
    const [{ config }] = configs;
    const { diagnose } = await import('../../worker/doctor/diagnose.ts');
    const { localFindings } = await import('../local-findings.ts');
    const { quarantineFindings } = await import('../worker-findings.ts');
    const parts = await Promise.all([
      localFindings(file === undefined ? context.io.cwd : dirname(resolve(context.io.cwd, file)), context.signal),
      file === undefined || context.options.api.length > 0 ? workerFindings(context) : [],
      quarantineFindings(configs),
      diagnose({ config, signal: context.signal }),
    ]);
    const findings = parts.flat();
    answer(context, doctorReportSchema.parse({ findings }), (colours) => renderFindings(findings, colours));
    return hasErrors(findings) ? problems.FINDINGS.exit : 0;
  },
};

async function workerFindings(context: VerbContext): Promise<readonly Finding[]> {
  const { judgeWorkers, lookAtWorkers } = await import('../worker-findings.ts');
  const workers = await knownWorkers(context.options, context.io.cwd);
  return judgeWorkers(await lookAtWorkers(workers, context.signal), version());
}
