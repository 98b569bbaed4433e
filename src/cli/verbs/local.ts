import { z } from 'zod';
import { parseInput } from '../../api/input.ts';
import { Problem } from '../../worker/problems.ts';
import { projectFolder } from '../discovery.ts';
import { localReportSchema, localRows, renderLocal } from '../local-rows.ts';
import { printable } from '../printable.ts';
import { answer, type Verb } from '../verb.ts';

const actionSchema = z.enum(['ps', 'start', 'stop']);

/** Brokers and workers that umbra keeps on this machine; after `start` and `stop` too it shows what runs now. */
export const local: Verb = {
  name: 'local',
  summary: 'brokers and workers on this machine: list them (ps), start what does not run, stop them; data is kept',
  parameters: '[ACTION] [NAME...]',
  endsItself: true,
  run: async (context, [given, named]) => {
    const action = parseInput(actionSchema, given ?? 'ps', 'ACTION');
    const names = Array.isArray(named) ? named.map(String) : [];
    const root = await projectFolder(context.io.cwd);
    if (root === undefined) {
      throw new Problem(
        'NO_PAIR',
        `nothing is set up here: there is no .umbra folder in ${context.io.cwd} or above it`,
      );
    }
    const options = {
      signal: context.signal,
      onProgress: (line: string) => {
        context.io.err(printable(line));
      },
    };
    // Loaded here: it brings the client of Kafka, and the verbs that only ask a worker do without it.
    const { listLocal } = await import('../../local/registry.ts');
    const { selectThings, startThings, stopThings } = await import('../local-power.ts');
    const chosen = selectThings(await listLocal(root, options), names);
    if (action === 'start') await startThings(chosen, options);
    if (action === 'stop') await stopThings(chosen, options);
    const processes = localRows(selectThings(await listLocal(root, options), names));
    answer(context, localReportSchema.parse({ processes }), (colours) => renderLocal(processes, colours));
    return 0;
  },
};
