import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coordinatorMove } from '../../src/operations/coordinate.ts';
import { operationKinds } from '../../src/operations/operation.ts';
import { partMove } from '../../src/operations/take-part.ts';
import { sites } from '../../src/pair/site.ts';
import { type ModelEvent, PairModel, type Rules } from './site-model.ts';

const seed = Number(process.env['ROLES_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const runs = Number(process.env['ROLES_RUNS'] ?? '10000');

const site = fc.constantFrom(...sites);
const event: fc.Arbitrary<ModelEvent> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({ kind: fc.constant('work' as const), site, rounds: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'tick' as const), site }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('write' as const, 'copy' as const), site }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('crash' as const, 'reconcile' as const), site }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), site }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'heal' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(500, 20_000, 70_000, 130_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('start' as const),
      site,
      operation: fc.constantFrom(...operationKinds),
      unconfirmed: fc.boolean(),
    }),
  },
);

/** Plays the events, then lets everything heal; throws where something does not hold. */
function play(events: readonly (readonly [ModelEvent, number])[], rules?: Rules): void {
  const pair = new PairModel(rules);
  for (const [each, pick] of events) {
    pair.play(each, pick);
    const violation = pair.violation();
    if (violation !== undefined) throw new Error(`${violation} after ${JSON.stringify(each)}\n${pair.describe()}`);
  }
  pair.settle();
  const violation = pair.violation() ?? pair.violationAtRest();
  if (violation !== undefined) throw new Error(`${violation}\n${pair.describe()}`);
}

const events = fc.array(fc.tuple(event, fc.nat(255)), { minLength: 20, maxLength: 250 });

test(`whatever operations, crashes, cuts and returns come together: one writer at most, one direction, and nothing lost silently (seed ${seed})`, () => {
  fc.assert(
    fc.property(events, (each) => play(each)),
    { seed, numRuns: runs },
  );
}, 180_000);

/** What would go wrong without a rule: the model notices, or it would prove nothing. */
const withoutRule: readonly { readonly rule: string; readonly rules: Rules; readonly wrong: RegExp }[] = [
  {
    rule: 'the seal of the old primary before the promotion',
    rules: {
      coordinator: (facts, limits) => {
        const asSealed = facts.part?.state === 'fenced' && facts.operation.step.kind === 'sealing';
        return coordinatorMove(asSealed ? { ...facts, part: { state: 'sealed' } } : facts, limits);
      },
      part: partMove,
    },
    wrong: /two sites may be written/,
  },
  {
    rule: 'that a sealed fence is given back by the coordinator’s word only',
    rules: {
      coordinator: coordinatorMove,
      part: (facts, limits) =>
        facts.part?.state === 'sealed' && facts.waitedMs > 120_000
          ? { kind: 'note', state: 'restoring' }
          : partMove(facts, limits),
    },
    wrong: /two sites may be written|has a tail/,
  },
  {
    rule: 'that a fence which nobody goes on with is given back',
    rules: {
      coordinator: (facts, limits) =>
        facts.operation.step.kind === 'aborting' ? { kind: 'wait' } : coordinatorMove(facts, limits),
      part: (facts, limits) => {
        const move = partMove(facts, limits);
        return move.kind === 'note' && move.state === 'restoring' ? { kind: 'wait' } : move;
      },
    },
    wrong: /0 sites may be written at rest|at rest/,
  },
  {
    rule: 'that who comes back to a higher term fences itself',
    rules: {
      coordinator: coordinatorMove,
      part: (facts, limits) => {
        const late = facts.part === undefined && facts.operation.step.kind !== 'fencing';
        return late ? { kind: 'wait' } : partMove(facts, limits);
      },
    },
    wrong: /2 sites may be written at rest/,
  },
];

test.each(withoutRule)('without $rule the model finds what goes wrong', ({ rules, wrong }) => {
  const found = (): void =>
    fc.assert(
      fc.property(events, (each) => play(each, rules)),
      { seed: 42, numRuns: 3_000, endOnFailure: true },
    );
  expect(found).toThrow(
    expect.objectContaining({
      cause: expect.objectContaining({ message: expect.stringMatching(wrong) as string }) as Error,
    }),
  );
});

test('the model reaches every step: a switchover to and fro, a failover, a reconciled return', () => {
  const pair = new PairModel();
  const primary = (): string => sites.filter((each) => pair.sites[each].open).join();
  const both = (kind: 'read' | 'tick' | 'copy', times: number): void => {
    for (let count = 0; count < times; count++) for (const each of sites) pair.play({ kind, site: each }, 0);
  };
  pair.play({ kind: 'write', site: 'a' }, 0);
  both('read', 1);
  for (const to of ['b', 'a'] as const) {
    pair.play({ kind: 'start', site: to, operation: 'switchover', unconfirmed: false }, 0);
    pair.settle();
    expect(primary()).toBe(to);
    pair.play({ kind: 'write', site: to }, 0);
  }
  pair.settle();
  pair.play({ kind: 'cut' }, 0);
  pair.play({ kind: 'write', site: 'a' }, 0);
  pair.play({ kind: 'start', site: 'b', operation: 'failover', unconfirmed: true }, 0);
  for (let count = 0; count < 20; count++) {
    pair.play({ kind: 'tick', site: 'b' }, 0);
    pair.play({ kind: 'wait', ms: 5_000 }, 0);
  }
  expect(pair.sites.b.open).toBe(true);
  pair.settle();
  expect(primary()).toBe('b');
  pair.play({ kind: 'reconcile', site: 'a' }, 0);
  expect(pair.sites.a.quarantine).toHaveLength(1);
  pair.settle();
  expect(pair.sites.a.log).toEqual(pair.sites.b.log);
});
