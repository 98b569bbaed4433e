import { z } from 'zod';
import { linkConfigsViewSchema } from '../../worker/sync-views.ts';
import { problems } from '../../worker/problems.ts';
import { askLinks } from '../ask-links.ts';
import { knownWorkers } from '../discovery.ts';
import { workerRowSchema } from '../pair-status.ts';
import { workersPart } from '../status-text.ts';
import { renderConfigs } from '../sync-text.ts';
import { answer, type Verb } from '../verb.ts';

/** The shape of `umbra configs --json`. */
export const configsReportSchema = z.strictObject({
  links: z.array(linkConfigsViewSchema),
  /** Workers that gave no usable answer: their links are missing above. */
  silent: z.array(workerRowSchema),
});

/** The configs of the copies. */
export const configs: Verb = {
  name: 'configs',
  summary: "show what of the topics' configs is not level at the copies, and what was put back",
  run: async (context) => {
    const workers = await knownWorkers(context.options, context.io.cwd);
    const said = await askLinks(workers, (client) => client.configs(context.signal));
    answer(context, configsReportSchema.parse(said), (colours) =>
      [
        renderConfigs(said.links, colours),
        ...(said.silent.length === 0 ? [] : ['', workersPart(said.silent, colours)]),
      ].join('\n'),
    );
    return said.silent.length === 0 ? 0 : problems.UNREACHABLE.exit;
  },
};
