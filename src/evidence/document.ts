import { z } from 'zod';
import { drillLevelSchema, drillVerdictSchema } from '../drill/level.ts';
import { rehearsalSchema } from '../drill/rehearsal-record.ts';
import { siteIdSchema } from '../pair/site.ts';

const isoTime = z.iso.datetime();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');
const text = z.string().max(2_000);
const count = z.int().min(0);
const milliseconds = z.number().min(0);

/** Of a run: it sorts by time, and is the name of its files. */
export const reportIdSchema = z.string().regex(/^[a-z][a-z0-9-]{5,99}$/, 'must match [a-z][a-z0-9-]{5,99}');

/** Something that was looked at before anything was touched. */
export const preconditionSchema = z.strictObject({
  check: z.string().max(100),
  result: z.enum(['passed', 'failed', 'warned', 'not applicable']),
  /** What was found, in words. */
  value: text,
  at: isoTime,
});

/** A phase of the run, or a step of a move in it. */
export const timelineEntrySchema = z.strictObject({
  step: z.string().max(100),
  /** Of a step the phase that it is part of. */
  within: z.string().max(100).optional(),
  plannedMs: milliseconds,
  startedAt: isoTime,
  /** Absent where the run ended in it. */
  endedAt: isoTime.optional(),
  actor: z.string().max(200),
  result: z.enum(['done', 'failed', 'given up', 'skipped', 'running']),
  note: text.optional(),
});

/** What canaries say: each sequence that was sent has one verdict. */
export const canaryCountsSchema = z.strictObject({
  sent: count,
  acked: count,
  /** Acknowledged, and once at the offset that was told. */
  once: count,
  duplicate: count,
  lost: count,
  reordered: count,
  /** In the log, and nobody sent it, or another payload than was sent. */
  ghost: count,
  /** Acknowledged at one offset, and standing at another one. */
  shifted: count,
});

/** Exposure of one link at one time. */
const exposureSampleSchema = z.strictObject({
  at: isoTime,
  link: z.string(),
  seconds: z.number().min(0),
  basis: z.enum(['measured', 'estimated', 'stale']),
});

/** The longest time without an acknowledged write, or without a read, of one observer. */
export const vantagePointSchema = z.strictObject({
  /** `a`, `b`, or the name of one outside. */
  name: z.string().max(100),
  link: z.string(),
  writeGapMs: milliseconds,
  writeGapFrom: isoTime.optional(),
  readGapMs: milliseconds.optional(),
  /** Times of acknowledged writes around the gaps, for the plot; thinned out. */
  acks: z.array(z.strictObject({ at: isoTime, ms: milliseconds })).max(2_000),
});

const attachmentSchema = z.strictObject({
  /** Name of a file beside the document. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,150}$/),
  /** `left over`: of a recording at this place in the chain that did not come to its end. */
  what: z.enum(['report', 'ledger', 'log', 'plan', 'left over']),
  bytes: count,
  sha256,
});

const findingSchema = z.strictObject({
  id: z.string().max(120),
  severity: z.enum(['critical', 'major', 'minor']),
  title: text,
  owner: z.string().max(200),
  due: isoTime,
  status: z.enum(['open', 'accepted', 'closed']),
  ticket: text.optional(),
});

export const signatureSchema = z.strictObject({
  algorithm: z.literal('Ed25519'),
  /** The first 16 hex digits of the SHA-256 of the public key (SPKI, DER). */
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** Over the 32 bytes of a hash, in base64. */
  signature: z.base64(),
});

/**
 * What one run leaves, before it is sealed. Times are UTC. The order of fields does not matter: hashes and signatures are
 * over canonical JSON (RFC 8785).
 */
export const evidenceContentSchema = z.strictObject({
  schemaVersion: z.literal(1),
  reportId: reportIdSchema,
  kind: z.enum(['drill', 'switchover', 'failover', 'failback', 'reconcile']),
  level: drillLevelSchema.optional(),
  /** Name of the drill. */
  drill: z.string().max(100).optional(),
  verdict: drillVerdictSchema,
  verdictReasons: z.array(text),
  startedAt: isoTime,
  endedAt: isoTime,
  pair: z.strictObject({
    id: z.string(),
    /** The site whose controller ran it, and whose chain this is part of. */
    site: siteIdSchema,
    clusters: z.array(
      z.strictObject({ site: siteIdSchema, clusterId: z.string(), bootstrapServers: z.array(z.string()) }),
    ),
    toolVersion: z.string(),
    planHash: sha256,
    policyHash: sha256.optional(),
    labels: z.array(z.string()),
  }),
  scope: z.strictObject({
    links: z.array(z.string()),
    topics: z.array(z.string()),
    partitions: count,
    groups: z.array(z.string()),
    registry: z.boolean(),
    excluded: z.array(z.strictObject({ name: z.string(), why: text })),
  }),
  scenario: z.strictObject({
    id: z.string().max(100),
    text,
    severity: z.string().max(100),
    /** Of a business impact analysis. */
    biaRef: text.optional(),
    assumptions: z.array(text),
  }),
  objectives: z.strictObject({ rpoRecords: count, rtoMs: milliseconds.optional(), other: z.array(text) }),
  people: z.strictObject({
    requestedBy: z.string(),
    approvers: z.array(z.strictObject({ name: z.string(), role: z.string(), at: isoTime })),
    operators: z.array(z.string()),
    observers: z.array(z.string()),
    excludedOnPurpose: z.array(z.string()),
  }),
  preconditions: z.array(preconditionSchema),
  timeline: z.array(timelineEntrySchema),
  terms: z.array(z.strictObject({ topic: z.string(), before: count, after: count, primary: siteIdSchema })),
  cut: z.array(
    z.strictObject({
      topic: z.string(),
      partition: count,
      topicId: z.string(),
      operation: z.string(),
      offset: z.string().regex(/^\d+$/),
      tailSha256: sha256.optional(),
    }),
  ),
  rpo: z.strictObject({
    predicted: z.strictObject({ records: count, recordsAtMost: count, seconds: z.number().min(0) }).optional(),
    measured: z.strictObject({ records: count, bytes: count.optional(), seconds: z.number().min(0) }),
    /** `ledger and tails`: canaries by what they were told, real topics by what only the lost site had. */
    basis: z.enum(['ledger', 'ledger and tails', 'log ends', 'none']),
  }),
  rto: z.strictObject({
    /** The worst leg: from its begin to the first write that was acknowledged at the new primary. */
    totalMs: milliseconds.optional(),
    /** Of that leg, by phase: detect, decide, fence, drain, promote, registry, repoint, firstAck, firstRead, steady. */
    phases: z.record(z.string(), milliseconds),
    vantagePoints: z.array(vantagePointSchema),
  }),
  exposure: z.array(exposureSampleSchema).max(20_000),
  integrity: z.strictObject({
    canary: canaryCountsSchema.optional(),
    /** One line each. */
    problems: z.array(text),
  }),
  groups: z.array(z.strictObject({ id: z.string(), note: text })),
  /** Of drills of level L3 and no other. */
  rehearsal: rehearsalSchema.optional(),
  fence: z.strictObject({ probes: z.array(z.strictObject({ at: isoTime, result: text })), logEndsFrozen: z.boolean() }),
  registry: z.strictObject({ primaryBefore: siteIdSchema, primaryAfter: siteIdSchema, note: text }).optional(),
  clients: z.array(z.strictObject({ principal: z.string(), note: text, straggler: z.boolean() })),
  tails: z.array(z.strictObject({ topic: z.string(), records: count, disposition: text })),
  alarms: z.array(z.strictObject({ name: z.string(), at: isoTime, state: text })),
  aborts: z.array(z.strictObject({ trigger: z.string(), at: isoTime, beforePromotion: z.boolean(), reason: text })),
  cleanup: z.strictObject({ returnedToHome: z.boolean(), pairState: text, left: z.array(text) }),
  findings: z.array(findingSchema),
  controls: z.array(z.strictObject({ framework: z.string(), clause: z.string(), text })),
});

export type EvidenceContent = z.output<typeof evidenceContentSchema>;

/** A document as it is kept: content, its place in the chain, sums of the files beside it, signatures. */
export const evidenceDocumentSchema = evidenceContentSchema.extend({
  chain: z.strictObject({
    /** 1 for the first one of this pair and site; no number is left out. */
    sequence: z.int().min(1),
    /** `hash` of the document before; null for the first. */
    previous: sha256.nullable(),
  }),
  attachments: z.array(attachmentSchema),
  /** SHA-256 of the canonical JSON of everything but `hash` and `signatures`. */
  hash: sha256,
  signatures: z.array(signatureSchema).min(1),
});

export type EvidenceDocument = z.output<typeof evidenceDocumentSchema>;
export type Attachment = z.output<typeof attachmentSchema>;
export type ExposureSample = z.output<typeof exposureSampleSchema>;
export type CanaryCounts = z.output<typeof canaryCountsSchema>;
export type Finding = z.output<typeof findingSchema>;
export type TimelineEntry = z.output<typeof timelineEntrySchema>;
export type Precondition = z.output<typeof preconditionSchema>;
export type VantagePoint = z.output<typeof vantagePointSchema>;
