import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { drillSpecSchema, drillTimes } from '../../src/drill/drill-spec.ts';
import { drillLevels, drillVerdicts } from '../../src/drill/level.ts';
import { makeScript, type Script } from '../../src/drill/script.ts';
import { type AbortRule, abortTable, abortTriggers } from '../../src/drill/triggers.ts';
import { drillsConfigSchema } from '../../src/worker/drill/drills-config.ts';
import { pastRunsMax } from '../../src/worker/state/drill-memory.ts';

const page = readFileSync(new URL('../../docs/drills.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = '']) => JSON.parse(json) as object);

/** The rows of a table between its marks, by cell. */
function rows(mark: string): readonly (readonly string[])[] {
  const table = new RegExp(`<!-- ${mark}:begin -->([\\s\\S]*)<!-- ${mark}:end -->`).exec(page)?.[1] ?? '';
  return (table.match(/^\| `.*$/gm) ?? []).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('docs/drills.md', () => {
  test('has the abort table of the code, in the order in which triggers count', () => {
    const said = ({ action, verdict, page: pages }: AbortRule): string =>
      `${action}, ${verdict}${pages ? ', page' : ''}`;
    expect(rows('aborts').map(([trigger, , before, after]) => [trigger, before, after])).toEqual(
      abortTriggers.map((trigger) => [trigger, said(abortTable[trigger].before), said(abortTable[trigger].after)]),
    );
  });

  test('names every level, and calls those refused that are', () => {
    expect(rows('levels').map(([level]) => level)).toEqual([...drillLevels]);
    const refused = rows('levels').flatMap(([level, , , does = '']) => (does.includes('refused') ? [level] : []));
    const taken = (level: string): boolean => {
      const topics = level === 'L4' || level === 'L6' ? { topics: 'all' } : {};
      return drillSpecSchema.safeParse({ name: 'any', level, site: 'b', ...topics }).success;
    };
    expect(refused).toEqual(drillLevels.filter((level) => !taken(level)));
  });

  test('names every phase with its planned time', () => {
    const script = (level: 'L3' | 'L4' | 'L6'): Script =>
      makeScript({
        ...{ level, site: 'b', canaries: { a: 'a_umbra-canary-000001' }, topics: ['a_orders'] },
        ...{ baselineMs: 60_000, holdMs: 30_000, returns: true },
      });
    const phases = [...script('L3').phases, ...script('L4').phases, ...script('L6').phases];
    const planned = new Map(phases.map(({ does, plannedMs }) => [does as string, `${plannedMs / 1000} s`]));
    planned.set('baseline', 'baseline').set('hold', 'hold');
    const documented = rows('phases').map(([phase = '', time]) => [phase, time] as const);
    expect(documented.toSorted()).toEqual([...planned].toSorted());
  });

  test('names every verdict', () => {
    expect(rows('verdicts').map(([verdict]) => verdict)).toEqual([...drillVerdicts]);
  });

  test('names every field of a drill, with the defaults that the schema has', () => {
    expect(rows('fields').map(([field]) => field)).toEqual(Object.keys(drillSpecSchema.shape));
    const parsed: Readonly<Record<string, unknown>> = drillSpecSchema.parse({ name: 'any', level: 'L0', site: 'b' });
    const literal = [...page.matchAll(/^\| `(\w+)` +\| `([^`]+)` +\|/gm)].filter(([, field = '']) => field in parsed);
    expect(literal.length).toBeGreaterThan(4);
    for (const [, field = '', value] of literal) expect(String(parsed[field]), field).toBe(value);
  });

  test('says the defaults that follow from the level', () => {
    const times = (level: string): object =>
      drillTimes(
        drillSpecSchema.parse({ name: 'any', level, site: 'b', ...(level === 'L4' ? { topics: 'all' } : {}) }),
      );
    const day = 86_400_000;
    expect(times('L2')).toMatchObject({ baselineMs: 5_000, holdMs: 1_000, rtoMs: 60_000, apartMs: 0 });
    expect(times('L4')).toMatchObject({ baselineMs: 60_000, holdMs: 30_000, recentPassMs: 7 * day, apartMs: 600_000 });
    expect(times('L4')).toMatchObject({ deadManMs: 660_000, approvalMs: day });
    expect(times('L5')).toMatchObject({ recentPassMs: 90 * day });
    expect(page).toContain(`the newest ${pastRunsMax} runs`);
  });

  test('shows drills and a worker’s file that are taken', () => {
    const [file, ...others] = examples.filter((each) => 'drills' in each);
    expect(others).toEqual([]);
    expect(drillsConfigSchema.safeParse(Object.values(file ?? {})[0]).error?.issues).toBeUndefined();
    const expendable = examples.filter((each) => 'loss' in each);
    expect(expendable.length).toBe(1);
    for (const each of expendable) expect(drillsConfigSchema.safeParse(each).error?.issues).toBeUndefined();
    const declared = examples.filter((each) => !('drills' in each || 'loss' in each));
    expect(declared.length).toBeGreaterThan(1);
    for (const each of declared) expect(drillSpecSchema.safeParse(each).error?.issues).toBeUndefined();
  });
});
