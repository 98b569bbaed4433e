import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LegSeen, nextMove, type PhaseWork, type RunSight, verdictOf } from '../../src/drill/next-move.ts';
import { noFacts, type RunRecord } from '../../src/drill/run-record.ts';
import { makeScript, phaseName, type ScriptRequest } from '../../src/drill/script.ts';
import { abortTable, type AbortTrigger, abortTriggers } from '../../src/drill/triggers.ts';

const request: ScriptRequest = {
  ...{ level: 'L2', site: 'b', canaries: { a: 'a_umbra-canary-000001', b: 'b_umbra-canary-000001' }, topics: [] },
  ...{ baselineMs: 5_000, holdMs: 1_000, returns: true },
};
const at = '2026-11-22T10:00:00.000Z';

type Run = Pick<RunRecord, 'script' | 'at' | 'abort' | 'facts'>;

function begun(over: Partial<ScriptRequest> = {}): Run {
  return { script: makeScript({ ...request, ...over }), at: 0, facts: noFacts };
}

const l6 = { level: 'L6', topics: ['a_orders'] } as const;

function sight(run: Run, seen: Partial<RunSight> = {}): RunSight {
  return { run, work: { kind: 'none' }, leg: { kind: 'not begun' }, away: false, triggers: [], ...seen };
}

function atPhase(run: Run, name: string): Run {
  const index = run.script.phases.findIndex((phase) => phaseName(phase) === name);
  if (index < 0) throw new Error(`no phase ${name}`);
  return { ...run, at: index };
}

test('a canary drill moves one link after the other, each there and home, and proves each move', () => {
  expect(begun().script.phases.map(phaseName)).toEqual([
    ...['look', 'predict', 'baseline', 'arm', 'move 1', 'prove 1', 'hold', 'move 2', 'prove 2'],
    ...['move 3', 'prove 3', 'hold', 'move 4', 'prove 4', 'judge', 'cleanup', 'seal'],
  ]);
  expect(begun().script.legs.map(({ to, returns }) => `${to}${returns ? ' home' : ''}`)).toEqual([
    ...['b', 'a home', 'a', 'b home'],
  ]);
});

test('a forced loss fails over what is named with a canary, gives the site back, has it follow, and comes home', () => {
  const { phases, legs } = begun({ ...l6, tail: 'export' }).script;
  expect(phases.map(phaseName)).toEqual([
    ...['look', 'predict', 'baseline', 'arm', 'lose', 'move 1', 'prove 1', 'hold', 'mend', 'reconcile'],
    ...['move 2', 'prove 2', 'judge', 'cleanup', 'seal'],
  ]);
  const topics = ['a_orders', 'a_umbra-canary-000001'];
  expect(legs).toEqual([
    { kind: 'failover', to: 'b', topics, returns: false },
    { kind: 'switchover', to: 'a', topics, returns: true },
  ]);
  expect(phases.find(({ does }) => does === 'reconcile')).toMatchObject({ tail: 'export' });
});

test.each(['lose', 'move 1', 'prove 1', 'hold'])('a run that is ended at %s gives the lost site back first', (name) => {
  const abort = { trigger: 'operator', reason: '', before: true, at } as const;
  const run = { ...atPhase(begun(l6), name), abort };
  const leg = { kind: 'given up', reason: 'it was cancelled' } as const;
  const move = nextMove(sight(run, { leg: name === 'move 1' ? leg : { kind: 'not begun' } }));
  expect(move).toMatchObject({ kind: 'go', to: atPhase(run, 'mend').at });
});

test('a loss that cannot be made ends the run; one that cannot be mended fails it, and nothing more is moved', () => {
  const failed: PhaseWork = { kind: 'failed', reasons: ['exit code 1'] };
  const lost = nextMove(sight(atPhase(begun(l6), 'lose'), { work: failed }));
  expect(lost).toMatchObject({ kind: 'abort', abort: { trigger: 'operation given up', reason: 'exit code 1' } });
  for (const name of ['mend', 'reconcile']) {
    const run = atPhase(begun(l6), name);
    const move = nextMove(sight(run, { work: failed, away: true }));
    expect(move).toMatchObject({
      kind: 'go',
      to: atPhase(run, 'judge').at,
      result: 'failed',
      failures: ['exit code 1'],
    });
  }
});

test('what only the lost site has is left to people where a person is at it', () => {
  for (const trigger of abortTriggers) {
    const run = { ...atPhase(begun(l6), 'mend'), abort: { trigger, reason: '', before: false, at } };
    const move = nextMove(sight(run, { work: { kind: 'done' }, away: true }));
    const left = trigger === 'real incident' || trigger === 'two writers';
    expect(move, trigger).toMatchObject({ kind: 'go', to: atPhase(run, left ? 'judge' : 'reconcile').at });
  }
});

test('a rehearsal moves nothing: it reads the copies that are named, or all, and removes what it has made', () => {
  const { phases, legs } = begun({ level: 'L3', topics: ['a_orders'] }).script;
  expect(phases.map(phaseName)).toEqual(['look', 'predict', 'rehearse', 'cleanup', 'seal']);
  expect(phases[2]).toMatchObject({ topics: ['a_orders'] });
  expect(begun({ level: 'L3', topics: 'all' }).script.phases[2]).toMatchObject({ topics: 'all' });
  expect(legs).toEqual([]);
});

test('a rehearsal that fails is cleaned up behind, and fails the run; one that is given up, too', () => {
  const run = atPhase(begun({ level: 'L3', topics: 'all' }), 'rehearse');
  const cleanup = run.script.phases.findIndex(({ does }) => does === 'cleanup');
  const failed: PhaseWork = { kind: 'failed', reasons: ['group a_reader: it jumps'] };
  const move = nextMove(sight(run, { work: failed }));
  expect(move).toEqual({ kind: 'go', to: cleanup, result: 'failed', failures: ['group a_reader: it jumps'] });
  expect(verdictOf({ facts: { ...noFacts, failures: ['group a_reader: it jumps'] } }).verdict).toBe('FAILED');
  const incident = nextMove(sight(run, { triggers: [{ trigger: 'real incident', reason: 'somebody moves roles' }] }));
  expect(incident).toMatchObject({ kind: 'abort', abort: { trigger: 'real incident', before: true } });
  const abort = { trigger: 'real incident', reason: 'somebody moves roles', before: true, at } as const;
  expect(nextMove(sight({ ...run, abort }))).toMatchObject({ kind: 'go', to: cleanup, result: 'given up' });
  expect(verdictOf({ facts: noFacts, abort }).verdict).toBe('INTERRUPTED');
});

test('below L4 no script names a real topic, and below L6 none fails over', () => {
  for (const level of ['L0', 'L1', 'L2', 'L3'] as const) {
    const { legs } = begun({ level, topics: ['a_orders'] }).script;
    expect(JSON.stringify(legs)).not.toContain('a_orders');
  }
  for (const level of ['L0', 'L1', 'L2', 'L3', 'L4', 'L5'] as const) {
    const { legs } = begun({ level, topics: 'all' }).script;
    expect(legs.filter(({ kind }) => kind === 'failover')).toEqual([]);
  }
});

test.each(['look', 'predict', 'baseline', 'arm'])(
  'what stands against it in %s blocks it: nothing was begun',
  (name) => {
    const move = nextMove(sight(atPhase(begun(), name), { work: { kind: 'failed', reasons: ['no'] } }));
    expect(move).toEqual({ kind: 'block', reasons: ['no'] });
  },
);

test.each(abortTriggers.filter((each) => each !== 'operation given up'))(
  'the abort table holds while a move goes on: %s',
  (trigger) => {
    const run = atPhase(begun(), 'move 1');
    for (const promoted of [false, true]) {
      const leg: LegSeen = { kind: 'going on', promoted, aborting: false };
      const move = nextMove(sight(run, { leg, triggers: [{ trigger, reason: 'why' }] }));
      expect(move).toMatchObject({ kind: 'abort', abort: { trigger, before: !promoted } });
      const aborted = { ...run, abort: { trigger, reason: 'why', before: !promoted, at } };
      const next = nextMove(sight(aborted, { leg }));
      expect(next.kind).toBe(promoted ? 'wait' : 'cancel leg');
      const rule = abortTable[trigger][promoted ? 'after' : 'before'];
      expect(verdictOf({ ...aborted, facts: noFacts }).verdict).toBe(rule.verdict);
      const ended: LegSeen = promoted ? { kind: 'done' } : { kind: 'given up', reason: 'it was cancelled' };
      const after = nextMove(sight(aborted, { leg: ended }));
      const phase = after.kind === 'go' ? run.script.phases[after.to] : undefined;
      expect(phase?.does).toBe(rule.action === 'prove' ? 'prove' : 'judge');
    }
  },
);

test('an operation that is past its line when its drill is to be undone is carried to its end', () => {
  const run = { ...atPhase(begun(), 'move 1'), abort: { trigger: 'operator', reason: '', before: true, at } as const };
  const leg = { kind: 'going on', promoted: true, aborting: false } as const;
  expect(nextMove(sight(run, { leg })).kind).toBe('wait');
});

test('topics that are away when nothing moves count as past the line', () => {
  const triggers = [{ trigger: 'operator', reason: 'stop' }] as const;
  const held = nextMove(sight(atPhase(begun(), 'hold'), { away: true, triggers }));
  expect(held).toMatchObject({ kind: 'abort', abort: { before: false } });
  const armed = nextMove(sight(atPhase(begun(), 'arm'), { triggers }));
  expect(armed).toMatchObject({ kind: 'abort', abort: { before: true } });
});

test('a proof that does not hold fails the drill, names everything, and leaves the topics where they are', () => {
  const run = atPhase(begun(), 'prove 1');
  const failed: PhaseWork = { kind: 'failed', reasons: ['one is lost', 'two is doubled'] };
  const move = nextMove(sight(run, { work: failed, away: true }));
  expect(move).toMatchObject({ kind: 'abort', abort: { before: false }, failures: failed.reasons });
  const after = nextMove(
    sight({ ...run, abort: { trigger: 'canary', reason: '', before: false, at } }, { work: failed }),
  );
  expect(after).toMatchObject({ kind: 'go', to: run.script.phases.length - 3 });
});

interface Happening {
  readonly work: PhaseWork;
  readonly leg: LegSeen;
  readonly trigger: AbortTrigger | undefined;
}

const happening: fc.Arbitrary<Happening> = fc.record({
  work: fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: 'done' } as const) },
    { weight: 1, arbitrary: fc.constant({ kind: 'failed', reasons: ['wrong'] } as const) },
  ),
  leg: fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'done' } as const) },
    { weight: 1, arbitrary: fc.constant({ kind: 'given up', reason: 'it drained too long' } as const) },
    { weight: 1, arbitrary: fc.constant({ kind: 'refused', reason: 'somebody stands against it' } as const) },
    {
      weight: 3,
      arbitrary: fc.record({
        ...{ kind: fc.constant('going on' as const), promoted: fc.boolean(), aborting: fc.boolean() },
      }),
    },
  ),
  trigger: fc.option(fc.constantFrom(...abortTriggers), { nil: undefined, freq: 8 }),
});

const scripts: readonly Partial<ScriptRequest>[] = [{}, { level: 'L4', topics: ['a_orders'] }, l6];

/** A loss is mended before anything is judged, and nothing is left out of the end. */
function endsInOrder(worked: readonly string[]): boolean {
  const places = ['judge', 'cleanup', 'seal'].map((phase) => worked.lastIndexOf(phase));
  const [judged = -1] = places;
  const ends = places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1));
  const mended = worked.indexOf('mend', worked.indexOf('lose'));
  return ends && (!worked.includes('lose') || (mended >= 0 && mended < judged));
}

test('whatever happens, a run ends: blocked before anything moved or was lost, or judged, cleaned up and sealed, and mended where it was lost; and aborted it begins no further move', () => {
  fc.assert(
    fc.property(
      fc.array(happening, { minLength: 1, maxLength: 30 }),
      fc.constantFrom(...scripts),
      (happenings, over) => {
        let run = begun(over);
        let legs = 0;
        let sealed = false;
        const worked: string[] = [];
        for (let step = 0; step < 500; step++) {
          const now = happenings[Math.min(step, happenings.length - 1)];
          const phase = run.script.phases[run.at];
          // What goes on for ever is somebody else's fault: it is over in the end.
          const leg = step > 100 ? ({ kind: 'done' } as const) : (now?.leg ?? { kind: 'done' });
          const triggers = now?.trigger === undefined ? [] : [{ trigger: now.trigger, reason: 'seen' }];
          const begin = nextMove(sight(run, { triggers, leg: phase?.does === 'move' ? { kind: 'not begun' } : leg }));
          if (begin.kind === 'work' && phase?.does === 'move') {
            legs += 1;
            if (run.abort !== undefined) return false;
          }
          const work = begin.kind === 'work' ? (now?.work ?? { kind: 'done' }) : ({ kind: 'none' } as const);
          if (begin.kind === 'work' && phase !== undefined) worked.push(phase.does);
          const move = begin.kind === 'work' ? nextMove(sight(run, { triggers, leg, work })) : begin;
          switch (move.kind) {
            case 'end':
              return sealed && endsInOrder(worked);
            case 'block':
              return legs === 0 && !worked.includes('lose');
            case 'abort':
              if (run.abort !== undefined) return false;
              run = { ...run, abort: { ...move.abort, at } };
              break;
            case 'go':
              if (move.to <= run.at) return false;
              sealed ||= phase?.does === 'seal';
              run = { ...run, at: move.to };
              break;
            case 'work':
            case 'wait':
            case 'cancel leg':
          }
        }
        return false;
      },
    ),
    { numRuns: 3_000 },
  );
});
