import { z } from 'zod';
import type { Acl } from '../kafka/acl-words.ts';
import type { ApplicationAclsView } from '../sync/acls/application-acls.ts';
import type { AclSyncView } from '../sync/acls/acl-sync.ts';
import type { AclLeak, Preflight } from '../sync/acls/preflight.ts';
import type { UnknownPrincipals } from './site-rights.ts';

const isoTime = z.iso.datetime();
const count = z.int().min(0);

/** Lists are cut here; their counts count all. */
export const aclsShownMax = 1_000;

/** In Kafka's words; a code that this version has no word for is shown as `OPERATION_17`. */
export const aclViewSchema = z.strictObject({
  resourceType: z.string(),
  resourceName: z.string(),
  patternType: z.string(),
  principal: z.string(),
  host: z.string(),
  operation: z.string(),
  permission: z.string(),
});

const aclListSchema = z.strictObject({ count, first: z.array(aclViewSchema) });
const namedListSchema = z.strictObject({ count, first: z.array(aclViewSchema.extend({ why: z.string() })) });

const leakSchema = z.strictObject({
  principal: z.string(),
  host: z.string(),
  /** For people. */
  names: z.string(),
  /** One topic that leaks. */
  example: z.string(),
  /** Absent where no ACL is needed (`allow.everyone.if.no.acl.found`). */
  acl: aclViewSchema.optional(),
  message: z.string(),
  remedy: z.string(),
});

/** Who may write the copies at the standby; `unknown` before it was read once, or when it is not looked at. */
const fenceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('unknown') }),
  z.strictObject({ kind: z.literal('unfenced'), message: z.string(), remedy: z.string() }),
  z.strictObject({ kind: z.literal('fenced'), beyondAcls: z.array(z.string()) }),
  z.strictObject({
    kind: z.literal('leaking'),
    count,
    leaks: z.array(leakSchema),
    beyondAcls: z.array(z.string()),
  }),
]);

const authorizerSchema = z.enum(['present', 'absent', 'unknown']);

export const linkAclsViewSchema = z.strictObject({
  link: z.string(),
  /** Why ACLs are not synced at all, and what to do. */
  off: z.strictObject({ why: z.string(), remedy: z.string() }).optional(),
  authorizers: z.strictObject({ source: authorizerSchema, target: authorizerSchema }),
  fence: fenceSchema,
  /** ACLs of the source that the standby has through the link. */
  synced: aclListSchema,
  /** Wanted, and made at the standby by somebody else. */
  alreadyThere: aclListSchema,
  /** Wait for the promotion. */
  withheld: aclListSchema,
  /** Of the source, not carried over, with the reason. */
  notSynced: namedListSchema,
  /** On the link's names, made by somebody else, not wanted: left alone. */
  foreign: aclListSchema,
  /** The standby did not take these, with its words; tried again every minute. */
  refused: namedListSchema,
  /** Brokers of the standby that did not show the last change in time. */
  behind: z.array(z.int()),
  created: count,
  removed: count,
  restored: count,
  levelAt: isoTime.optional(),
  trouble: z.strictObject({ at: isoTime, message: z.string() }).optional(),
});

/** What the prefix policy grants to the applications of the worker's site. */
export const applicationsViewSchema = z.strictObject({
  authorizer: authorizerSchema,
  wanted: count,
  /** Made by somebody else. */
  alreadyThere: aclListSchema,
  refused: namedListSchema,
  behind: z.array(z.int()),
  created: count,
  removed: count,
  levelAt: isoTime.optional(),
  trouble: z.strictObject({ at: isoTime, message: z.string() }).optional(),
});

export const aclsAnswerSchema = z.strictObject({
  links: z.array(linkAclsViewSchema),
  applications: applicationsViewSchema,
});

export type LinkAclsView = z.output<typeof linkAclsViewSchema>;
export type ApplicationsView = z.output<typeof applicationsViewSchema>;
export type AclsView = z.output<typeof aclsAnswerSchema>;

export function renderApplications(view: ApplicationAclsView): ApplicationsView {
  const { authorizer, wanted, behind, created, removed, levelAt, trouble } = view;
  return {
    ...{ authorizer, wanted, behind: [...behind], created, removed },
    alreadyThere: listOf(view.alreadyThere),
    refused: namedListOf(view.refused.map(({ acl, reason }) => ({ acl, why: reason }))),
    ...(levelAt === undefined ? {} : { levelAt: levelAt.toISOString() }),
    ...(trouble === undefined ? {} : { trouble: { at: trouble.at.toISOString(), message: trouble.message } }),
  };
}

export function renderAcls(link: string, view: AclSyncView): LinkAclsView {
  const { authorizers, behind, created, removed, restored, levelAt, trouble } = view;
  return {
    ...{ link, authorizers: { ...authorizers }, fence: fenceOf(view.fence) },
    synced: listOf(view.synced),
    alreadyThere: listOf(view.alreadyThere),
    withheld: listOf(view.withheld),
    notSynced: namedListOf(view.notSynced),
    foreign: listOf(view.foreign),
    refused: namedListOf(view.refused.map(({ acl, reason }) => ({ acl, why: reason }))),
    ...{ behind: [...behind], created, removed, restored },
    ...(levelAt === undefined ? {} : { levelAt: levelAt.toISOString() }),
    ...(trouble === undefined ? {} : { trouble: { at: trouble.at.toISOString(), message: trouble.message } }),
  };
}

/** Of a link whose ACLs are not synced. */
export function renderAclsOff(link: string, { why, remedy }: UnknownPrincipals): LinkAclsView {
  const none = { count: 0, first: [] };
  return {
    ...{ link, off: { why, remedy } },
    authorizers: { source: 'unknown', target: 'unknown' },
    fence: { kind: 'unknown' },
    ...{ synced: none, alreadyThere: none, withheld: none, notSynced: none, foreign: none, refused: none },
    ...{ behind: [], created: 0, removed: 0, restored: 0 },
  };
}

function fenceOf(fence: Preflight | undefined): LinkAclsView['fence'] {
  if (fence === undefined) return { kind: 'unknown' };
  switch (fence.kind) {
    case 'unfenced':
      return fence;
    case 'fenced':
      return { kind: 'fenced', beyondAcls: [...fence.beyondAcls] };
    case 'leaking': {
      const leaks = fence.leaks.slice(0, aclsShownMax).map(leakOf);
      return { kind: 'leaking', count: fence.leaks.length, leaks, beyondAcls: [...fence.beyondAcls] };
    }
  }
}

function leakOf({ acl, ...rest }: AclLeak): z.output<typeof leakSchema> {
  return acl === undefined ? rest : { ...rest, acl };
}

function listOf(acls: readonly Acl[]): z.output<typeof aclListSchema> {
  return { count: acls.length, first: acls.slice(0, aclsShownMax) };
}

function namedListOf(named: readonly { readonly acl: Acl; readonly why: string }[]): z.output<typeof namedListSchema> {
  return { count: named.length, first: named.slice(0, aclsShownMax).map(({ acl, why }) => ({ ...acl, why })) };
}
