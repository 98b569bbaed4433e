import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type DrillSpecInput, drillSpecSchema } from '../../../src/drill/drill-spec.ts';
import { freezeMsMax, inForce, newFreeze } from '../../../src/worker/drill/freeze.ts';
import { Timetable } from '../../../src/worker/drill/timetable.ts';
import { DrillMemory } from '../../../src/worker/state/drill-memory.ts';
import type { SchemaPrimary } from '../../../src/schema-primary/schema-primary.ts';
import { rememberedEntries } from '../../fixtures/state-entries.ts';

const start = new Date('2026-11-23T10:00:00.000Z');
const { signal } = new AbortController();

beforeEach(() => void vi.useFakeTimers({ now: start }));
afterEach(() => void vi.useRealTimers());

/** A site's timetable with a clock that is moved, and what it has begun. */
async function followed(input: DrillSpecInput): Promise<{
  readonly drills: DrillMemory;
  readonly begun: readonly { readonly requestedBy: string; readonly at: string }[];
  readonly pair: { schemaPrimary: SchemaPrimary | undefined; isQuiet: boolean };
  readonly pass: (seconds: number) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}> {
  const drills = new DrillMemory(rememberedEntries().entries);
  const spec = drillSpecSchema.parse(input);
  await drills.putSpec(spec, { drill: spec.name, handledTo: start.toISOString(), skips: 0 }, signal);
  const begun: { requestedBy: string; at: string }[] = [];
  const pair = { schemaPrimary: undefined as SchemaPrimary | undefined, isQuiet: true };
  const table = new Timetable({
    ...{ site: 'b', mayAct: () => true, link: () => undefined, busy: () => false, quiet: () => pair.isQuiet },
    clock: { monotonicMs: () => performance.now(), now: () => new Date() },
    ...{ logger: pino({ level: 'silent' }), events: { report: () => undefined } },
    state: {
      ...{ drills, links: () => [], prefixPolicy: undefined, roles: () => ({ kind: 'read', records: new Map() }) },
      get schemaPrimary() {
        return pair.schemaPrimary;
      },
    },
    begin: async (_spec, { requestedBy, cursor }) => {
      begun.push({ requestedBy, at: new Date().toISOString() });
      await drills.followed(cursor, { skipped: [], findings: [] }, signal);
    },
  });
  return {
    ...{ drills, begun, pair },
    pass: (seconds) => vi.advanceTimersByTimeAsync(seconds * 1_000),
    stop: async () => {
      const stopped = table.stop();
      await vi.runOnlyPendingTimersAsync();
      await stopped;
    },
  };
}

const everyMinute = { cron: '* * * * *' };

test('while drills are frozen times of schedules are skipped, by name and in the history, and after it they run', async () => {
  const { drills, begun, pass, stop } = await followed({
    name: 'canary',
    level: 'L2',
    site: 'b',
    schedule: everyMinute,
  });
  await drills.putFreeze(newFreeze({ by: 'ann', reason: 'sale', until: '2026-11-23T10:01:30Z' }, start), signal);
  await pass(70);
  expect(begun).toEqual([]);
  const [skipped] = drills.past();
  expect(skipped).toMatchObject({ verdict: 'SKIPPED', plannedFor: '2026-11-23T10:01:00.000Z' });
  expect(skipped?.reasons).toEqual(['frozen by ann until 2026-11-23T10:01:30.000Z: sale']);
  await pass(60);
  expect(begun.map(({ requestedBy }) => requestedBy)).toEqual(['schedule']);
  await stop();
});

test('a freeze keeps no look from being taken', async () => {
  const { drills, begun, pass, stop } = await followed({
    name: 'ready',
    level: 'L0',
    site: 'b',
    schedule: everyMinute,
  });
  await drills.putFreeze(newFreeze({ by: 'ann', reason: 'sale', until: '2026-11-24T00:00:00Z' }, start), signal);
  await pass(70);
  expect(begun).toHaveLength(1);
  await stop();
});

test('the longer of two freezes counts, and none whose time is over', () => {
  const short = newFreeze({ by: 'ann', reason: 'sale', until: '2026-11-23T11:00:00Z' }, start);
  const long = newFreeze({ by: 'bob', reason: 'move', until: '2026-11-23T12:00:00Z' }, start);
  expect(inForce([short, long], start)).toEqual(long);
  expect(inForce([short, undefined], start)).toEqual(short);
  expect(inForce([short, long], new Date(long.until))).toBeUndefined();
});

test.each([
  ['now', start.toISOString()],
  ['past', '2026-11-23T09:59:59.000Z'],
  ['too far', new Date(start.getTime() + freezeMsMax + 1).toISOString()],
])('a freeze whose end is %s is refused', (_what, until) => {
  expect(() => newFreeze({ by: 'ann', reason: 'sale', until }, start)).toThrow(
    `until: must be within the next 90 days; it is ${until}, and here it is 2026-11-23T10:00:00.000Z`,
  );
});

test('a drill on change begins once after what is declared has settled, and not again until that changes', async () => {
  const { begun, pair, pass, stop } = await followed({ name: 'ready', level: 'L0', site: 'b', onChange: true });
  // What was declared before the drill was counts as a change, too.
  await pass(60);
  expect(begun).toEqual([{ requestedBy: 'a change', at: '2026-11-23T10:00:10.000Z' }]);
  pair.schemaPrimary = { site: 'a' };
  await pass(6);
  pair.schemaPrimary = { site: 'b' };
  await pass(8);
  expect(begun).toHaveLength(1);
  await pass(60);
  expect(begun).toHaveLength(2);
  await stop();
});

test('a change that a move brings is looked at when nobody moves roles any more', async () => {
  const { begun, pair, pass, stop } = await followed({ name: 'ready', level: 'L0', site: 'b', onChange: true });
  pair.isQuiet = false;
  await pass(60);
  expect(begun).toEqual([]);
  pair.isQuiet = true;
  await pass(4);
  expect(begun).toHaveLength(1);
  await stop();
});

test('what does more than look begins by no change', () => {
  const wrong = drillSpecSchema.safeParse({ name: 'canary', level: 'L2', site: 'b', onChange: true });
  expect(wrong.error?.issues).toEqual([
    expect.objectContaining({
      path: ['onChange'],
      message: 'must be left out: L2 does more than look, and begins when somebody or a schedule says so',
    }),
  ]);
});
