import { expect, test } from 'vitest';
import { endsRun, isLostOnPurpose, isMendDue } from '../../src/drill/loss-on-purpose.ts';
import type { JournalEntry } from '../../src/drill/run-record.ts';
import { makeScript, phaseName, type ScriptRequest } from '../../src/drill/script.ts';
import { abortTriggers } from '../../src/drill/triggers.ts';

const at = '2026-11-22T10:00:00.000Z';
const request: Omit<ScriptRequest, 'level'> = {
  ...{ site: 'b', canaries: { a: 'a_umbra-canary-000001' }, topics: ['a_orders'] },
  ...{ baselineMs: 1_000, holdMs: 1_000, returns: true },
};
const script = makeScript({ ...request, level: 'L6' });

const everywhere = ['look', 'predict', 'baseline', 'arm', 'move 2', 'prove 2', 'judge', 'cleanup', 'seal'];
const lost = ['lose', 'move 1', 'prove 1', 'hold', 'mend', 'reconcile'];

test('a site is missed on purpose from its loss until it follows again, and in no other drill', () => {
  for (const [index, phase] of script.phases.entries())
    expect(isLostOnPurpose({ script, at: index }), phaseName(phase)).toBe(lost.includes(phaseName(phase)));
  expect(script.phases.map(phaseName).toSorted()).toEqual([...everywhere, ...lost].toSorted());
  const l4 = makeScript({ ...request, level: 'L4' });
  for (const index of l4.phases.keys()) expect(isLostOnPurpose({ script: l4, at: index })).toBe(false);
});

test.each(script.phases.map((phase, index) => [phaseName(phase), index] as const))(
  'in %s each trigger ends the run, but what follows from a loss while it is wanted',
  (name, index) => {
    const run = { script, at: index };
    const missed = lost.includes(name);
    for (const trigger of abortTriggers) {
      const follows = trigger === 'lost contact' || trigger === 'exposure rising';
      expect(endsRun(run, trigger), trigger).toBe(!(missed && follows));
      const ofLink = follows || trigger === 'stale input' || trigger === 'outcome alarm';
      expect(endsRun(run, trigger, 'the link'), `${trigger} of the link`).toBe(!(missed && ofLink));
    }
  },
);

test('a loss that was begun is due to be mended until that is done', () => {
  const entry = (step: string, result: JournalEntry['result']): JournalEntry => ({
    ...{ step, plannedMs: 0, startedAt: at, result },
  });
  const due = (...journal: readonly JournalEntry[]): boolean => isMendDue({ script, journal: [...journal] });
  expect(due(entry('arm', 'done'))).toBe(false);
  expect(due(entry('arm', 'done'), entry('lose', 'running'))).toBe(true);
  expect(due(entry('lose', 'given up'), entry('judge', 'running'))).toBe(true);
  expect(due(entry('lose', 'done'), entry('mend', 'failed'))).toBe(true);
  expect(due(entry('lose', 'done'), entry('mend', 'done'))).toBe(false);
  expect(isMendDue({ script, journal: [entry('lose', 'running')], blocked: ['no'] })).toBe(false);
});
