import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/evidence/canonical.ts';
import { type EvidenceContent, evidenceContentSchema } from '../../src/evidence/document.ts';
import { roundValues, scaleOf, timeTicks } from '../../src/evidence/page/axis.ts';
import { renderEvidencePage } from '../../src/evidence/page/evidence-page.ts';
import { duration } from '../../src/evidence/page/figures.ts';
import { html } from '../../src/evidence/page/html.ts';
import { notRunLately, openFindings } from '../../src/evidence/page/runs.ts';
import { renderTrendPage } from '../../src/evidence/page/trend.ts';
import { at, sampleContent, sampleYears } from './samples.ts';

const previous = { sequence: 6, hash: 'ef'.repeat(32) };

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function drawn(content: Partial<EvidenceContent>): string {
  return renderEvidencePage(sampleContent(content), { previous });
}

describe('the page of a run', () => {
  test('says every text of its document, but for thousands of samples', () => {
    const page = drawn({ verdict: 'FAILED' }).toLowerCase();
    const { exposure: _samples, rto, ...rest } = sampleContent({ verdict: 'FAILED' });
    const points = rto.vantagePoints.map(({ acks: _acks, ...point }) => point);
    for (const text of textsOf({ ...rest, points })) {
      expect(page.includes(html`${text}`.markup.toLowerCase()), text).toBe(true);
    }
    expect(page).toContain(previous.hash);
  });

  test('is the same bytes for the same content, whatever the order of its fields', () => {
    const content = sampleContent();
    // As a document has it: every key in canonical order.
    const sorted = evidenceContentSchema.parse(JSON.parse(canonicalJson(content)));
    expect(renderEvidencePage(sorted, { previous })).toBe(renderEvidencePage(content, { previous }));
    const years = sampleYears();
    const read = years.map((run) => evidenceContentSchema.parse(JSON.parse(canonicalJson(run))));
    expect(renderTrendPage(read)).toBe(renderTrendPage(years));
  });

  test('loads nothing and runs nothing: no address, no script, no style from elsewhere', () => {
    for (const page of [drawn({}), renderTrendPage(sampleYears())]) {
      expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|https?:|\son[a-z]+=|javascript:/);
      expect(page).toContain('default-src &#39;none&#39;');
    }
  });

  test('escapes whatever comes from elsewhere, wherever it stands', () => {
    const evil = '"><script>alert(1)</script>\u202e\u0007&\'';
    const replaced = JSON.stringify(sampleContent()).replaceAll(
      /"(a_orders|planned-switchover|sre|ravi|baseline|hold|a-b|outside, at an office|F-12|billing|lena)"/g,
      () => JSON.stringify(evil),
    );
    const content = JSON.parse(replaced) as EvidenceContent;
    for (const page of [renderEvidencePage(content, { previous: undefined }), renderTrendPage([content])]) {
      expect(page).not.toContain('<script');
      expect(page).not.toMatch(/[\u202e\u0007]/);
      expect(page).toContain('&lt;script&gt;');
    }
  });

  test('has a line where a move had passed its point of no return, and none where it was given up before', () => {
    expect(drawn({})).toContain('point of no return');
    const step = { actor: 'x', plannedMs: 1, startedAt: at(0), endedAt: at(1) };
    const timeline = [
      { ...step, step: 'switchover', result: 'failed' as const },
      { ...step, step: 'promoting', within: 'switchover', result: 'given up' as const },
    ];
    expect(drawn({ timeline })).not.toContain('point of no return');
  });

  test('of a run that never began stands without plots', () => {
    const page = drawn({
      ...{ verdict: 'BLOCKED', verdictReasons: ['An alarm rings.'], timeline: [], exposure: [], endedAt: at(0) },
      ...{ rto: { phases: {}, vantagePoints: [] }, integrity: { problems: [] }, preconditions: [] },
    });
    expect(page).toContain('An alarm rings.');
    expect(page).not.toContain('<svg');
    expect(page).not.toContain('NaN');
  });

  test('thins thousands of samples out, and keeps the worst of them', () => {
    const link = 'a-b';
    const exposure = Array.from({ length: 20_000 }, (_, index) => ({
      ...{ at: at(index), link, seconds: index === 12_345 ? 77.7 : 0.1, basis: 'measured' as const },
    }));
    const page = drawn({ exposure });
    expect(page.length).toBeLessThan(200_000);
    expect(page).toContain('at most 1 min 18 s');
  });

  test('draws every mark inside of its plot, whatever the times', () => {
    const offsets = fc.array(fc.tuple(fc.integer({ min: -1e7, max: 1e7 }), fc.integer({ min: 0, max: 1e7 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(offsets, (spans) => {
        const timeline = spans.map(([from, ms], index) => ({
          ...{
            step: `step ${index}`,
            plannedMs: ms / 2,
            startedAt: at(from / 1_000),
            endedAt: at((from + ms) / 1_000),
          },
          ...{ actor: 'x', result: 'done' as const },
        }));
        const [first = [0, 0]] = spans;
        const gap = { writeGapFrom: at(first[0] / 1_000), writeGapMs: first[1] };
        const vantagePoints = [
          { name: 'a', link: 'a-b', ...gap, acks: spans.map(([from]) => ({ at: at(from / 1_000), ms: 1 })) },
        ];
        const exposure = spans.map(([from, ms]) => ({
          ...{ at: at(from / 1_000), link: 'a-b', seconds: ms / 1_000, basis: 'measured' as const },
        }));
        const page = drawn({ timeline, rto: { phases: {}, vantagePoints }, exposure });
        expect(page).not.toMatch(/NaN|Infinity|="undefined/);
        for (const [, x, width] of page.matchAll(/<rect [^>]*x="([-\d.]+)" y="[-\d.]+" width="([-\d.]+)"/g)) {
          expect(Number(x)).toBeGreaterThanOrEqual(190);
          expect(Number(x) + Number(width)).toBeLessThanOrEqual(770.5);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('axes', () => {
  test('have round steps, few of them, inside of the axis', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 1e12, noNaN: true }), (span) => {
        const ticks = timeTicks(scaleOf({ from: 0, to: span }, [0, 600]));
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks.length).toBeLessThan(60);
        for (const { x } of ticks) expect(x).toBeLessThanOrEqual(600);
        const values = roundValues(span);
        expect(values.at(-1)).toBeGreaterThanOrEqual(span * 0.999);
        expect(values.length).toBeLessThanOrEqual(6);
      }),
    );
    expect(roundValues(0)).toEqual([0, 1]);
    expect(roundValues(6)).toEqual([0, 2, 4, 6]);
  });

  test.each([
    [0, '0 ms'],
    [840, '840 ms'],
    [1_844, '1.84 s'],
    [59_960, '60 s'],
    [90_000, '1 min 30 s'],
    [3_600_000, '1 h'],
    [93_600_000, '1 d 2 h'],
  ])('%i ms are written as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe('the page of many runs', () => {
  test('has a cell for each day with a run, the gravest verdict where there are several', () => {
    const run = (verdict: EvidenceContent['verdict'], hour: number) =>
      sampleContent({ reportId: `run-at-${hour}`, verdict, startedAt: `2028-02-29T0${hour}:00:00Z` });
    const page = renderTrendPage([run('PASSED', 1), run('FAILED', 2), run('SKIPPED', 3)]);
    expect(page.match(/class="day"/g)).toHaveLength(1);
    expect(page).toContain('2028-02-29: PASSED, FAILED, SKIPPED');
    expect(page).toContain('cell-FAILED');
    expect(renderTrendPage(sampleYears()).match(/class="day"/g)).toHaveLength(98);
  });

  test('says the same whatever the order of the documents, and of none that there are none', () => {
    expect(renderTrendPage(sampleYears().toReversed())).toBe(renderTrendPage(sampleYears()));
    expect(renderTrendPage([])).toMatch(/>\s*0\s+runs/);
  });

  test('has findings as the newest run that names them has them', () => {
    const [finding] = sampleContent().findings;
    if (finding === undefined) throw new Error('no finding');
    const run = (hour: number, findings: EvidenceContent['findings']) =>
      sampleContent({ reportId: `run-at-${hour}`, startedAt: `2026-01-01T0${hour}:00:00Z`, findings });
    const other = { ...finding, id: 'F-13', severity: 'critical' as const };
    const runs = [run(2, [{ ...finding, status: 'closed' }, other]), run(1, [finding]), run(3, [])];
    expect(openFindings(runs).map(({ id, reportId }) => `${id} of ${reportId}`)).toEqual(['F-13 of run-at-2']);
  });

  test('counts runs that were skipped or blocked since one ran', () => {
    const verdicts = (...of: readonly EvidenceContent['verdict'][]) => of.map((verdict) => ({ verdict }));
    expect(notRunLately(verdicts('SKIPPED', 'PASSED', 'BLOCKED', 'SKIPPED'))).toBe(2);
    expect(notRunLately(verdicts('SKIPPED'))).toBe(1);
    expect(notRunLately(verdicts('FAILED'))).toBe(0);
    expect(notRunLately([])).toBe(0);
  });
});
