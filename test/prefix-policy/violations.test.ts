import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otherSite } from '../../src/pair/site.ts';
import { isInternal, judgeTopics, ownerOf } from '../../src/prefix-policy/prefix-policy.ts';
import { anyName, anySite, provenOwners } from './arbitraries.ts';

const owners = { a: 'a_', b: 'b_' };
const none: ReadonlySet<string> = new Set();

describe('a topic breaks the policy', () => {
  it('when neither prefix matches', () => {
    const [violation] = judgeTopics({ site: 'a', topics: ['orders'], shadows: none, owners });
    expect(violation).toEqual({
      site: 'a',
      topic: 'orders',
      kind: 'unowned',
      message: '"orders" at site a begins with neither "a_" nor "b_": it is not copied; recreate it under a prefix',
    });
  });

  it("when it was created under the other site's prefix by hand", () => {
    const violations = judgeTopics({ site: 'a', topics: ['a_x', 'b_x', 'b_y'], shadows: new Set(['b_y']), owners });
    expect(violations).toMatchObject([{ site: 'a', topic: 'b_x', kind: 'squatter' }]);
    expect(violations[0]?.message).toContain('neither copied nor overwritten');
  });

  it('when it holds schemas beside those of the schema primary', () => {
    const input = { site: 'b', topics: ['_schemas'], shadows: none, owners } as const;
    expect(judgeTopics({ ...input, schemaPrimary: { site: 'a' } })).toMatchObject([
      { topic: '_schemas', kind: 'squatter' },
    ]);
    expect(judgeTopics({ ...input, schemaPrimary: { site: 'b' } })).toEqual([]);
    expect(judgeTopics({ ...input, shadows: new Set(['_schemas']), schemaPrimary: { site: 'a' } })).toEqual([]);
    expect(judgeTopics(input)).toEqual([]);
  });
});

describe('the judgement of a site', () => {
  it('says nothing about internal topics', () => {
    const topics = ['__consumer_offsets', '_umbra', '_schemas', '__anything'];
    expect(judgeTopics({ site: 'b', topics, shadows: none, owners })).toEqual([]);
  });

  it('names each topic once, in the order of the names', () => {
    const violations = judgeTopics({ site: 'a', topics: ['z', 'b_x', 'z', 'c'], shadows: none, owners });
    expect(violations.map((violation) => violation.topic)).toEqual(['b_x', 'c', 'z']);
  });

  it('finds exactly the names without owner and the foreign ones that are no copies, in one line each', () => {
    const cases = provenOwners.chain((proven) =>
      fc.tuple(fc.constant(proven), fc.array(anyName(proven)), fc.array(anyName(proven)), anySite),
    );
    fc.assert(
      fc.property(cases, ([proven, names, copies, site]) => {
        const shadows = new Set(copies);
        const found = judgeTopics({ site, topics: [...names, ...copies], shadows, owners: proven });
        const kinds = new Map(found.map((violation) => [violation.topic, violation.kind]));
        for (const name of [...names, ...copies]) {
          const owner = ownerOf(name, proven);
          const unowned = owner === undefined && !isInternal(name);
          const squats = owner === otherSite(site) && !shadows.has(name);
          expect(kinds.get(name)).toBe(unowned ? 'unowned' : squats ? 'squatter' : undefined);
        }
        for (const { message } of found) expect(message).not.toContain('\n');
      }),
    );
  });
});
