import { z } from 'zod';
import { siteIdSchema } from '../pair/site.ts';
import { pairNameSchema } from '../pair/spec.ts';
import { aclsAnswerSchema } from '../worker/acl-view.ts';
import { channelViewSchema, judgedSpecSchema } from '../worker/spec-channel-view.ts';
import { pairViewSchema, topicViewSchema } from '../worker/views.ts';
import { siteSpecSchema } from './spec-document.ts';

/** What the worker that leads a site tells of it: what became of the declaration, and how the site is. */
export const statusDocumentSchema = z.object({
  version: z.literal(1),
  pair: pairNameSchema,
  site: siteIdSchema,
  writtenAt: z.iso.datetime(),
  channel: channelViewSchema,
  /** How far its writer had read what is written down at the site: an offset. */
  knownTo: z.string().regex(/^\d+$/),
  /** The newest revision that was judged; absent before the first. */
  judged: judgedSpecSchema.optional(),
  /** What is in force at the site, however it came; the schema primary as it was declared, for it is a role. */
  spec: siteSpecSchema,
  view: pairViewSchema,
  topics: z.array(topicViewSchema.pick({ name: true, link: true, state: true })),
  /** Topics that are not primary at home. */
  moved: z.array(z.string()),
  acls: aclsAnswerSchema,
});

export type StatusDocument = z.output<typeof statusDocumentSchema>;

/** The newest status is never older than this while a worker leads the site. */
export const statusEveryMs = 60_000;

/** Pure: undefined for what another version wrote, or somebody else. */
export function parseStatusDocument(text: string): StatusDocument | undefined {
  try {
    return statusDocumentSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Pure: whether people would want to know that one followed the other. Figures that change all the time (lag, exposure,
 * ages) do not count; they are as old as the status.
 */
export function differs(before: StatusDocument | undefined, now: StatusDocument): boolean {
  return before === undefined || essence(before) !== essence(now);
}

function essence({ channel, judged, spec, view, topics, moved }: StatusDocument): string {
  const links = view.links.map(({ id, state, fence, problem }) => ({ id, state, fence, problem }));
  const { violations } = view;
  return JSON.stringify({ channel, judged, spec, links, violations, topics, moved });
}
