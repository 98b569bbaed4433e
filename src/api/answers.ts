import { z } from 'zod';
import { linkConfigsViewSchema, linkGroupsViewSchema, linkSchemasViewSchema } from '../worker/sync-views.ts';
import { linkViewSchema, topicViewSchema } from '../worker/views.ts';

/** What routes answer around the views: the server promises these shapes, the client parses by them. */
export const healthAnswer = z.strictObject({ healthy: z.literal(true) });
export const readyAnswer = z.strictObject({ ready: z.literal(true), reason: z.string() });
export const linksAnswer = z.strictObject({ links: z.array(linkViewSchema) });
export const topicsAnswer = z.strictObject({ topics: z.array(topicViewSchema) });
export const configsAnswer = z.strictObject({ links: z.array(linkConfigsViewSchema) });
export const groupsAnswer = z.strictObject({ links: z.array(linkGroupsViewSchema) });
export const schemasAnswer = z.strictObject({ links: z.array(linkSchemasViewSchema) });
