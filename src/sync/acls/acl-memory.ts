import { z } from 'zod';
import { type Acl, aclKey, knownOperations } from '../../kafka/acl-words.ts';
import { TooManyAclsError } from './narrow-acls.ts';

/** An ACL that umbra may make or take away: every word of it is known. */
export const ownableAcl = z.strictObject({
  resourceType: z.enum(['TOPIC', 'GROUP', 'TRANSACTIONAL_ID']),
  resourceName: z.string().min(1),
  patternType: z.enum(['LITERAL', 'PREFIXED']),
  principal: z.string().min(1),
  host: z.string().min(1),
  operation: z.enum(knownOperations),
  permission: z.enum(['ALLOW', 'DENY']),
});

/**
 * One record of a link's memory: a part of the ACLs that it made at the standby, and of those it withholds. `intended`
 * is written before an ACL is created and `created` after: one at the standby without a record was made by somebody else.
 * Withheld ones are kept for the day on which the source cannot be asked.
 */
export const aclPageSchema = z.strictObject({
  page: z.int().min(0),
  owned: z.array(z.strictObject({ acl: ownableAcl, state: z.enum(['intended', 'created']) })),
  withheld: z.array(ownableAcl),
});

export type AclPage = z.output<typeof aclPageSchema>;

/** Where the memory of one link is kept: one record per page, by its number. A page that was never put is empty. */
export interface AclMemory {
  pages(): readonly AclPage[];
  putPage(page: AclPage, signal: AbortSignal): Promise<void>;
}

/** An ACL goes to the page that its text says, so that a change of one writes one small record. Never to be changed. */
export const pageCount = 64;
/** Of one record: brokers take batches of 1 MiB where nobody says otherwise. */
export const pageBytesMax = 450_000;

export type OwnState = 'intended' | 'created';

export interface OwnedAcl {
  readonly acl: Acl;
  readonly state: OwnState;
}

/** What the pages say together. */
export interface AclBook {
  /** By `aclKey`. */
  readonly owned: ReadonlyMap<string, OwnedAcl>;
  /** By `aclKey`. */
  readonly withheld: ReadonlyMap<string, Acl>;
}

export function readBook(pages: readonly AclPage[]): AclBook {
  return {
    owned: new Map(pages.flatMap(({ owned }) => owned.map((entry) => [aclKey(entry.acl), entry]))),
    withheld: new Map(pages.flatMap(({ withheld }) => withheld.map((acl) => [aclKey(acl), acl]))),
  };
}

/** The pages to put so that the memory says `next`; empty when it does. Throws when one would be too large for a record. */
export function changedPages(now: AclBook, next: AclBook): readonly AclPage[] {
  const changed = new Set<number>();
  for (const key of new Set([...now.owned.keys(), ...next.owned.keys()])) {
    if (now.owned.get(key)?.state !== next.owned.get(key)?.state) changed.add(pageOf(key));
  }
  for (const key of new Set([...now.withheld.keys(), ...next.withheld.keys()])) {
    if (now.withheld.has(key) !== next.withheld.has(key)) changed.add(pageOf(key));
  }
  if (changed.size === 0) return [];
  const owned = Map.groupBy(next.owned, ([key]) => pageOf(key));
  const withheld = Map.groupBy(next.withheld, ([key]) => pageOf(key));
  return [...changed].map((page) =>
    sized(
      aclPageSchema.parse({
        page,
        owned: (owned.get(page) ?? []).map(([, entry]) => entry),
        withheld: (withheld.get(page) ?? []).map(([, acl]) => acl),
      }),
    ),
  );
}

function sized(page: AclPage): AclPage {
  const bytes = Buffer.byteLength(JSON.stringify(page));
  if (bytes > pageBytesMax) {
    throw new TooManyAclsError(
      `page ${page.page} of the ACLs has ${bytes} bytes, at most ${pageBytesMax} fit; there are too many`,
    );
  }
  return page;
}

/** FNV-1a: only has to spread keys evenly and to stay the same for ever. */
export function pageOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % pageCount;
}
