import fc from 'fast-check';
import { sites } from '../../src/pair/site.ts';
import { type PrefixOwners } from '../../src/pair/spec.ts';
import { internalTopics } from '../../src/prefix-policy/internal-names.ts';
import { provePrefixes } from '../../src/prefix-policy/prefix-policy.ts';

/** Few letters, so that prefixes often contain or collide with each other and with internal names. */
const letters = fc.constantFrom('a', 'b', '_', '.', '-', 'u', 'm');

export const anyPrefix = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: letters, maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(...internalTopics, 'umbra-', '__', '_', '.', '', 'ü', 'a b') },
);

export const anyOwners: fc.Arbitrary<PrefixOwners> = fc.record({ a: anyPrefix, b: anyPrefix });

export const provenOwners = anyOwners.filter((owners) => provePrefixes(owners).length === 0);

/** Names that are likely to hit a prefix, an internal name, or something close to one of them. */
export function anyName(owners: PrefixOwners): fc.Arbitrary<string> {
  const tail = fc.string({ unit: letters, maxLength: 6 });
  return fc.oneof(
    tail,
    fc.tuple(fc.constantFrom(owners.a, owners.b, '_', '__'), tail).map(([head, rest]) => head + rest),
    fc.constantFrom(...internalTopics, '__other', '_umbra2', '_schemas2', 'orders'),
  );
}

export const anySite = fc.constantFrom(...sites);
