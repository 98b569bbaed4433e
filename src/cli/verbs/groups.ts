import { z } from 'zod';
import { linkGroupsViewSchema } from '../../worker/sync-views.ts';
import { problems } from '../../worker/problems.ts';
import { askLinks } from '../ask-links.ts';
import { knownWorkers } from '../discovery.ts';
import { workerRowSchema } from '../pair-status.ts';
import { workersPart } from '../status-text.ts';
import { renderGroups } from '../sync-text.ts';
import { answer, type Verb } from '../verb.ts';

/** The shape of `umbra groups --json`. */
export const groupsReportSchema = z.strictObject({
  links: z.array(linkGroupsViewSchema),
  /** Workers that gave no usable answer: their links are missing above. */
  silent: z.array(workerRowSchema),
});

/** The positions of consumer groups at the standby. */
export const groups: Verb = {
  name: 'groups',
  summary: 'list the consumer groups of each link: state, positions held back, age',
  run: async (context) => {
    const workers = await knownWorkers(context.options, context.io.cwd);
    const said = await askLinks(workers, (client) => client.groups(context.signal));
    answer(context, groupsReportSchema.parse(said), (colours) =>
      [
        renderGroups(said.links, colours),
        ...(said.silent.length === 0 ? [] : ['', workersPart(said.silent, colours)]),
      ].join('\n'),
    );
    return said.silent.length === 0 ? 0 : problems.UNREACHABLE.exit;
  },
};
