import { z } from 'zod';
import { siteIdSchema } from '../../pair/site.ts';
import { type AclsView, applicationsViewSchema, linkAclsViewSchema } from '../../worker/acl-view.ts';
import { problems } from '../../worker/problems.ts';
import { renderAcls } from '../acls-text.ts';
import { askLinks } from '../ask-links.ts';
import { knownWorkers } from '../discovery.ts';
import { workerRowSchema } from '../pair-status.ts';
import { workersPart } from '../status-text.ts';
import { answer, type Verb } from '../verb.ts';

/** The shape of `umbra acls --json`. */
export const aclsReportSchema = z.strictObject({
  links: z.array(linkAclsViewSchema),
  /** What the prefix policy grants to applications, by site. */
  sites: z.array(z.strictObject({ site: siteIdSchema, applications: applicationsViewSchema })),
  /** Workers that gave no usable answer: their links are missing above. */
  silent: z.array(workerRowSchema),
});

/** Who may write the copies, and what becomes of the source's ACLs. */
export const acls: Verb = {
  name: 'acls',
  summary: 'show who may write the copies, and the ACLs synced, withheld, foreign, refused',
  run: async (context) => {
    const workers = await knownWorkers(context.options, context.io.cwd);
    const sites = new Map<'a' | 'b', AclsView['applications']>();
    const said = await askLinks(workers, async (client) => {
      const { links, applications } = await client.acls(context.signal);
      // The link that ends at a site is that site's.
      for (const { link } of links) sites.set(link.endsWith('a') ? 'a' : 'b', applications);
      return links;
    });
    const bySite = [...sites].sort(([left], [right]) => (left < right ? -1 : 1));
    const report = aclsReportSchema.parse({
      ...said,
      sites: bySite.map(([site, applications]) => ({ site, applications })),
    });
    answer(context, report, (colours) =>
      [renderAcls(report, colours), ...(said.silent.length === 0 ? [] : ['', workersPart(said.silent, colours)])].join(
        '\n',
      ),
    );
    return said.silent.length === 0 ? 0 : problems.UNREACHABLE.exit;
  },
};
