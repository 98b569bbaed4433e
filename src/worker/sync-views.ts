import { z } from 'zod';
import type { GroupSyncView } from '../sync/groups/group-view.ts';
import { groupStates } from '../sync/groups/group-view.ts';
import { siteIdSchema } from '../pair/site.ts';
import type { IdSamplesView } from '../sync/schemas/id-sampler.ts';
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

const count = z.int().min(0);

/** All are counted, the first ones listed. */
function listed<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ total: typeof count; first: z.ZodReadonly<z.ZodArray<Item>> }, z.core.$strict> {
  return z.strictObject({ total: count, first: z.array(item).readonly() });
}

const schemaSiteViewSchema = z.strictObject({
  site: siteIdSchema,
  role: z.enum(['primary', 'standby']),
  /** `unseen`: never reached yet. `reading`: counts are of the part that was read. */
  state: z.enum(['unseen', 'absent', 'reading', 'read']),
  start: offset.optional(),
  end: offset.optional(),
  readTo: offset,
  counts: z.strictObject({ subjects: count, versions: count, softDeleted: count, ids: count, malformed: count }),
  /** Over `id → digest` of all ids: equal at both sites when every id stands for the same schema. */
  digest: z.string(),
  contexts: z
    .array(z.strictObject({ context: z.string(), ids: count, highest: z.int().optional(), highestSeen: z.int() }))
    .readonly(),
  /** Ids that the log does not name, below the highest. */
  gaps: listed(z.strictObject({ context: z.string(), from: z.int(), to: z.int() })),
  /** Ids that stand for more than one schema. */
  collisions: listed(z.strictObject({ context: z.string(), id: z.int(), digests: z.array(z.string()).readonly() })),
  malformed: listed(z.strictObject({ offset, key: z.string(), why: z.string() })),
  /** When it was last looked at with success. */
  lookedAt: isoTime.optional(),
  trouble: z.strictObject({ message: z.string(), since: isoTime }).optional(),
});

const schemaComparisonViewSchema = z.strictObject({
  /** `behind`: what the copy has not reached yet is all that differs. `different`: an id may stand for another schema. */
  verdict: z.enum(['equal', 'behind', 'different', 'unknown']),
  comparedAt: isoTime.optional(),
  equalAt: isoTime.optional(),
  differences: listed(
    z.strictObject({
      kind: z.enum(['missing', 'different', 'extra']),
      label: z.string(),
      explanation: z.string(),
      primaryOffset: offset.optional(),
      standbyOffset: offset.optional(),
      primaryId: z.int().optional(),
      standbyId: z.int().optional(),
    }),
  ),
  /** Keys that wait for the copy to reach them. */
  keysBehind: count,
});

const lostVersions = listed(
  z.strictObject({
    ...{ context: z.string(), id: z.int(), subject: z.string(), version: z.int(), offset, explanation: z.string() },
  }),
);

/** After a failover: what only the log of the old primary has, from the cut on. */
const lostSchemasViewSchema = z.strictObject({
  cut: offset,
  /** Ids that stand for another schema at the new primary. */
  collisions: lostVersions,
  /** Ids that the new primary does not know. */
  gaps: lostVersions,
  /** Versions of a subject that are another schema at the new primary. */
  versions: lostVersions,
  /** Configs, modes and deletions. */
  changes: listed(z.string()),
});

/** What the newest records of copies show that name schemas; counts are of samples since the controller began. */
const schemaSamplesViewSchema = z.strictObject({
  sampled: count,
  named: count,
  /** Name a schema that the primary has registered and this site does not have yet. */
  waiting: count,
  /** Name a schema that neither site's log shows. */
  unknown: count,
  /** Topics with schemas that are still not here, those with most records first. */
  topics: z
    .array(
      z.strictObject({
        topic: z.string(),
        records: count,
        schemas: z
          .array(
            z.strictObject({
              /** The id in digits, or the GUID. */
              schema: z.string(),
              verdict: z.enum(['waiting', 'unknown']),
              records: count,
              firstSeenAt: isoTime,
            }),
          )
          .readonly(),
      }),
    )
    .readonly(),
  topicsTotal: count,
  /** Partitions that could not be read at the last try. */
  unreadable: count,
  sampledAt: isoTime.optional(),
});

/** What `SchemaSyncView` (sync/schemas) is for the API: a compiler error in {@link renderSchemas} where they part. */
export const linkSchemasViewSchema = z.discriminatedUnion('kind', [
  z.strictObject({ link: z.string(), kind: z.literal('undeclared') }),
  z.strictObject({
    link: z.string(),
    kind: z.literal('watched'),
    primarySite: siteIdSchema,
    sites: z.strictObject({ a: schemaSiteViewSchema, b: schemaSiteViewSchema }),
    comparison: schemaComparisonViewSchema,
    /** How far the copy of the log is behind; absent until both were looked at. */
    behind: z
      .strictObject({ records: count, seconds: age, basis: z.enum(['measured', 'stale']), asOf: isoTime })
      .optional(),
    /** Absent where the standby's log is a copy, or was not compared yet. */
    lost: lostSchemasViewSchema.optional(),
    samples: schemaSamplesViewSchema,
  }),
]);

export type LinkGroupsView = z.output<typeof linkGroupsViewSchema>;
export type LinkConfigsView = z.output<typeof linkConfigsViewSchema>;
export type LinkSchemasView = z.output<typeof linkSchemasViewSchema>;

export function renderSchemas(link: string, view: SchemaSyncView, samples: IdSamplesView): LinkSchemasView {
  return view.kind === 'undeclared' ? { link, ...view } : { link, ...view, samples };
}

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
