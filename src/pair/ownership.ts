import { z } from 'zod';
import { otherSite, type SiteId, siteIdSchema, sites } from './site.ts';
import { type LinkSpec } from './spec.ts';

/** Grows by one at every change of a topic's primary. The higher term is right. */
export const termSchema = z.int().min(0).brand<'Term'>();

export type Term = z.output<typeof termSchema>;

/** The term of a topic whose roles never moved. */
export const firstTerm: Term = termSchema.parse(0);

/** What one site's `_umbra` says about the roles of one topic. */
export const roleRecordSchema = z
  .strictObject({
    topic: z.string().min(1),
    /** The site the name's prefix belongs to; never changes. */
    home: siteIdSchema,
    term: termSchema,
    /** The site that may write the topic in this term. */
    primary: siteIdSchema,
  })
  .refine((record) => record.term > firstTerm || record.primary === record.home, {
    path: ['primary'],
    error: 'must be the home site at term 0: a primary moves only with the term',
  });

export type RoleRecord = z.output<typeof roleRecordSchema>;

/**
 * The roles one site's `_umbra` shows, by topic. A state topic that could not be read is `unread`: it must not look
 * like an empty one, in which every home is primary.
 */
export type RoleView =
  { readonly kind: 'read'; readonly records: ReadonlyMap<string, RoleRecord> } | { readonly kind: 'unread' };

/** What the `_umbra` of both sites say. */
export type RoleViews = Readonly<Record<SiteId, RoleView>>;

/** A topic by name, with the site its prefix belongs to (`ownerOf` in prefix-policy; the schema primary for `_schemas`). */
export interface OwnedTopic {
  readonly name: string;
  readonly home: SiteId;
}

/**
 * Who is primary of a topic, as far as both views prove it:
 *
 * - `settled`   the highest term of both views names one primary
 * - `split`     both views show the same term and different primaries: two promotions that knew nothing of each other
 * - `misfiled`  a record of `site` names another home than the prefixes do: policy and state do not belong together
 * - `unproven`  the `_umbra` of `site` could not be read, and it may show a higher term
 *
 * In all but `settled` nothing flows, and no right to write may be granted on this ground.
 */
export type Ownership =
  | { readonly kind: 'settled'; readonly primary: SiteId; readonly term: Term }
  | { readonly kind: 'split'; readonly term: Term }
  | { readonly kind: 'misfiled'; readonly site: SiteId; readonly recordedHome: SiteId }
  | { readonly kind: 'unproven'; readonly site: SiteId };

/** Who is primary of the topic at the highest term that either `_umbra` shows. Without a record home is, at term 0. */
export function ownershipOf(topic: OwnedTopic, views: RoleViews): Ownership {
  for (const site of sites) {
    const role = roleIn(views[site], topic);
    if (role === undefined) return { kind: 'unproven', site };
    if (role.home !== topic.home) return { kind: 'misfiled', site, recordedHome: role.home };
  }
  const newest = newestRole(topic, views);
  return newest === undefined
    ? { kind: 'split', term: highestTerm(topic, views) }
    : { kind: 'settled', primary: newest.primary, term: newest.term };
}

/**
 * The one direction in which the topic may be copied now, or undefined. The source must be primary at the highest term
 * of both views, and must not be a standby by its own `_umbra`: its promotion is then announced but not done.
 */
export function directionOf(topic: OwnedTopic, views: RoleViews): LinkSpec | undefined {
  const from = sites.find((site) => mayWrite(topic, site, views));
  return from === undefined ? undefined : { from, to: otherSite(from) };
}

/**
 * Whether the site may be granted WRITE on the topic, as far as the views prove it. False forbids to grant, it does not
 * ask to revoke: with the other `_umbra` unread the primary is merely unproven, and taking its rights would be an outage.
 */
export function mayWrite(topic: OwnedTopic, site: SiteId, views: RoleViews): boolean {
  const ownership = ownershipOf(topic, views);
  if (ownership.kind !== 'settled' || ownership.primary !== site) return false;
  return roleIn(views[site], topic)?.primary === site;
}

/**
 * The record that makes `primary` the primary of the topic: one term above all that is known. It has to be written to
 * the `_umbra` of the new primary first, before any right is granted; the other site's may learn it later. While
 * one view is unread (a failover), the term may turn out equal to one granted there: then the topic is `split`.
 */
export function nextPrimary(topic: OwnedTopic, primary: SiteId, views: RoleViews): RoleRecord {
  const term = termSchema.parse(highestTerm(topic, views) + 1);
  return { topic: topic.name, home: topic.home, term, primary };
}

function roleIn(view: RoleView, topic: OwnedTopic): RoleRecord | undefined {
  if (view.kind === 'unread') return undefined;
  return view.records.get(topic.name) ?? { topic: topic.name, home: topic.home, term: firstTerm, primary: topic.home };
}

function knownRoles(topic: OwnedTopic, views: RoleViews): readonly RoleRecord[] {
  return sites.map((site) => roleIn(views[site], topic)).filter((role) => role !== undefined);
}

function highestTerm(topic: OwnedTopic, views: RoleViews): Term {
  return knownRoles(topic, views).reduce((highest, role) => (role.term > highest ? role.term : highest), firstTerm);
}

/** The role at the highest term, or undefined when that term has two primaries. */
function newestRole(topic: OwnedTopic, views: RoleViews): RoleRecord | undefined {
  const term = highestTerm(topic, views);
  const newest = knownRoles(topic, views).filter((role) => role.term === term);
  return new Set(newest.map((role) => role.primary)).size === 1 ? newest[0] : undefined;
}
