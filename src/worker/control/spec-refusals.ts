import { isDeepStrictEqual } from 'node:util';
import type { LinkSpec } from '../../pair/spec.ts';
import { defaultTopicPolicy } from '../../pair/topic-policy.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import { namesLetGo } from '../../prefix-policy/names-let-go.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';
import { isReleasable } from '../../operations/take-part.ts';
import { someOf } from '../events/some-of.ts';
import type { OpenOperation } from '../moves/open-operations.ts';
import { Problem } from '../problems.ts';
import type { LinkDeletion } from '../service.ts';

// What a declaration must never do, whoever makes it: promote, demote, delete a copy, or leave one unprotected that
// somebody still counts on. All pure: why not, as the one line that a person gets; undefined where nothing stands against it.

/** What a site knows when its spec is to be changed. */
export interface SiteStanding {
  /** Ids of links that end here. */
  readonly links: readonly string[];
  /** That are not over, coordinated here or at the other site. */
  readonly operations: readonly OpenOperation[];
  /** Topics whose primary is not at home. */
  readonly moved: readonly string[];
  /** Names of all copies here. */
  readonly copies: readonly string[];
}

/** What a link has to do with its topics when it is to be deleted. */
export interface LinkStanding extends Pick<SiteStanding, 'operations' | 'moved'> {
  readonly id: string;
  /** Copies that are being rebuilt. */
  readonly rebuilt: readonly string[];
  /** Copies that are not at rest. */
  readonly followed: readonly string[];
}

export function whyNotDeleted(link: LinkStanding, mode: LinkDeletion): Problem | undefined {
  const { id, rebuilt, operations, followed, moved } = link;
  const [held] = rebuilt;
  if (held !== undefined) {
    return new Problem('REBUILD_BUSY', `the copy of ${held} on link ${id} is being rebuilt; nothing was changed`);
  }
  const busy = whyBusy(operations, `link ${id}`);
  if (busy !== undefined || mode === 'detach') return busy;
  if (followed.length > 0) {
    const what = `link ${id} follows ${topics(followed)}`;
    return new Problem('LINK_FOLLOWS', `${what}, which would not be protected any more; nothing was changed`);
  }
  if (moved.length === 0) return undefined;
  const what = `link ${id} is needed for ${topics(moved)} whose primary is not at home`;
  return new Problem('TOPICS_MOVED', `${what}: it keeps the old side fenced; nothing was changed`);
}

/** Of a link that runs. What is the same may be declared at any time. */
export function whyNotRedeclared(
  { now, next }: { readonly now: LinkSpec; readonly next: LinkSpec },
  known: { readonly operations: readonly OpenOperation[]; readonly orphans: readonly string[] },
): Problem | undefined {
  if (isDeepStrictEqual(now, next)) return undefined;
  const busy = whyBusy(known.operations, `link ${now.from}-${now.to}`);
  if (busy !== undefined) return busy;
  const follows = (link: LinkSpec): boolean => (link.topics ?? defaultTopicPolicy).deletion === 'follow';
  if (!follows(next) || follows(now) || known.orphans.length === 0) return undefined;
  const many = known.orphans.length === 1 ? 'copy' : 'copies';
  const kept = `${known.orphans.length} ${many} of deleted topics (${someOf(known.orphans)})`;
  const what = `the link ${now.from}-${now.to} was told to keep ${kept}: with topics.deletion "follow" they would be deleted`;
  return new Problem('LINK_REFUSED', `${what}; nothing was changed. Delete them by hand first if nobody needs them`);
}

/** Prefixes say whose a topic is: under a link, and while topics are away from home, they stay. */
export function whyNotRenamed(
  { now, next }: { readonly now: PrefixPolicy | undefined; readonly next: PrefixPolicy },
  { links, moved, copies }: Pick<SiteStanding, 'links' | 'moved' | 'copies'>,
): Problem | undefined {
  if (now !== undefined && samePrefixes(now, next)) return undefined;
  if (links.length > 0) {
    const lost = now === undefined ? [] : namesLetGo(copies, { now: now.owners, next: next.owners });
    const would = lost.length === 0 ? '' : `; ${topics(lost)} would not be protected any more`;
    return new Problem('POLICY_IN_USE', `the link ${links.join(', ')} runs under the present prefixes${would}`);
  }
  if (moved.length === 0) return undefined;
  return new Problem(
    'TOPICS_MOVED',
    `${topics(moved)} went away from home, and home is what the prefixes say; nothing was changed`,
  );
}

/** Everything else of a policy grants rights, which an operation is just withdrawing or giving. */
export function whyNoNewPolicy(operations: readonly OpenOperation[]): Problem | undefined {
  return whyBusy(operations, 'this site');
}

/**
 * Who registers schemas is a role: it moves, it is not declared anew. Where schemas follow already, or did when roles moved,
 * another declaration would turn them round with nobody fenced and no id leapt.
 */
export function whyNotSchemaPrimary(
  { now, next }: { readonly now: SchemaPrimary | undefined; readonly next: SchemaPrimary },
  { follow }: { readonly follow: boolean },
): Problem | undefined {
  if (now === undefined || now.site === next.site || !follow) return undefined;
  return new Problem(
    'SCHEMAS_FOLLOW',
    `schemas were declared to be registered at site ${now.site}, and they follow from there`,
  );
}

export function samePrefixes(now: PrefixPolicy, next: PrefixPolicy): boolean {
  return (['owners', 'groups', 'transactionalIds'] as const).every((kind) => isDeepStrictEqual(now[kind], next[kind]));
}

function whyBusy([operation]: readonly OpenOperation[], of: string): Problem | undefined {
  if (operation === undefined) return undefined;
  return new Problem('MOVE_BUSY', `${operation.id} moves topics of ${of}; nothing was changed. ${wayOut(operation)}`);
}

/** An operation that the other site coordinates may never come to its end by itself: that site may be gone. */
function wayOut({ id, part }: OpenOperation): string {
  if (part === undefined) return `Before its point of no return "npx umbra abort ${id}" gives it up`;
  if (isReleasable(part))
    return `This site is ${part} for it: should the other one be gone for good, "npx umbra release ${id} --new-side-unconfirmed" gives the rights back`;
  if (part === 'restoring') return 'This site is restoring: it gives the rights back';
  return `This site is ${part} for it, and goes on when the other one answers`;
}

/** `3 topics (a_x, a_y, a_z)` */
function topics(names: readonly string[]): string {
  return `${names.length} ${names.length === 1 ? 'topic' : 'topics'} (${someOf(names)})`;
}
