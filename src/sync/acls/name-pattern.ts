import { anyName, type Acl } from '../../kafka/acl-words.ts';

/** A set of names: one, or all that begin with a prefix. The empty prefix is every name. */
export type NamePattern =
  { readonly kind: 'literal'; readonly name: string } | { readonly kind: 'prefix'; readonly prefix: string };

export const everyName: NamePattern = { kind: 'prefix', prefix: '' };

/** The names an ACL is about; undefined for a kind of pattern that we do not know. */
export function patternOf(acl: Pick<Acl, 'resourceName' | 'patternType'>): NamePattern | undefined {
  switch (acl.patternType) {
    case 'LITERAL':
      return acl.resourceName === anyName ? everyName : { kind: 'literal', name: acl.resourceName };
    case 'PREFIXED':
      return { kind: 'prefix', prefix: acl.resourceName };
    default:
      return undefined;
  }
}

/** How a set of names is written in an ACL. */
export function resourceOf(pattern: NamePattern): Pick<Acl, 'resourceName' | 'patternType'> {
  if (pattern.kind === 'literal') return { resourceName: pattern.name, patternType: 'LITERAL' };
  return pattern.prefix === ''
    ? { resourceName: anyName, patternType: 'LITERAL' }
    : { resourceName: pattern.prefix, patternType: 'PREFIXED' };
}

export function covers(pattern: NamePattern, name: string): boolean {
  return pattern.kind === 'literal' ? pattern.name === name : name.startsWith(pattern.prefix);
}

/** Whether every name of `inner` is one of `outer`. */
export function contains(outer: NamePattern, inner: NamePattern): boolean {
  if (inner.kind === 'literal') return covers(outer, inner.name);
  return outer.kind === 'prefix' && inner.prefix.startsWith(outer.prefix);
}

/** The names that are in both: of two patterns that overlap one always contains the other. */
export function intersection(left: NamePattern, right: NamePattern): NamePattern | undefined {
  if (contains(left, right)) return right;
  return contains(right, left) ? left : undefined;
}

/** `"orders"` or `"a_"*`. */
export function patternText(pattern: NamePattern): string {
  return pattern.kind === 'literal' ? JSON.stringify(pattern.name) : `${JSON.stringify(pattern.prefix)}*`;
}
