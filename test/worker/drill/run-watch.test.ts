import { expect, test } from 'vitest';
import { drillSpecSchema, drillTimes } from '../../../src/drill/drill-spec.ts';
import { noFacts, type RunRecord } from '../../../src/drill/run-record.ts';
import { makeScript } from '../../../src/drill/script.ts';
import { RunWatch, type RunWatchPorts } from '../../../src/worker/drill/run-watch.ts';

const spec = drillSpecSchema.parse({ name: 'canary', level: 'L2', site: 'b', hold: '0s', baseline: '0s' });
const names = { a: 'a_umbra-canary-000001', b: 'b_umbra-canary-000001' };
const request = {
  level: 'L2',
  site: 'b',
  canaries: names,
  topics: [],
  baselineMs: 0,
  holdMs: 0,
  returns: true,
} as const;
const script = makeScript(request);

/** A watch at site b, where nothing is silent, stale or ringing, and the time that it goes by. */
function watch(): { readonly clock: { nowMs: number }; readonly seen: (leg: number) => readonly string[] } {
  const clock = { nowMs: 0 };
  const nothing = { operations: () => [] };
  const ports = {
    ...{ site: 'b', spec, times: drillTimes(spec), canaries: { writing: undefined } },
    ...{ clock: { monotonicMs: () => clock.nowMs, now: () => new Date(clock.nowMs) } },
    state: { moves: nothing, drills: {} },
    link: () => ({ peer: { isSilent: () => false, state: { moves: nothing } }, view: () => ({}) }),
  } as unknown as RunWatchPorts; // as: what a move under way asks of them
  const watching = new RunWatch(ports);
  const seen = (leg: number): readonly string[] => {
    const at = script.phases.findIndex((phase) => phase.does === 'move' && phase.leg === leg);
    const phase = script.phases[at];
    if (phase === undefined) throw new Error(`there is no move ${leg + 1}`);
    const run = { script, at, facts: noFacts, deadlineAt: new Date(86_400_000).toISOString() } as unknown as RunRecord; // as: these count
    return watching.triggers(run, phase, { kind: 'not begun' }).map(({ trigger, reason }) => `${trigger}: ${reason}`);
  };
  return { clock, seen };
}

test('a move that the other site neither begins nor refuses is lost contact, after the time that a takeover needs', () => {
  const { clock, seen } = watch();
  const there = script.legs.findIndex(({ to }) => to === 'a');
  expect(seen(there)).toEqual([]);
  clock.nowMs = 89_999;
  expect(seen(there)).toEqual([]);
  clock.nowMs = 90_000;
  expect(seen(there)).toEqual([
    `lost contact: site a has neither begun move ${there + 1} nor refused it for 90 s: does a worker lead it?`,
  ]);
});

test('each move has that time, and one that this site begins itself is not waited for', () => {
  const { clock, seen } = watch();
  const [first, second] = script.legs.flatMap(({ to }, leg) => (to === 'a' ? [leg] : []));
  const own = script.legs.findIndex(({ to }) => to === 'b');
  expect(seen(first ?? -1)).toEqual([]);
  clock.nowMs = 80_000;
  expect(seen(second ?? -1)).toEqual([]);
  clock.nowMs = 160_000;
  expect(seen(second ?? -1)).toEqual([]);
  expect(seen(own)).toEqual([]);
  clock.nowMs = 1_000_000;
  expect(seen(own)).toEqual([]);
});
