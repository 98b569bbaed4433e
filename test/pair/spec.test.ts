import { describe, expect, it } from 'vitest';
import { otherSite, siteIdSchema, sites } from '../../src/pair/site.ts';
import { linkId, linkSpecSchema, pairSpecSchema, prefixOwnersSchema } from '../../src/pair/spec.ts';
import { schemaPrimarySchema } from '../../src/schema-primary/schema-primary.ts';

const pair = {
  name: 'orders',
  prefixPolicy: { a: 'a_', b: 'b_' },
  schemaPrimary: { site: 'a' },
  links: [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'a' },
  ],
};

describe('a pair', () => {
  it('has two sites, each the other of the other', () => {
    expect(sites).toEqual(['a', 'b']);
    for (const site of sites) {
      expect(otherSite(site)).not.toBe(site);
      expect(otherSite(otherSite(site))).toBe(site);
    }
  });

  it('has a schema primary among its own sites and no others', () => {
    expect(schemaPrimarySchema.shape.site.options).toEqual(siteIdSchema.options);
  });

  it('is read with both links, its prefixes and its schema primary', () => {
    expect(pairSpecSchema.parse(pair)).toEqual(pair);
  });

  it('may have no prefix policy, no schema primary and no link yet', () => {
    expect(pairSpecSchema.parse({ name: 'orders', links: [] })).toEqual({ name: 'orders', links: [] });
  });

  it.each([
    ['an unknown field', { ...pair, roles: {} }, []],
    ['an unknown site in a link', { ...pair, links: [{ from: 'a', to: 'c' }] }, ['links', 0, 'to']],
    ['a link from a site to itself', { ...pair, links: [{ from: 'a', to: 'a' }] }, ['links', 0, 'to']],
    ['the same link twice', { ...pair, links: [pair.links[0], pair.links[0]] }, ['links', 1]],
    ['a third prefix', { ...pair, prefixPolicy: { a: 'a_', b: 'b_', c: 'c_' } }, ['prefixPolicy']],
    ['a missing prefix', { ...pair, prefixPolicy: { a: 'a_' } }, ['prefixPolicy', 'b']],
    ['a name with a blank', { ...pair, name: 'my pair' }, ['name']],
    ['a name of more than 40 characters', { ...pair, name: 'x'.repeat(41) }, ['name']],
  ])('is refused with %s, at the path of that field', (_what, wrong, path) => {
    const issues = pairSpecSchema.safeParse(wrong).error?.issues;
    expect(issues).toHaveLength(1);
    expect(issues?.[0]?.path).toEqual(path);
    expect(issues?.[0]?.message).not.toContain('\n');
  });

  it('names a link after its source and its target', () => {
    expect(linkId(linkSpecSchema.parse({ from: 'a', to: 'b' }))).toBe('a-b');
    expect(linkId(linkSpecSchema.parse({ from: 'b', to: 'a' }))).toBe('b-a');
  });

  it('leaves the judgement of prefixes to the prefix policy', () => {
    expect(prefixOwnersSchema.safeParse({ a: '', b: '' }).success).toBe(true);
  });
});
