import { z } from 'zod';
import { linkSchemasViewSchema } from '../../worker/sync-views.ts';
import { problems } from '../../worker/problems.ts';
import { askLinks } from '../ask-links.ts';
import { knownWorkers } from '../discovery.ts';
import { workerRowSchema } from '../pair-status.ts';
import { workersPart } from '../status-text.ts';
import { renderSchemas } from '../sync-text.ts';
import { answer, type Verb } from '../verb.ts';

/** The shape of `umbra schemas --json`. */
export const schemasReportSchema = z.strictObject({
  links: z.array(linkSchemasViewSchema),
  /** Workers that gave no usable answer: their links are missing above. */
  silent: z.array(workerRowSchema),
});

/** Both logs of the schema registries. */
export const schemas: Verb = {
  name: 'schemas',
  summary: 'compare the schemas of both sites: verdict, ids, gaps, every difference',
  run: async (context) => {
    const workers = await knownWorkers(context.options, context.io.cwd);
    const said = await askLinks(workers, (client) => client.schemas(context.signal));
    answer(context, schemasReportSchema.parse(said), (colours) =>
      [
        renderSchemas(said.links, colours),
        ...(said.silent.length === 0 ? [] : ['', workersPart(said.silent, colours)]),
      ].join('\n'),
    );
    return said.silent.length === 0 ? 0 : problems.UNREACHABLE.exit;
  },
};
