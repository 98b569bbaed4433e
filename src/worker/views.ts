import { z } from 'zod';
import { bases } from '../exposure/exposure.ts';
import { siteIdSchema } from '../pair/site.ts';
import { gapDecisionSchema } from '../pair/spec.ts';
import { topicStateKindSchema } from '../pair/topic-state.ts';
import { rebuildNoteSchema } from './rebuild/rebuild-view.ts';
import { channelViewSchema } from './spec-channel-view.ts';

/**
 * What the API answers. Offsets are decimal strings: they are 64-bit. Times are ISO 8601 in UTC.
 * These schemas are the contract between worker, API, CLI and provider.
 */
const offset = z.string().regex(/^\d+$/);
const isoTime = z.iso.datetime();

/** A lag is only worth as much as the sample it came from: `sampleAgeMs` is always beside it. */
export const lagViewSchema = z.strictObject({
  records: z.int().min(0),
  /** Age of the oldest moment at which the copy is known to have been behind; 0 when level. */
  seconds: z.number().min(0),
  /** Age of the newest answer of the source this rests on; absent before the first answer. */
  sampleAgeMs: z.int().min(0).optional(),
});

/** What would be lost if the source died now; docs/exposure.md says what each figure is worth. */
export const exposureViewSchema = z.strictObject({
  /** The oldest record that only the source has is at most that old; 0 when there is none. */
  seconds: z.number().min(0),
  /** Offsets, those that open transactions hold back among them. */
  records: z.int().min(0),
  /** If a source that does not answer went on as in the fastest second of its last half minute. */
  recordsAtMost: z.int().min(0),
  bytes: z.int().min(0),
  /** `measured`: the source answers. `estimated`: it has been silent for a second. `stale`: for 15, or since ever. */
  basis: z.enum(bases),
  /** Age of the newest answer of the source; of several partitions the oldest. Absent where one never came. */
  sampleAgeMs: z.int().min(0).optional(),
});

/** What the continuous comparison of both logs has come to. */
export const proofViewSchema = z.strictObject({
  /** Offsets of the copy that this worker has not yet compared with the source. */
  unverified: z.int().min(0),
  /** When the newest offsets were last compared and equal; of several partitions the oldest. Absent before the first. */
  verifiedAt: isoTime.optional(),
});

export const faultViewSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  /** Where it went wrong: for a copy that differs from its source the first offset that does. */
  offset: offset.optional(),
  remedy: z.string(),
  at: isoTime,
});

export const partitionViewSchema = z.strictObject({
  partition: z.int().min(0),
  state: z.enum(['resuming', 'copying', 'waiting', 'stopped', 'faulted']),
  /** Next offset the copy will take: everything below is acknowledged by the target. Absent before the first resume. */
  copiedTo: offset.optional(),
  /** The source's last stable offset as last seen. */
  sourceEnd: offset.optional(),
  lag: lagViewSchema,
  exposure: exposureViewSchema,
  proof: proofViewSchema.extend({
    /** The copy equals the source just below this offset: end of the newest compared run. */
    verifiedTo: offset.optional(),
  }),
  /** Records above an open transaction of the source: they are copied when it ends, and are no lag before. */
  heldBack: z.strictObject({ records: z.int().min(1), seconds: z.number().min(0) }).optional(),
  fault: faultViewSchema.optional(),
  /** Why it is resuming, when an error made it. */
  retrying: z.string().optional(),
});

/** Appended to the copy by the workers that copy it now, since each took it up. */
export const copiedViewSchema = z.strictObject({
  batches: z.int().min(0),
  records: z.int().min(0),
  bytes: z.int().min(0),
});

/** Since when nothing is copied, and what was paused: the topic itself or its link. */
export const pauseViewSchema = z.strictObject({ since: isoTime, by: z.enum(['topic', 'link']) });

export const topicViewSchema = z.strictObject({
  name: z.string(),
  link: z.string(),
  state: topicStateKindSchema,
  partitions: z.int().min(0),
  partitionsFaulted: z.int().min(0),
  lag: lagViewSchema,
  /** Absent for a copy that follows nothing any more: its source topic is gone, or it was promoted. */
  exposure: exposureViewSchema.optional(),
  proof: proofViewSchema,
  copied: copiedViewSchema,
  fault: faultViewSchema.optional(),
  paused: pauseViewSchema.optional(),
  /** The newest rebuild of the copy, or the plan for one. */
  rebuild: rebuildNoteSchema.optional(),
});

export const topicDetailViewSchema = topicViewSchema.extend({
  sourceTopicId: z.string().optional(),
  shadowTopicId: z.string().optional(),
  partitionViews: z.array(partitionViewSchema),
});

export const violationViewSchema = z.strictObject({
  site: siteIdSchema,
  topic: z.string(),
  kind: z.enum(['unowned', 'squatter']),
  message: z.string(),
});

export const linkStateSchema = z.enum([
  'starting',
  'following',
  'paused',
  'degraded',
  'source-unreachable',
  'target-unreachable',
]);

/** What goes with the records of a link, in short: the views of groups and schemas say more. */
export const standbyViewSchema = z.strictObject({
  groups: z.strictObject({
    synced: z.int().min(0),
    notSynced: z.int().min(0),
    /** The positions of those synced are at most that old: so much is read again. Absent while it is not known. */
    stalenessSeconds: z.number().min(0).optional(),
  }),
  /** `elsewhere`: the other site is the schema primary, so nothing of it depends on this link. */
  schemas: z.enum(['equal', 'behind', 'different', 'unknown', 'undeclared', 'elsewhere']),
});

export const linkViewSchema = z.strictObject({
  /** `a-b` for the link from site a to site b. */
  id: z.string(),
  from: siteIdSchema,
  to: siteIdSchema,
  state: linkStateSchema,
  /**
   * Who may write the copies: by the target's ACLs the link alone (`acl`), or others too (`leaking`: `GET /v1/acls` says who);
   * `unfenced`: it has no authorizer, so anybody can.
   */
  fence: z.enum(['acl', 'leaking', 'unfenced', 'unknown']),
  /** What becomes of more missing offsets than are filled unasked. */
  gap: gapDecisionSchema,
  topics: z.strictObject({ total: z.int().min(0), following: z.int().min(0), faulted: z.int().min(0) }),
  lag: lagViewSchema,
  /** Of all its topics, also of those that `_umbra` names and nobody speaks of yet. */
  exposure: exposureViewSchema,
  standby: standbyViewSchema,
  /** Since when nothing of it is copied. */
  paused: z.strictObject({ since: isoTime }).optional(),
  /** The newest error that keeps the link from working, while it does. */
  problem: z.string().optional(),
});

/** Topics that one site took over while the other was away, and that are no copies there yet. */
export const oldSideViewSchema = z.strictObject({
  /** The old log ends at the cut or below. */
  returned: z.int().min(0),
  /** Both sites hold records of their own above the cut. */
  split: z.int().min(0),
  /** Names of those that are split; the first ones. */
  splitTopics: z.array(z.string()),
});

export const pairViewSchema = z.strictObject({
  pair: z.string(),
  site: siteIdSchema,
  worker: z.strictObject({ version: z.string(), pid: z.int(), startedAt: isoTime }),
  prefixes: z.strictObject({ a: z.string(), b: z.string() }).optional(),
  schemaPrimary: siteIdSchema.optional(),
  sites: z.array(
    z.strictObject({ site: siteIdSchema, bootstrapServers: z.array(z.string()), clusterId: z.string().optional() }),
  ),
  links: z.array(linkViewSchema),
  /** Of all links that end here. */
  exposure: exposureViewSchema,
  violations: z.array(violationViewSchema),
  /** Topics of which an old primary came back after a failover, as far as this site knows; absent where there are none. */
  oldSide: oldSideViewSchema.optional(),
  /** Where the spec comes as a document (docs/channel.md); absent where it does not. */
  channel: channelViewSchema.optional(),
});

export type OldSideView = z.output<typeof oldSideViewSchema>;
export type LagView = z.output<typeof lagViewSchema>;
export type ExposureView = z.output<typeof exposureViewSchema>;
export type StandbyView = z.output<typeof standbyViewSchema>;
export type ProofView = z.output<typeof proofViewSchema>;
export type FaultView = z.output<typeof faultViewSchema>;
export type PartitionView = z.output<typeof partitionViewSchema>;
export type TopicView = z.output<typeof topicViewSchema>;
export type TopicDetailView = z.output<typeof topicDetailViewSchema>;
export type ViolationView = z.output<typeof violationViewSchema>;
export type PauseView = z.output<typeof pauseViewSchema>;
export type LinkView = z.output<typeof linkViewSchema>;
export type PairView = z.output<typeof pairViewSchema>;
