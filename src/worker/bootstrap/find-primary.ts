import {
  firstTerm,
  type OwnedTopic,
  ownershipOf,
  type Ownership,
  type RoleView,
  type RoleViews,
  type Term,
} from '../../pair/ownership.ts';
import type { SiteId } from '../../pair/site.ts';

/** Who is primary by the best knowledge there is; the terms are those of `ownership.ts`. */
export type FoundPrimary =
  | { readonly state: 'settled'; readonly term: Term; readonly primary: SiteId }
  | { readonly state: 'mixed' | 'split' | 'misfiled'; readonly term: Term };

/**
 * Of one topic. A view that was never read counts as empty: what an application needs is the best guess, and it follows
 * none below a term that it has seen. No right may be granted on this ground; that is what `ownershipOf` is for.
 */
export function primaryOfTopic(topic: OwnedTopic, views: RoleViews): FoundPrimary {
  return found(ownershipOf(topic, { a: asRead(views.a), b: asRead(views.b) }));
}

/**
 * Of all topics whose names begin with the prefix: those in `known`, of which some may have no record, and those with
 * records. While they agree the term is the highest of them, so it grows whenever they agree on another site: the topic
 * that has it must have moved, too.
 */
export function primaryOfPrefix(
  { prefix, home }: { readonly prefix: string; readonly home: SiteId },
  known: Iterable<string>,
  views: RoleViews,
): FoundPrimary {
  let all: FoundPrimary = { state: 'settled', term: firstTerm, primary: home };
  let first = true;
  for (const name of new Set([...known, ...recorded(views.a), ...recorded(views.b)])) {
    if (!name.startsWith(prefix)) continue;
    const one = primaryOfTopic({ name, home }, views);
    all = first ? one : joined(all, one);
    first = false;
  }
  return all;
}

function found(ownership: Ownership): FoundPrimary {
  switch (ownership.kind) {
    case 'settled':
      return { state: 'settled', term: ownership.term, primary: ownership.primary };
    case 'split':
      return { state: 'split', term: ownership.term };
    case 'misfiled':
      return { state: 'misfiled', term: firstTerm };
    case 'unproven':
      throw new Error(`the view of site ${ownership.site} was to be taken as read`);
  }
}

/** What is worse wins: the state of a prefix is that of its worst topic. */
function joined(left: FoundPrimary, right: FoundPrimary): FoundPrimary {
  const term = left.term > right.term ? left.term : right.term;
  for (const state of ['misfiled', 'split', 'mixed'] as const)
    if (left.state === state || right.state === state) return { state, term };
  if (left.state !== 'settled' || right.state !== 'settled') throw new Error('every other state was looked for');
  return left.primary === right.primary ? { ...left, term } : { state: 'mixed', term };
}

function asRead(view: RoleView): RoleView {
  return view.kind === 'read' ? view : { kind: 'read', records: new Map() };
}

function recorded(view: RoleView): Iterable<string> {
  return view.kind === 'read' ? view.records.keys() : [];
}
