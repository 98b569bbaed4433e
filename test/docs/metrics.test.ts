import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createMetrics, metricCatalogue } from '../../src/worker/metrics/registry.ts';
import { alertExpressions, dashboardExpressions, selectorsOf } from '../fixtures/observability.ts';

const catalogue = metricCatalogue();
const named = new Map(catalogue.map((metric) => [metric.name, metric]));
const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

describe('the catalogue of metrics', () => {
  test('has each name once; counters end in _total, and nothing else does', () => {
    expect(named.size).toBe(catalogue.length);
    expect(catalogue.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter'))).toEqual([]);
    expect(catalogue.filter(({ name }) => !/^umbra_[a-z_]+$/.test(name))).toEqual([]);
  });

  test('names its unit in the metric, but for plain numbers and offsets', () => {
    const unnamed = catalogue.filter(
      ({ name, unit }) => unit !== '1' && !name.includes(unit === 'offset' ? 'offset' : unit),
    );
    const otherwise = ['umbra_drill_last_success_timestamp', 'umbra_topic_unverified_offsets'];
    expect(unnamed.map(({ name }) => name)).toEqual(otherwise);
  });

  test('is the table in the docs', () => {
    const table = /<!-- metrics:begin -->([\s\S]*)<!-- metrics:end -->/.exec(page)?.[1] ?? '';
    const rows = table.match(/^\| `.*$/gm)?.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    expect(rows).toEqual(
      catalogue.map(({ name, type, unit, labels, from, help, absent }) => [
        `\`${name}\``,
        ...[type, unit, labels.join(', ') || '–', from],
        `${help}${absent === undefined ? '' : ` Absent while ${absent}.`}`,
      ]),
    );
  });

  test('has what each of the seven series of Redpanda’s shadow links says', () => {
    const rows = [...page.matchAll(/^\| `redpanda_shadow_link_\w+` *\|(.*)\|$/gm)];
    expect(rows).toHaveLength(7);
    const ours = rows.flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
    expect(ours.filter((name) => !named.has(name))).toEqual([]);
  });

  test('is exported with its types, and what is the controller’s only where a worker leads', async () => {
    const text = await createMetrics('p', 'b', () => ({ own: undefined, control: undefined, ready: false })).metrics();
    const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => ({ name, type }));
    expect(types).toEqual(catalogue.map(({ name, type }) => ({ name, type })));
    const samples = text.split('\n').filter((line) => line.startsWith('umbra_'));
    expect(samples).toContain('umbra_worker_leads{pair="p",site="b"} 0');
    const controllers = catalogue.filter(({ from }) => from === 'controller');
    expect(controllers.filter(({ name }) => samples.some((line) => line.startsWith(`${name}{`)))).toEqual([]);
  });
});

describe.each([
  ['the dashboard', dashboardExpressions()],
  ['the alert rules', alertExpressions()],
])('%s', (_what, expressions) => {
  test('names metrics of the catalogue, with labels that they have', () => {
    expect(expressions.length).toBeGreaterThan(10);
    const wrong = expressions.flatMap((expression) => {
      const selectors = selectorsOf(expression);
      const known = new Set([
        'pair',
        'site',
        'instance',
        ...selectors.flatMap(({ name }) => named.get(name)?.labels ?? []),
      ]);
      const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
      return [
        ...(selectors.length === 0 ? [`no metric in ${expression}`] : []),
        ...selectors.filter(({ name }) => !named.has(name)).map(({ name }) => `no metric ${name}`),
        ...selectors.flatMap(({ name, labels }) =>
          labels
            .filter((label) => ![...(named.get(name)?.labels ?? []), 'pair', 'site', 'instance'].includes(label))
            .map((label) => `${name} has no label ${label}`),
        ),
        ...grouped.filter((label) => !known.has(label)).map((label) => `no label ${label} in ${expression}`),
      ];
    });
    expect(wrong).toEqual([]);
  });

  test('takes rates of counters only, and no counter for a gauge', () => {
    const wrong = expressions.flatMap((expression) => {
      const counted = [...expression.matchAll(/\b(?:rate|increase)\((umbra_\w+)/g)].map(([, name = '']) => name);
      return selectorsOf(expression).filter(
        ({ name }) => (named.get(name)?.type === 'counter') !== counted.includes(name),
      );
    });
    expect(wrong).toEqual([]);
  });
});
