import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Acl, aclKey, type KnownOperation } from '../../../src/kafka/acl-words.ts';
import {
  changedFencePages,
  type FenceBook,
  fencePageSchema,
  noFence,
  readFences,
  withoutFences,
} from '../../../src/sync/acls/fence-book.ts';
import { fenceGaps, type FenceSight, lookAtFence } from '../../../src/sync/acls/fence-gaps.ts';
import { covers, type NamePattern } from '../../../src/sync/acls/name-pattern.ts';
import { afterFence, changingOperations, type FencePlan, planFence } from '../../../src/sync/acls/plan-fence.ts';
import { anAcl, anyAcls, hosts, ofLink, principals, readOperations, umbra, universe } from './arbitraries.ts';
import { naivelyAllowed } from './naive-authorizer.ts';

const policy = { own: [umbra], superUsers: [], allowsWithoutAcl: false };
const runs = { numRuns: 150 };

const literal = (name: string): NamePattern => ({ kind: 'literal', name });
const prefixed = (prefix: string): NamePattern => ({ kind: 'prefix', prefix });

/** All names of a prefix, or single ones. */
const someNames = fc.oneof(
  fc.constantFrom('a_', 'a_x', 'a').map((prefix) => [prefixed(prefix)]),
  fc.subarray([...ofLink], { minLength: 1, maxLength: 4 }).map((names) => names.map(literal)),
);

interface Rights {
  readonly operations: readonly KnownOperation[];
  readonly names: readonly string[];
  readonly of?: readonly string[];
  readonly allowsWithoutAcl?: boolean;
}

/** Who may what, one question at a time, as lines. */
function rights(acls: readonly Acl[], question: Rights): ReadonlySet<string> {
  const { operations, names, of = [...principals, umbra], allowsWithoutAcl = false } = question;
  const held = new Set<string>();
  for (const name of names) {
    for (const principal of of) {
      for (const host of hosts) {
        for (const operation of operations) {
          const asked = { principal, host, operation, resourceType: 'TOPIC', name } as const;
          if (naivelyAllowed(asked, { acls, superUsers: [], allowsWithoutAcl })) {
            held.add([principal, host, operation, name].join(' '));
          }
        }
      }
    }
  }
  return held;
}

function split(names: readonly NamePattern[]): {
  readonly fenced: readonly string[];
  readonly others: readonly string[];
} {
  const isFenced = (name: string): boolean => names.some((pattern) => covers(pattern, name));
  return { fenced: universe.filter(isFenced), others: universe.filter((name) => !isFenced(name)) };
}

const lines = (acls: Iterable<Acl>): readonly string[] => [...new Set([...acls].map(aclKey))].sort();

function raised(
  acls: readonly Acl[],
  names: readonly NamePattern[],
  more: Partial<typeof policy> = {},
): readonly Acl[] {
  return afterFence(acls, planFence({ ...policy, ...more, acls, book: noFence, names }));
}

describe('a fence', () => {
  it('leaves the right to change its topics to umbra and to those it names, and every other right as it was', () => {
    fc.assert(
      fc.property(anyAcls({}, 12), someNames, fc.boolean(), (acls, names, allowsWithoutAcl) => {
        const after = raised(acls, names, { allowsWithoutAcl });
        const { fenced, others } = split(names);
        const more = { allowsWithoutAcl };
        const everything = [...changingOperations, ...readOperations];
        expect(rights(after, { operations: everything, names: others, ...more })).toEqual(
          rights(acls, { operations: everything, names: others, ...more }),
        );
        expect(rights(after, { operations: readOperations, names: fenced, ...more })).toEqual(
          rights(acls, { operations: readOperations, names: fenced, ...more }),
        );
        const gaps = fenceGaps(after, names, { ...policy, allowsWithoutAcl });
        for (const { principal } of gaps) expect(principal).toBe('User:*');
        const let_ = new Set(gaps.flatMap(({ operations }) => operations));
        for (const right of rights(after, { operations: changingOperations, names: fenced, of: principals, ...more })) {
          expect(let_).toContain(right.split(' ')[2]);
        }
      }),
      runs,
    );
  });

  it('lets nobody through where no ACL for User:* reaches further', () => {
    const narrow = anyAcls({}, 12).map((acls) =>
      acls.filter(({ principal, permission, resourceName }) => {
        return principal !== 'User:*' || permission === 'DENY' || resourceName.startsWith('a_');
      }),
    );
    fc.assert(
      fc.property(narrow, (acls) => {
        const names = [prefixed('a_')];
        const after = raised(acls, names);
        expect(fenceGaps(after, names, policy)).toEqual([]);
        const { fenced } = split(names);
        expect(rights(after, { operations: changingOperations, names: fenced, of: principals })).toEqual(new Set());
      }),
      runs,
    );
  });

  it('leaves umbra what is granted to it by name, and denies neither it nor everybody anything', () => {
    fc.assert(
      fc.property(anyAcls({}, 12), someNames, (acls, names) => {
        const plan = planFence({ ...policy, acls, book: noFence, names });
        const its = (all: readonly Acl[]): ReadonlySet<string> =>
          rights(
            all.filter(({ permission, principal }) => permission === 'DENY' || principal === umbra),
            { operations: changingOperations, names: universe, of: [umbra] },
          );
        expect(its(afterFence(acls, plan))).toEqual(its(acls));
        for (const acl of plan.add.filter(({ permission }) => permission === 'DENY')) {
          expect(['User:*', umbra]).not.toContain(acl.principal);
        }
      }),
      runs,
    );
  });

  it('takes nobody a right to read and gives nobody one to write, in any moment of a change to other topics', () => {
    fc.assert(
      fc.property(anyAcls({}, 10), someNames, fc.oneof(someNames, fc.constant([])), (acls, from, to) => {
        const first = planFence({ ...policy, acls, book: noFence, names: from });
        const before = afterFence(acls, first);
        const plan = planFence({ ...policy, acls: before, book: first.outcome, names: to });
        const nothing: Pick<FencePlan, 'add' | 'withdraw' | 'giveBack' | 'takeBack'> = {
          ...{ add: [], withdraw: [], giveBack: [], takeBack: [] },
        };
        const moments = [
          { ...nothing, add: plan.add },
          { ...nothing, add: plan.add, withdraw: plan.withdraw },
          { ...plan, takeBack: [] },
          plan,
        ].map((done) => afterFence(before, { ...plan, ...done }));
        const reads = { operations: readOperations, names: universe };
        const changes = { operations: changingOperations, names: universe };
        const may = new Set([...rights(before, changes), ...rights(moments[3]!, changes)]);
        for (const moment of moments) {
          expect(rights(moment, reads)).toEqual(rights(acls, reads));
          expect([...rights(moment, changes)].filter((right) => !may.has(right))).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('on every topic, umbra’s own too, is refused', () => {
    expect(() => planFence({ ...policy, acls: [], book: noFence, names: [prefixed('')] })).toThrow(/every topic/);
  });
});

/** One that wrote, and who else may be hit by what is done to it. */
const wide = anAcl({ resourceName: '*', patternType: 'LITERAL', operation: 'WRITE' });

describe('what becomes of an ALLOW', () => {
  const plan = (acls: readonly Acl[], names: readonly NamePattern[]): FencePlan =>
    planFence({ ...policy, acls, book: noFence, names });

  it('on fenced names alone: it goes, and what of it reads comes in its place', () => {
    const all = anAcl({ operation: 'ALL' });
    const { withdraw, add } = plan([all], [prefixed('a_')]);
    expect(withdraw).toEqual([all]);
    expect(lines(add)).toEqual(lines(readOperations.map((operation) => ({ ...all, operation }))));
  });

  it('that reaches further: it stays, and only what it gives is denied, on each fenced name, to whom and from where it says', () => {
    const acl = { ...wide, host: '10.0.0.1' };
    const { withdraw, add } = plan([acl, anAcl()], [literal('a_x'), literal('a_a')]);
    expect(withdraw).toEqual([]);
    expect(lines(add)).toEqual(
      lines(
        ['a_x', 'a_a'].map((resourceName) => ({ ...acl, resourceName, permission: 'DENY' })) satisfies readonly Acl[],
      ),
    );
  });

  it('of a prefix that is fenced in single topics: denied on these', () => {
    const { add } = plan([anAcl({ operation: 'WRITE' })], [literal('a_x')]);
    expect(add).toEqual([
      anAcl({ operation: 'WRITE', permission: 'DENY', resourceName: 'a_x', patternType: 'LITERAL' }),
    ]);
  });

  it('that only reads, is umbra’s, a super user’s, or about groups: nothing', () => {
    const acls = [
      anAcl(),
      anAcl({ operation: 'ALL', principal: umbra }),
      anAcl({ operation: 'ALL', principal: 'User:admin' }),
      anAcl({ operation: 'ALL', resourceType: 'GROUP' }),
    ];
    const done = planFence({ ...policy, superUsers: ['User:admin'], acls, book: noFence, names: [prefixed('a_')] });
    expect([...done.add, ...done.withdraw]).toEqual([]);
  });

  it('of the only ACL on a name stays where names without ACLs are everybody’s', () => {
    const create = anAcl({ operation: 'CREATE' });
    const done = planFence({
      ...policy,
      allowsWithoutAcl: true,
      acls: [create],
      book: noFence,
      names: [prefixed('a_')],
    });
    expect(done.withdraw).toEqual([]);
    expect(done.add).toEqual([{ ...create, permission: 'DENY' }]);
  });
});

describe('who gets around a fence', () => {
  const look = (acls: readonly Acl[], more: Partial<typeof policy> = {}): FenceSight =>
    lookAtFence({ ...policy, ...more, acls, book: noFence, names: [prefixed('a_')] });

  it('is named: everybody by an ACL that reaches further', () => {
    const everybody = { ...wide, principal: 'User:*' };
    const after = raised([everybody], [prefixed('a_')]);
    expect(lines(after)).toEqual(lines([everybody]));
    expect(look(after)).toMatchObject({
      kind: 'bypassed',
      by: [{ principal: 'User:*', host: '*', operations: ['WRITE'], names: '"a_"*', by: everybody }],
    });
  });

  it('is named: super users, and everybody where names without ACLs are his', () => {
    const sight = look([], { superUsers: ['User:admin', umbra], allowsWithoutAcl: true } as Partial<typeof policy>);
    expect(sight).toMatchObject({
      kind: 'bypassed',
      by: [{ principal: 'User:*', by: 'no ACL on these names', operations: changingOperations }],
      superUsers: [{ principal: 'User:admin', by: 'super user' }],
    });
  });

  it('is told from those whom the fence would stop', () => {
    expect(look([wide])).toMatchObject({ kind: 'open', by: [{ principal: 'User:x', by: wide }] });
    expect(look(raised([wide], [prefixed('a_')]))).toEqual({ kind: 'fenced', superUsers: [] });
  });

  it('has one line to be told by and one to be helped by, also for a thousand topics', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => literal(`a_${index}`));
    const acls = [{ ...wide, principal: 'User:*' }];
    const gaps = fenceGaps(acls, names, policy);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.message).toMatch(/^everybody may WRITE "a_0", .* and 995 more: ALLOW WRITE on TOPIC \* [^\n]*$/);
    expect(gaps[0]?.remedy).toMatch(/^Replace that ACL [^\n]*$/);
  });
});

/** A cluster and the fence's memory; what is remembered goes through the texts of its pages. */
class World {
  acls: readonly Acl[];
  #pages = new Map<number, string>();

  constructor(acls: readonly Acl[]) {
    this.acls = acls;
  }

  get book(): FenceBook {
    const pages = [...this.#pages.values()].map((text) => fencePageSchema.parse(JSON.parse(text)));
    return readFences(pages).get('one') ?? noFence;
  }

  /** Does the first `steps` of what there is to do: each ACL is one, and so is each writing of the memory. */
  to(names: readonly NamePattern[], steps = Infinity): void {
    const plan = planFence({ ...policy, acls: this.acls, book: this.book, names });
    const { add, withdraw, giveBack, takeBack } = plan;
    const work: readonly (() => void)[] = [
      () => this.#remember(plan.intent),
      ...add.map((acl) => () => this.#create(acl)),
      ...withdraw.map((acl) => () => this.#delete(acl)),
      ...giveBack.map((acl) => () => this.#create(acl)),
      ...takeBack.map((acl) => () => this.#delete(acl)),
      () => this.#remember(plan.outcome),
    ];
    for (const step of work.slice(0, steps)) step();
  }

  #remember(next: FenceBook): void {
    for (const page of changedFencePages('one', this.book, next)) {
      this.#pages.set(page.page, JSON.stringify(page));
    }
  }

  #create(acl: Acl): void {
    this.#delete(acl);
    this.acls = [...this.acls, acl];
  }

  #delete(acl: Acl): void {
    this.acls = this.acls.filter((each) => aclKey(each) !== aclKey(acl));
  }
}

const attempt = fc.record({ names: fc.oneof(someNames, fc.constant([])), steps: fc.nat({ max: 12 }) });

describe('what a fence gives back', () => {
  it('is exactly what was there, whatever it stood on and wherever it was interrupted', () => {
    fc.assert(
      fc.property(anyAcls({}, 10), fc.array(attempt, { maxLength: 5 }), (acls, attempts) => {
        const world = new World(acls);
        for (const { names, steps } of attempts) {
          world.to(names, steps);
          expect(lines(withoutFences(world.acls, [world.book]))).toEqual(lines(acls));
        }
        world.to([]);
        expect(lines(world.acls)).toEqual(lines(acls));
        expect(world.book).toEqual(noFence);
      }),
      { numRuns: 400 },
    );
  });

  it('leaves what others added meanwhile, and does not bring back what they removed', () => {
    fc.assert(
      fc.property(
        anyAcls({}, 10),
        fc.array(fc.tuple(attempt, anyAcls({}, 3), fc.nat()), { minLength: 1, maxLength: 4 }),
        (acls, rounds) => {
          const world = new World(acls);
          const expected = new Map(acls.map((acl) => [aclKey(acl), acl]));
          for (const [{ names, steps }, more, which] of rounds) {
            world.to(names, steps);
            const { added, withdrawn } = world.book;
            const theirs = more.filter((acl) => !added.has(aclKey(acl)));
            const removable = world.acls.filter((acl) => !added.has(aclKey(acl)) && !withdrawn.has(aclKey(acl)));
            const gone = removable[which % Math.max(1, removable.length)];
            world.acls = [...new Map([...world.acls, ...theirs].map((acl) => [aclKey(acl), acl])).values()];
            for (const acl of theirs) expected.set(aclKey(acl), acl);
            if (gone === undefined) continue;
            world.acls = world.acls.filter((acl) => aclKey(acl) !== aclKey(gone));
            expected.delete(aclKey(gone));
          }
          world.to([]);
          expect(lines(world.acls)).toEqual(lines(expected.values()));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('raised again it ends where it would have ended at once, and there is nothing more to do', () => {
    fc.assert(
      fc.property(anyAcls({}, 10), fc.array(attempt, { maxLength: 3 }), someNames, (acls, attempts, names) => {
        const world = new World(acls);
        for (const each of attempts) world.to(each.names, each.steps);
        world.to(names);
        expect(lines(world.acls)).toEqual(lines(raised(acls, names)));
        const { add, withdraw, giveBack, takeBack, intent, outcome } = planFence({
          ...{ ...policy, acls: world.acls, book: world.book, names },
        });
        expect([...add, ...withdraw, ...giveBack, ...takeBack]).toEqual([]);
        expect(changedFencePages('one', world.book, intent)).toEqual([]);
        expect(changedFencePages('one', world.book, outcome)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
