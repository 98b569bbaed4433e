import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSpecDocument, renderSpecDocument, type SpecDocument } from '../../src/channel/spec-document.ts';
import { siteOrders } from '../../src/channel/site-orders.ts';
import { drillSpecSchema } from '../../src/drill/drill-spec.ts';
import { standingOf } from '../../src/channel/judge-spec.ts';
import { declaredPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import type { SiteDeclared } from '../../src/worker/spec-desk.ts';

const of = { pair: 'test', site: 'b' } as const;
const policy = declaredPolicySchema.parse({ owners: { a: 'a_', b: 'b_' } });
const spec: SpecDocument['spec'] = {
  ...{ name: 'test', prefixPolicy: policy, schemaPrimary: { site: 'a' }, detach: [] },
  links: [{ from: 'a', to: 'b', gap: 'fault' }],
};
const text = renderSpecDocument({ site: 'b', revision: 7, writtenAt: '2026-01-02T03:04:05.000Z', spec });

describe('a document', () => {
  test('is read as it was written, whatever the order of its fields', () => {
    expect(parseSpecDocument(text, of)).toMatchObject({ kind: 'accepted', document: { revision: 7, spec } });
    const { hash, spec: declared, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const turned = { hash, spec: Object.fromEntries(Object.entries(declared as object).toReversed()), ...rest };
    expect(parseSpecDocument(JSON.stringify(turned), of)).toMatchObject({ kind: 'accepted' });
  });

  test('in which any byte of what counts was changed is not taken', () => {
    const counted = JSON.parse(text) as { writtenAt: string };
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        const parsed = parseSpecDocument(changed, of);
        if (parsed.kind === 'refused') return;
        // Only what does not count may have been hit: blanks and the time of writing.
        const { writtenAt: _when, ...document } = JSON.parse(changed) as typeof counted;
        const { writtenAt: _before, ...before } = counted;
        expect(document).toEqual(before);
      }),
    );
  });
});

describe('what a document asks for', () => {
  const nothing: SiteDeclared = { prefixPolicy: undefined, schemaPrimary: undefined, links: [], drills: [] };
  const sections = (declared: typeof spec, inForce: SiteDeclared, taken?: Parameters<typeof siteOrders>[2]): unknown =>
    siteOrders(declared, inForce, taken).map(({ section }) => section);

  test('comes in an order in which nothing stands on what is not there yet', () => {
    expect(sections(spec, nothing)).toEqual(['prefix policy', 'schema primary', 'link a-b']);
    const running: SiteDeclared = { ...nothing, links: [{ from: 'b', to: 'a' }] };
    expect(sections(spec, running)).toEqual(['link b-a', 'prefix policy', 'schema primary', 'link a-b']);
  });

  test('is nothing where it is in force, and nothing about a role that has moved since', () => {
    const inForce: SiteDeclared = {
      ...{ prefixPolicy: policy, schemaPrimary: { site: 'a' }, links: spec.links, drills: [] },
    };
    expect(sections(spec, inForce)).toEqual([]);
    const moved: SiteDeclared = { ...inForce, schemaPrimary: { site: 'b' } };
    expect(sections(spec, moved, { schemaPrimary: { site: 'a' } })).toEqual([]);
    expect(sections(spec, moved)).toEqual(['schema primary']);
  });

  test('names drills: those that are not in it are taken back, and a document without drills leaves them', () => {
    const [canary, ready] = [
      drillSpecSchema.parse({ name: 'canary', level: 'L2', site: 'b' }),
      drillSpecSchema.parse({ name: 'ready', level: 'L0', site: 'b' }),
    ];
    const inForce: SiteDeclared = { ...nothing, drills: [canary] };
    expect(sections({ ...spec, drills: [ready] }, inForce)).toEqual([
      ...['prefix policy', 'schema primary', 'link a-b', 'drill canary', 'drill ready'],
    ]);
    const later: SiteDeclared = {
      prefixPolicy: policy,
      schemaPrimary: { site: 'a' },
      links: spec.links,
      drills: [canary],
    };
    expect(sections(spec, later)).toEqual([]);
    expect(sections({ ...spec, drills: [canary] }, later)).toEqual([]);
    expect(sections({ ...spec, drills: [{ ...canary, hold: '1m' }] }, later)).toEqual(['drill canary']);
  });

  test('is refused where two drills have one name', () => {
    const twice = [drillSpecSchema.parse({ name: 'ready', level: 'L0', site: 'b' })].flatMap((each) => [each, each]);
    const written = renderSpecDocument({
      ...{ site: 'b', revision: 7, writtenAt: '2026-01-02T03:04:05.000Z' },
      spec: { ...spec, drills: twice },
    });
    expect(parseSpecDocument(written, of)).toEqual({
      kind: 'refused',
      reason: 'spec.drills[1].name: is the name of another drill, too',
    });
  });

  test('is new only where it is newer than what was judged', () => {
    const judged = {
      revision: 7,
      hash: 'x',
      at: '2026-01-02T03:04:05.000Z',
      outcome: 'applied' as const,
      refusals: [],
    };
    expect(standingOf({ revision: 1, hash: 'x' }, undefined).kind).toBe('new');
    expect(standingOf({ revision: 8, hash: 'y' }, judged).kind).toBe('new');
    expect(standingOf({ revision: 7, hash: 'x' }, judged).kind).toBe('judged');
    expect(standingOf({ revision: 7, hash: 'y' }, judged).kind).toBe('stale');
    expect(standingOf({ revision: 6, hash: 'x' }, judged).kind).toBe('stale');
  });
});
