import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Acl, aclKey } from '../../../src/kafka/acl-words.ts';
import {
  type AclBook,
  aclPageSchema,
  changedPages,
  type OwnedAcl,
  readBook,
} from '../../../src/sync/acls/acl-memory.ts';
import { type AclPlan, planAcls } from '../../../src/sync/acls/plan-acls.ts';
import { anAcl, anyAcl, anyAcls, scope, umbra } from './arbitraries.ts';

const nothing: AclBook = { owned: new Map(), withheld: new Map() };
const noTopics: ReadonlySet<string> = new Set();

function bookOf(owned: readonly OwnedAcl[], withheld: readonly Acl[] = []): AclBook {
  return {
    owned: new Map(owned.map((entry) => [aclKey(entry.acl), entry])),
    withheld: new Map(withheld.map((acl) => [aclKey(acl), acl])),
  };
}

function plan(source: readonly Acl[], target: readonly Acl[], book = nothing, promoted = noTopics): AclPlan {
  return planAcls({ source, target, book, scope, own: [umbra], promoted });
}

const keys = (acls: Iterable<Acl>): readonly string[] => [...acls].map(aclKey).sort();

/** What a round makes of a standby and its memory when nothing interrupts it. */
function carriedOut(
  { create, remove, adopt, level, withheld }: AclPlan,
  target: readonly Acl[],
): {
  readonly target: readonly Acl[];
  readonly book: AclBook;
} {
  const gone = new Set(keys(remove));
  return {
    target: [...target.filter((acl) => !gone.has(aclKey(acl))), ...create],
    book: bookOf(
      [...level, ...adopt, ...create].map((acl) => ({ acl, state: 'created' })),
      withheld,
    ),
  };
}

const source = anyAcls({ types: ['TOPIC', 'GROUP', 'TRANSACTIONAL_ID'] }, 8);
const target = anyAcls({ types: ['TOPIC', 'GROUP'], principals: ['User:x', 'User:y', 'User:*'] }, 8);

describe('one round', () => {
  it('removes nothing that it did not make, creates nothing that is there, and the next one has nothing to do', () => {
    fc.assert(
      fc.property(source, target, (atSource, atTarget) => {
        const first = plan(atSource, atTarget);
        expect(first.remove).toEqual([]);
        const there = new Set(keys(atTarget));
        expect(keys(first.create).filter((key) => there.has(key))).toEqual([]);
        const after = carriedOut(first, atTarget);
        const second = plan(atSource, after.target, after.book);
        expect([second.create, second.remove, second.adopt].flat()).toEqual([]);
        expect(keys(second.level)).toEqual(keys(first.create));
        expect(keys(second.alreadyThere)).toEqual(keys(first.alreadyThere));
        expect(keys(second.foreign)).toEqual(keys(first.foreign));
      }),
      { numRuns: 500 },
    );
  });

  it('follows the source wherever it goes, and leaves of the standby what others made', () => {
    fc.assert(
      fc.property(source, source, target, (before, now, atTarget) => {
        const first = carriedOut(plan(before, atTarget), atTarget);
        const second = carriedOut(plan(now, first.target, first.book), first.target);
        expect(keys(second.target)).toEqual(keys(carriedOut(plan(now, atTarget), atTarget).target));
        const left = carriedOut(plan([], second.target, second.book), second.target);
        expect(keys(left.target)).toEqual(keys(atTarget));
        expect(left.book).toEqual(nothing);
      }),
      { numRuns: 500 },
    );
  });

  it('heals whatever was interrupted between the record and the cluster', () => {
    fc.assert(
      fc.property(source, source, target, fc.infiniteStream(fc.boolean()), (before, now, atTarget, coin) => {
        const toss = (): boolean => coin.next().value === true;
        const first = plan(before, atTarget);
        // Intended is recorded for all; created are some, and recorded as such are some of those.
        const made = first.create.filter(toss);
        const states = first.create.map((acl): OwnedAcl => {
          const recorded = made.includes(acl) && toss();
          return { acl, state: recorded ? 'created' : 'intended' };
        });
        const second = carriedOut(plan(now, [...atTarget, ...made], bookOf(states)), [...atTarget, ...made]);
        const straight = carriedOut(plan(now, atTarget), atTarget);
        expect(keys(second.target)).toEqual(keys(straight.target));
        expect(second.book.owned).toEqual(new Map(straight.book.owned));
      }),
      { numRuns: 500 },
    );
  });

  it('creates DENYs before ALLOWs', () => {
    fc.assert(
      fc.property(source, (atSource) => {
        const order = plan(atSource, []).create.map(({ permission }) => permission);
        expect(order).toEqual(order.toSorted().reverse());
      }),
    );
  });

  it('makes again what somebody removed, and says so', () => {
    const acl = anAcl();
    const again = plan([acl], [], bookOf([{ acl, state: 'created' }]));
    expect([again.create, again.restored]).toEqual([[acl], [acl]]);
    expect(plan([acl], [], bookOf([{ acl, state: 'intended' }])).restored).toEqual([]);
  });

  it('removes what it made and nobody wants also when it does not see it: a broker may be behind', () => {
    const acl = anAcl();
    expect(plan([], [], bookOf([{ acl, state: 'created' }])).remove).toEqual([acl]);
    expect(plan([], [], bookOf([{ acl, state: 'intended' }])).remove).toEqual([acl]);
  });

  it('leaves alone what is granted on exactly a promoted topic', () => {
    const read = anAcl({ resourceName: 'a_x', patternType: 'LITERAL' });
    const promoted = new Set(['a_x']);
    expect(plan([read], [], nothing, promoted).create).toEqual([]);
    const owned = bookOf([{ acl: read, state: 'created' }]);
    const gone = plan([], [read], owned, promoted);
    expect([gone.remove, gone.foreign]).toEqual([[], []]);
    const wider = { ...read, patternType: 'PREFIXED' } as const;
    expect(plan([wider], [], nothing, promoted).create).toEqual([wider]);
  });

  it('leaves alone what is granted on any name of a prefix that was promoted as a whole, groups too', () => {
    const frozen = scope;
    const input = { own: [umbra], promoted: noTopics, scope, frozen };
    const [read, group] = [anAcl(), anAcl({ resourceType: 'GROUP', resourceName: 'a_x' })];
    const wider = anAcl({ resourceName: '*', patternType: 'LITERAL', permission: 'DENY' });
    const book = bookOf([group, read].map((acl) => ({ acl, state: 'created' })));
    const made = planAcls({ ...input, source: [read, group, wider], target: [], book: nothing });
    expect(made.create).toEqual([]);
    const kept = planAcls({ ...input, source: [], target: [read, group], book });
    expect([kept.remove, kept.foreign]).toEqual([[], []]);
  });
});

describe('the memory', () => {
  const books = fc
    .tuple(
      fc.array(fc.tuple(anyAcl(), fc.constantFrom('intended' as const, 'created' as const)), { maxLength: 30 }),
      fc.array(anyAcl(), { maxLength: 30 }),
    )
    .map(([owned, withheld]) =>
      bookOf(
        owned.map(([acl, state]) => ({ acl, state })),
        withheld,
      ),
    );

  it('says after the changed pages were put what it should, and a second time there are none', () => {
    fc.assert(
      fc.property(books, books, (before, next) => {
        const pages = new Map(changedPages(nothing, before).map((page) => [page.page, page]));
        expect(readBook([...pages.values()])).toEqual(before);
        for (const page of changedPages(before, next)) pages.set(page.page, aclPageSchema.parse(page));
        const read = readBook([...pages.values()]);
        expect(new Map([...read.owned].sort())).toEqual(new Map([...next.owned].sort()));
        expect(keys(read.withheld.values())).toEqual(keys(next.withheld.values()));
        expect(changedPages(read, next)).toEqual([]);
      }),
    );
  });

  it('has its pages where they were: an ACL never moves to another one', () => {
    const acl = anAcl({ resourceName: 'a_orders', patternType: 'LITERAL', principal: 'User:app' });
    expect(changedPages(nothing, bookOf([], [acl])).map(({ page }) => page)).toEqual([47]);
  });

  it('refuses a page that is too large for a record', () => {
    const principal = `User:${'x'.repeat(40_000)}`;
    const many = Array.from({ length: 900 }, (_, index) => anAcl({ resourceName: `a_${index}`, principal }));
    expect(() => changedPages(nothing, bookOf([], many))).toThrow(/page \d+ of the ACLs has \d+ bytes/);
  });
});

describe('a large cluster', () => {
  it('is planned without comparing everything with everything', () => {
    const many = Array.from({ length: 5_000 }, (_, index) =>
      anAcl({ resourceName: `a_${index}`, patternType: 'LITERAL', principal: `User:${index % 700}` }),
    );
    const first = carriedOut(plan(many, []), []);
    const second = plan(many, first.target, first.book);
    expect([second.create.length, second.level.length]).toEqual([0, 5_000]);
  });
});
