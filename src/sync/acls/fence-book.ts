import { z } from 'zod';
import { type Acl, aclKey } from '../../kafka/acl-words.ts';
import { ownableAcl, pageBytesMax, pageOf } from './acl-memory.ts';
import { type NamePattern, patternText } from './name-pattern.ts';
import { TooManyAclsError } from './narrow-acls.ts';

const namePatternSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('literal'), name: z.string().min(1) }),
  z.strictObject({ kind: z.literal('prefix'), prefix: z.string().min(1) }),
]);

/** One record of what a fence has done: a part of its names, and of the ACLs that it took away and put there. */
export const fencePageSchema = z.strictObject({
  /** Of the fence. */
  id: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be up to 100 letters, digits, ".", "_" and "-"'),
  page: z.int().min(0),
  names: z.array(namePatternSchema),
  withdrawn: z.array(ownableAcl),
  added: z.array(ownableAcl),
});

export type FencePage = z.output<typeof fencePageSchema>;

/** Where fences are remembered: one record per page of each, by its id and number. A page that was never put is empty. */
export interface FenceMemory {
  /** Of all fences. */
  pages(): readonly FencePage[];
  /** All or none; when it resolves they outlive this worker. A page that holds nothing is removed. */
  put(pages: readonly FencePage[], signal: AbortSignal): Promise<void>;
}

/** What a fence stands on. Written before anything is changed, so that whatever is interrupted can be undone. */
export interface FenceBook {
  /** The topics, none containing another. Empty: the fence is lowered. */
  readonly names: readonly NamePattern[];
  /** By `aclKey`: what others had made and the fence took away; given back when it is lowered. */
  readonly withdrawn: ReadonlyMap<string, Acl>;
  /** By `aclKey`: what the fence made; removed when it is lowered. */
  readonly added: ReadonlyMap<string, Acl>;
}

export const noFence: FenceBook = { names: [], withdrawn: new Map(), added: new Map() };

/** What the pages say of each fence, by its id. */
export function readFences(pages: readonly FencePage[]): ReadonlyMap<string, FenceBook> {
  return new Map(
    [...Map.groupBy(pages, ({ id }) => id)].map(([id, own]) => [
      id,
      {
        names: own.flatMap(({ names }) => names),
        withdrawn: byKey(own.flatMap(({ withdrawn }) => withdrawn)),
        added: byKey(own.flatMap(({ added }) => added)),
      },
    ]),
  );
}

/** The pages to put so that the memory says `next` of that fence; empty when it does. Throws {@link TooManyAclsError}. */
export function changedFencePages(id: string, now: FenceBook, next: FenceBook): readonly FencePage[] {
  const [before, after] = [pagesOf(id, now), pagesOf(id, next)];
  const numbers = [...new Set([...before.keys(), ...after.keys()])];
  return numbers.flatMap((page) => {
    const wanted = after.get(page) ?? emptyPage(id, page);
    return JSON.stringify(wanted) === JSON.stringify(before.get(page)) ? [] : [sized(wanted)];
  });
}

/** The ACLs that the cluster would have without these fences, also while one is being raised or lowered. */
export function withoutFences(acls: readonly Acl[], fences: Iterable<FenceBook>): readonly Acl[] {
  const all = [...fences];
  const others = acls.filter((acl) => !all.some(({ added }) => added.has(aclKey(acl))));
  return [...byKey([...others, ...all.flatMap(({ withdrawn }) => [...withdrawn.values()])]).values()];
}

export function byKey(acls: readonly Acl[]): ReadonlyMap<string, Acl> {
  return new Map(acls.map((acl) => [aclKey(acl), acl]));
}

/** Each thing goes to the page that its text says, in the order of the texts: what is the same gives the same page. */
function pagesOf(id: string, { names, withdrawn, added }: FenceBook): ReadonlyMap<number, FencePage> {
  const pages = new Map<number, FencePage>();
  const at = (key: string): FencePage => {
    const number = pageOf(key);
    const page = pages.get(number) ?? emptyPage(id, number);
    pages.set(number, page);
    return page;
  };
  for (const [key, pattern] of inOrder(names.map((each) => [patternText(each), each] as const))) {
    at(key).names.push(pattern);
  }
  for (const [key, acl] of inOrder([...withdrawn])) at(key).withdrawn.push(ownableAcl.parse(acl));
  for (const [key, acl] of inOrder([...added])) at(key).added.push(ownableAcl.parse(acl));
  return pages;
}

function inOrder<T>(entries: readonly (readonly [string, T])[]): readonly (readonly [string, T])[] {
  return entries.toSorted(([left], [right]) => (left < right ? -1 : 1));
}

function emptyPage(id: string, page: number): FencePage {
  return { id, page, names: [], withdrawn: [], added: [] };
}

function sized(page: FencePage): FencePage {
  const parsed = fencePageSchema.parse(page);
  const bytes = Buffer.byteLength(JSON.stringify(parsed));
  if (bytes <= pageBytesMax) return parsed;
  throw new TooManyAclsError(
    `page ${page.page} of the fence ${page.id} has ${bytes} bytes, at most ${pageBytesMax} fit; fence fewer topics at a time`,
  );
}
