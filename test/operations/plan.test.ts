import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { operationKinds } from '../../src/operations/operation.ts';
import { planOperation, type PlanRequest, planText } from '../../src/operations/plan.ts';
import type { CandidateTopic, SitesSeen } from '../../src/operations/plan-sight.ts';
import { pathOf } from '../../src/operations/steps.ts';
import { topicStateKinds } from '../../src/pair/topic-state.ts';

const loss = fc.record({
  seconds: fc.nat(1_000),
  records: fc.nat(100_000),
  recordsAtMost: fc.nat(100_000),
  bytes: fc.nat(1_000_000),
  basis: fc.constantFrom('measured' as const, 'estimated' as const, 'stale' as const),
  sampleAgeMs: fc.option(fc.nat(100_000), { nil: undefined }),
});
const topic: fc.Arbitrary<CandidateTopic> = fc.record({
  name: fc.constantFrom('a_1', 'a_2', 'a_3', 'a_4', 'a_5'),
  home: fc.constant('a' as const),
  term: fc.nat(5),
  state: fc.constantFrom(...topicStateKinds),
  partitions: fc.nat(20),
  copyTopicId: fc.option(fc.constant('0123'), { nil: undefined }),
  loss: fc.option(loss, { nil: undefined }),
  busy: fc.option(fc.constant('it is being rebuilt'), { nil: undefined, freq: 10 }),
});
const candidates = fc.uniqueArray(topic, { selector: ({ name }) => name });
const seen: fc.Arbitrary<SitesSeen> = fc.record({
  sourceAnswers: fc.boolean(),
  fencing: fc.constantFrom('acl' as const, 'leaking' as const, 'unfenced' as const, 'unknown' as const),
  troubles: fc.array(fc.constant('the site has no leader'), { maxLength: 1 }),
  source: fc.option(
    fc.record({
      hasWayBack: fc.boolean(),
      transactions: fc.array(fc.constant('one of a_tx'), { maxLength: 2 }),
      fence: fc.constantFrom(
        { kind: 'holds' as const, superUsers: ['User:admin'] },
        { kind: 'bypassed' as const, by: [{ message: 'User:* may', remedy: 'Remove it.' }] },
        { kind: 'no authorizer' as const },
      ),
    }),
    { nil: undefined },
  ),
  ownGroups: fc.array(
    fc.record({
      group: fc.constant('a_readers'),
      topics: fc.constant(new Set(['a_1'])),
      why: fc.constant('it lives here'),
    }),
    { maxLength: 2 },
  ),
  barrier: fc.option(fc.record({ behind: fc.nat(10_000), seconds: fc.nat(10) }), { nil: undefined }),
});
const request: fc.Arbitrary<PlanRequest> = fc.record({
  kind: fc.constantFrom(...operationKinds),
  link: fc.constant('a-b'),
  to: fc.constant('b' as const),
  topics: fc.oneof(
    fc.constantFrom('all' as const, 'home' as const),
    fc.array(fc.constantFrom('a_1', 'a_2', 'a_3', 'a_9'), { minLength: 1, maxLength: 4 }),
  ),
  unconfirmed: fc.boolean(),
  unready: fc.boolean(),
});

const whole: SitesSeen = {
  sourceAnswers: true,
  source: undefined,
  fencing: 'acl',
  troubles: [],
  ownGroups: [],
  barrier: undefined,
};
const failover: PlanRequest = {
  ...{ kind: 'failover', link: 'a-b', to: 'b', topics: 'all', unconfirmed: false, unready: false },
};
const following: CandidateTopic = {
  ...{ name: 'a_1', home: 'a', term: 0, state: 'following', partitions: 3, copyTopicId: '0123', busy: undefined },
  loss: { seconds: 0.5, records: 7, recordsAtMost: 7, bytes: 700, basis: 'measured', sampleAgeMs: 12 },
};

describe('a plan', () => {
  test('holds every topic that was asked for, or says why not: none is left out silently', () => {
    fc.assert(
      fc.property(request, candidates, seen, (asked, topics, sites) => {
        const plan = planOperation(asked, topics, sites);
        const wanted =
          typeof asked.topics === 'string'
            ? topics
                .filter(({ state, home }) => state !== 'promoted' && (asked.topics === 'all' || home === asked.to))
                .map(({ name }) => name)
            : [...new Set(asked.topics)];
        for (const name of wanted) {
          const planned = plan.topics.some((each) => each.name === name);
          expect(
            planned || plan.blockers.some(({ message }) => message.startsWith(name) || message.includes(` ${name} `)),
          ).toBe(true);
        }
        expect(plan.topics.every(({ name }) => wanted.includes(name))).toBe(true);
        if (plan.topics.length === 0) expect(plan.blockers.length).toBeGreaterThan(0);
      }),
    );
  });

  test('promotes what does not follow only in a failover for which a person said so', () => {
    fc.assert(
      fc.property(request, candidates, seen, (asked, topics, sites) => {
        const { topics: planned } = planOperation(asked, topics, sites);
        const unready = planned.some(({ state }) => state !== 'following');
        if (unready) expect([asked.kind, asked.unready]).toEqual(['failover', true]);
      }),
    );
  });

  test('has a text that says what is confirmed, and stays the same while figures move by themselves', () => {
    fc.assert(
      fc.property(request, candidates, seen, seen, loss, (asked, topics, sites, later, other) => {
        const moved = topics.map((each) => ({ ...each, loss: other }));
        expect(planText(planOperation(asked, moved, later))).toBe(planText(planOperation(asked, topics, sites)));
        const grown = topics.map((each) => ({ ...each, term: each.term + 1 }));
        const before = planOperation(asked, topics, sites);
        if (before.topics.length > 0) expect(planText(planOperation(asked, grown, sites))).not.toBe(planText(before));
      }),
    );
  });

  test('without an answer of the old side needs the word of a person, and a switchover an answer', () => {
    const silent = { ...whole, sourceAnswers: false };
    const codes = (asked: PlanRequest): readonly string[] =>
      planOperation(asked, [following], silent).blockers.map(({ code }) => code);
    expect(codes(failover)).toEqual(['OLD_SIDE_UNCONFIRMED']);
    expect(codes({ ...failover, unconfirmed: true })).toEqual([]);
    expect(codes({ ...failover, kind: 'switchover', unconfirmed: true })).toEqual(['SOURCE_SILENT']);
  });

  test('names a group whose positions do not go along, where it has some on these topics', () => {
    const why = 'it has members at the standby';
    const ownGroups = [
      { group: 'a_readers', topics: new Set(['a_1', 'a_9']), why },
      { group: 'a_elsewhere', topics: new Set(['a_9']), why },
    ];
    const { blockers, warnings } = planOperation(failover, [following], { ...whole, ownGroups });
    expect(blockers).toEqual([]);
    const [own] = warnings.filter(({ code }) => code === 'OWN_GROUPS');
    expect(own?.message).toBe(`group a_readers does not get its positions at site b: ${why}`);
  });

  test('of a switchover names whoever the fence would not stop, and a pair without a way back, before anything begins', () => {
    const codes = (source: SitesSeen['source']): readonly string[] => {
      const { blockers, warnings } = planOperation({ ...failover, kind: 'switchover' }, [following], {
        ...whole,
        source,
      });
      return [...blockers, ...warnings].map(({ code }) => code);
    };
    const fenced = { fence: { kind: 'holds', superUsers: [] }, hasWayBack: true, transactions: [] } as const;
    const everybody = { message: 'everybody may WRITE a_1', remedy: 'Remove that ACL.' };
    expect(codes(fenced)).toEqual([]);
    expect(codes({ ...fenced, hasWayBack: false })).toEqual(['NO_WAY_BACK']);
    expect(codes({ ...fenced, fence: { kind: 'no authorizer' } })).toEqual(['BYPASSED']);
    expect(codes({ ...fenced, fence: { kind: 'bypassed', by: [everybody, everybody] } })).toEqual([
      'BYPASSED',
      'BYPASSED',
    ]);
    expect(codes({ ...fenced, fence: { kind: 'holds', superUsers: ['User:admin'] } })).toEqual(['SUPER_USERS']);
    expect(codes({ ...fenced, transactions: ['the one of a_tx', 'another'] })).toEqual(['TRANSACTIONS']);
  });

  test('adds up what may be missing, with the worst basis and age, and nothing for a switchover', () => {
    const stale = {
      ...following,
      name: 'a_2',
      loss: { ...following.loss!, basis: 'stale' as const, sampleAgeMs: 60_000 },
    };
    const plan = planOperation(failover, [following, stale], whole);
    expect(plan.loss).toEqual({
      seconds: 0.5,
      records: 14,
      recordsAtMost: 14,
      bytes: 1_400,
      basis: 'stale',
      sampleAgeMs: 60_000,
    });
    expect(plan.warnings.map(({ code }) => code)).toEqual(['LOSS']);
    expect(planOperation({ ...failover, kind: 'switchover' }, [following], whole).loss).toBeUndefined();
  });

  test('says that the schema primary moves with it, and where ids leap', () => {
    const schemas = { ...following, name: '_schemas', partitions: 1 };
    const warned = (kind: PlanRequest['kind'], topics: readonly CandidateTopic[]): readonly string[] =>
      planOperation({ ...failover, kind }, topics, whole).warnings.flatMap(({ code, message }) =>
        code === 'SCHEMAS_MOVE' ? [message] : [],
      );
    expect(warned('failover', [following])).toEqual([]);
    expect(warned('failover', [following, schemas])).toEqual([
      'site b becomes schema primary, and takes registrations then; its ids go on far above the highest one that is known',
    ]);
    expect(warned('switchover', [schemas])).toEqual(['site b becomes schema primary, and takes registrations then']);
  });

  test('of a topic of which nobody ever heard is worth nothing: stale, and no age', () => {
    const { loss: sum } = planOperation(failover, [{ ...following, loss: undefined }], whole);
    expect(sum).toEqual({ seconds: 0, records: 0, recordsAtMost: 0, bytes: 0, basis: 'stale' });
  });
});

test('each path ends behind the point of no return, and only there steps cannot be undone', () => {
  for (const kind of operationKinds) {
    const undoable = planOperation({ ...failover, kind }, [following], whole).steps.map(
      ({ undo }) => undo !== undefined,
    );
    expect(undoable.indexOf(false)).toBe(pathOf[kind].indexOf('granting'));
    expect(undoable.slice(undoable.indexOf(false))).not.toContain(true);
  }
});
