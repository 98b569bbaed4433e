import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { listedMax, onTimeMs, walkedMax } from '../../src/drill/schedule/due.ts';
import { scheduleShape } from '../../src/drill/schedule/schedule-shape.ts';
import { drillScheduleSchema } from '../../src/drill/schedule/schedule-spec.ts';

const page = readFileSync(new URL('../../docs/drill-schedules.md', import.meta.url), 'utf8');

describe('docs/drill-schedules.md', () => {
  it('names every field with its default, and no other', () => {
    const table = /<!-- fields:begin -->\n([\s\S]*?)<!-- fields:end -->/.exec(page)?.[1] ?? '';
    const rows = [...table.matchAll(/^\| `([^`]+)` +\| +(?:`([^`]+)`)?/gm)].map(([, field, value]) => [field, value]);
    expect(rows.map(([field]) => field)).toEqual(Object.keys(scheduleShape.shape));
    const { windows: _, cron: __, ...defaults } = drillScheduleSchema.parse({ cron: '@daily' });
    expect(Object.fromEntries(rows.filter(([, value]) => value !== undefined))).toEqual(defaults);
  });

  it('shows schedules that are taken', () => {
    const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json ?? '');
    expect(examples.length).toBeGreaterThan(5);
    for (const json of examples)
      expect(drillScheduleSchema.safeParse(JSON.parse(json)).error?.issues, json).toBeUndefined();
  });

  it('says the bounds that hold', () => {
    expect(page).toContain(`within ${onTimeMs / 1_000} s of its time`);
    expect(page).toContain(
      `${walkedMax.toLocaleString('en')} fires are gone through in one look, and the newest ${listedMax}`,
    );
  });
});
