import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sites } from '../../src/pair/site.ts';
import { internalTopics } from '../../src/prefix-policy/internal-names.ts';
import {
  homeOf,
  isInternal,
  ownerOf,
  provenOwnersSchema,
  provePrefixes,
} from '../../src/prefix-policy/prefix-policy.ts';
import { anyName, anyOwners, provenOwners } from './arbitraries.ts';

const owners = { a: 'a_', b: 'b_' };

/** The error of site a's prefix beside a harmless one of site b. */
function refusalOf(prefix: string): string | undefined {
  return provePrefixes({ a: prefix, b: 'zz' })[0]?.message;
}

describe('two prefixes are proven', () => {
  it.each([
    { a: 'a_', b: 'b_' },
    { a: 'eu.', b: 'us.' },
    { a: 'A', b: 'a' },
    { a: 'site-1-', b: 'site-2-' },
    { a: 'a'.repeat(100), b: 'b'.repeat(100) },
    { a: '_a', b: '_b' },
    { a: 'umbra_a', b: 'umbra_b' },
  ])('when neither contains the other nor an internal name: $a, $b', (fine) => {
    expect(provePrefixes(fine)).toEqual([]);
  });
});

describe('a prefix is refused', () => {
  it('when it is empty', () => {
    expect(provePrefixes({ a: '', b: 'b_' })).toEqual([
      {
        path: 'prefixPolicy.owners.a',
        message: 'is empty and would own every topic; give it at least one character, such as "a_"',
      },
    ]);
  });

  it('when it has more than 100 characters', () => {
    expect(refusalOf('a'.repeat(101))).toBe('has 101 characters, at most 100 are allowed; shorten it');
  });

  it.each(['a b', 'ä_', 'a/', 'a*', 'a\n', '*'])('when Kafka takes no topic of that name: %j', (prefix) => {
    expect(refusalOf(prefix)).toContain('topic names take only');
  });

  it.each(['_', '__', '_u', '_umbra', '_s', '_schemas', '__consumer', '__transaction_state', '__share_group_state'])(
    'when it would own an internal topic: %s',
    (prefix) => {
      expect(refusalOf(prefix)).toContain('would own the internal topic');
    },
  );

  it.each(['.', '..', '.umbra', '_.consumer'])('when Kafka cannot tell it from an internal topic: %s', (prefix) => {
    expect(refusalOf(prefix)).toContain('would own the internal topic');
  });

  it.each(['__mine', '._mine'])('when all its names would be internal: %s', (prefix) => {
    expect(refusalOf(prefix)).toContain(`names that begin with "__" are Kafka's own`);
  });

  it.each(['u', 'umbra', 'umbra-', 'umbra-x'])(
    "when its groups and transactional ids would be umbra's own: %s",
    (prefix) => {
      expect(refusalOf(prefix)).toContain('overlaps "umbra-"');
    },
  );

  it.each([
    [{ a: 'a_', b: 'a_' }, 'is "a_", the prefix of site a too'],
    [{ a: 'a_', b: 'a_b' }, 'is "a_b", which begins with the prefix "a_" of site a'],
    [{ a: 'a_b', b: 'a_' }, 'is "a_", with which the prefix "a_b" of site a begins'],
    [{ a: 'a.', b: 'a_' }, 'is "a_", which Kafka cannot tell from "a." of site a'],
    [{ a: 'x.y_z', b: 'x_y.' }, 'is "x_y.", which Kafka cannot tell from "x.y_z" of site a'],
    [{ a: 'x_y.', b: 'x.y_z' }, 'is "x.y_z", which Kafka cannot tell from "x_y." of site a'],
  ])('when it meets the other one: %j', (wrong, message) => {
    const errors = provePrefixes(wrong);
    expect(errors.map((error) => error.path)).toEqual(['prefixPolicy.owners.b']);
    expect(errors[0]?.message).toContain(message);
  });

  it('together with the other one, each at its own path', () => {
    expect(provePrefixes({ a: '', b: '_' }, 'owners').map((error) => error.path)).toEqual(['owners.a', 'owners.b']);
  });

  it('in one line, whatever was given', () => {
    fc.assert(
      fc.property(fc.record({ a: fc.string(), b: fc.string() }), (given) => {
        for (const { message } of provePrefixes(given)) expect(message).not.toMatch(/[\n\r]/);
      }),
    );
  });
});

describe('the configuration of prefixes', () => {
  it('is refused at the field that is wrong, with the words of the proof', () => {
    const parsed = provenOwnersSchema.safeParse({ a: '', b: 'b_' });
    expect(parsed.error?.issues).toMatchObject([
      { path: ['a'], message: provePrefixes({ a: '', b: 'b_' })[0]?.message },
    ]);
    expect(provenOwnersSchema.parse(owners)).toEqual(owners);
  });

  it('is accepted exactly when the prefixes are proven', () => {
    fc.assert(
      fc.property(anyOwners, (given) => {
        expect(provenOwnersSchema.safeParse(given).success).toBe(provePrefixes(given).length === 0);
      }),
    );
  });
});

describe('a topic', () => {
  it('belongs to the site whose prefix it begins with, and to none without one', () => {
    expect(ownerOf('a_orders', owners)).toBe('a');
    expect(ownerOf('b_', owners)).toBe('b');
    expect(ownerOf('orders', owners)).toBeUndefined();
    expect(ownerOf('A_orders', owners)).toBeUndefined();
  });

  it('belongs to no site when it is internal', () => {
    for (const name of internalTopics) {
      expect(isInternal(name)).toBe(true);
      expect(ownerOf(name, { a: '_', b: 'b_' })).toBeUndefined();
    }
    expect(isInternal('__anything')).toBe(true);
    expect(isInternal('_umbra2')).toBe(false);
  });

  it('is never judged by prefixes that both match it', () => {
    expect(() => ownerOf('aa_x', { a: 'a', b: 'aa' })).toThrow('were not proven');
  });

  it('is home at the site of its prefix, the schemas at their primary', () => {
    expect(homeOf('a_orders', owners)).toBe('a');
    expect(homeOf('_schemas', owners, { site: 'b' })).toBe('b');
    expect(homeOf('_schemas', owners)).toBeUndefined();
    expect(homeOf('orders', owners, { site: 'a' })).toBeUndefined();
  });
});

describe('for any two proven prefixes and any name', () => {
  const cases = provenOwners.chain((proven) => fc.tuple(fc.constant(proven), anyName(proven)));

  it('no name begins with both, nor is one created that Kafka takes for a name of the other site', () => {
    fc.assert(
      fc.property(cases, ([proven, name]) => {
        const counted = name.replaceAll('.', '_');
        const matching = sites.filter((site) => counted.startsWith(proven[site].replaceAll('.', '_')));
        expect(matching.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('nothing internal has a home but the schemas', () => {
    const schemaPrimary = fc.option(fc.record({ site: fc.constantFrom(...sites) }), { nil: undefined });
    fc.assert(
      fc.property(cases, schemaPrimary, ([proven, name], primary) => {
        const home = homeOf(name, proven, primary);
        if (isInternal(name) && name !== '_schemas') expect(home).toBeUndefined();
        if (name === '_schemas') expect(home).toBe(primary?.site);
      }),
    );
  });

  it('no internal topic begins with a prefix', () => {
    fc.assert(
      fc.property(provenOwners, (proven) => {
        for (const name of internalTopics) {
          expect(sites.filter((site) => name.startsWith(proven[site]))).toEqual([]);
        }
      }),
    );
  });

  it('the proof does not depend on which site has which prefix', () => {
    fc.assert(
      fc.property(anyOwners, ({ a, b }) => {
        expect(provePrefixes({ a, b }).length === 0).toBe(provePrefixes({ a: b, b: a }).length === 0);
      }),
      { numRuns: 2_000 },
    );
  });
});
