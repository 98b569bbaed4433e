import { z } from 'zod';
import type { GroupSyncView } from '../sync/groups/group-view.ts';
import { groupStates } from '../sync/groups/group-view.ts';
import type { SchemaSyncView } from '../sync/schemas/schema-view.ts';
import { configSyncViewSchema } from '../sync/topics/config-sync-view.ts';

/** What the API answers about what goes with the records. Offsets are decimal strings, times ISO 8601 in UTC. */
const isoTime = z.iso.datetime();
const age = z.number().min(0);
const offset = z.string().regex(/^\d+$/);

export const groupViewSchema = z.strictObject({
  group: z.string(),
  state: z.enum(groupStates as [(typeof groupStates)[number], ...(typeof groupStates)[number][]]),
  /** What and what to do; absent while nothing is wrong. */
  why: z.string().optional(),
  /** Positions of the source on topics that the link copies. */
  partitions: z.int().min(0),
  /** Positions that are held at the end of the copy. */
  clamped: z.array(
    z.strictObject({
      topic: z.string(),
      partition: z.int().min(0),
      sourceOffset: offset,
      copyEnd: offset.optional(),
    }),
  ),
  syncedAt: isoTime.optional(),
  stalenessSeconds: age.optional(),
});

export const linkGroupsViewSchema = z.strictObject({
  link: z.string(),
  groups: z.array(groupViewSchema),
  counts: z.record(z.string(), z.int().min(0)),
  /** Names at the source that belong to no site: not synced. */
  unowned: z.strictObject({ count: z.int().min(0), names: z.array(z.string()) }),
  readAt: isoTime.optional(),
  stalenessSeconds: age.optional(),
  levelAt: isoTime.optional(),
  /** Why removals are withheld. */
  withheld: z.string().optional(),
  trouble: z.strictObject({ at: isoTime, message: z.string() }).optional(),
});

export const linkConfigsViewSchema = configSyncViewSchema.extend({ link: z.string() });

export type LinkGroupsView = z.output<typeof linkGroupsViewSchema>;
export type LinkConfigsView = z.output<typeof linkConfigsViewSchema>;
export type LinkSchemasView = SchemaSyncView & { readonly link: string };

export function renderGroups(link: string, view: GroupSyncView): LinkGroupsView {
  const { groups, counts, unowned, readAt, stalenessSeconds, levelAt, withheld, trouble } = view;
  return {
    link,
    groups: groups.map(({ syncedAt, clamped, ...group }) => ({
      ...group,
      clamped: clamped.map(({ topic, partition, sourceOffset, copyEnd }) => ({
        ...{ topic, partition, sourceOffset: String(sourceOffset) },
        ...(copyEnd === undefined ? {} : { copyEnd: String(copyEnd) }),
      })),
      ...(syncedAt === undefined ? {} : { syncedAt: syncedAt.toISOString() }),
    })),
    counts: { ...counts },
    unowned: { count: unowned.count, names: [...unowned.names] },
    ...(readAt === undefined ? {} : { readAt: readAt.toISOString() }),
    ...(stalenessSeconds === undefined ? {} : { stalenessSeconds }),
    ...(levelAt === undefined ? {} : { levelAt: levelAt.toISOString() }),
    ...(withheld === undefined ? {} : { withheld }),
    ...(trouble === undefined ? {} : { trouble: { at: trouble.at.toISOString(), message: trouble.message } }),
  };
}
