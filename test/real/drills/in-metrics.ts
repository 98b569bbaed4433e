import { expect, test } from 'vitest';
import { freePorts } from '../../../src/local/free-port.ts';
import { metricCatalogue } from '../../../src/worker/metrics/registry.ts';
import { atRest, begun, canariesMade, ended, quick } from '../../fixtures/drilled.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { aboutDrills, alertExpressions, alertsFile, dashboardExpressions } from '../../fixtures/observability.ts';
import { missingPrometheus, startPrometheus } from '../../fixtures/prometheus.ts';
import { eventually } from '../../fixtures/wait.ts';
import { exportedBy } from '../../fixtures/worker-metrics.ts';

const missingHere = await missingPrometheus();

/** Registers the tests, the first ones of these sites: nothing has drilled there before. */
export function inMetrics(moving: MovingSites): void {
  test('a drill that has passed is in every metric of drills, and canaries are seen from both sites', async () => {
    const { api } = moving.pair;
    await canariesMade(moving);
    await eventually(
      'canaries of both links are written',
      async () => {
        const samples = await exportedBy(api.b);
        const acked = samples.filter(({ name, value }) => name === 'umbra_canary_acked_total' && value > 0);
        return acked.length === 2 || undefined;
      },
      60_000,
    );
    const run = await ended(api.b, await begun(api.b, { ...quick, name: 'canary' }));
    expect(run).toMatchObject({ verdict: 'PASSED', reasons: [], rpoRecords: 0 });
    await atRest(moving);
    const told = metricCatalogue().filter(({ name }) => aboutDrills(name));
    const at = { a: await exportedBy(api.a), b: await exportedBy(api.b) };
    for (const { name, labels } of told) {
      const samples = at.b.filter((sample) => sample.name === name);
      expect(samples.length, name).toBeGreaterThan(0);
      const wanted = [...labels, 'pair', 'site'].toSorted();
      for (const sample of samples) expect(Object.keys(sample.labels).toSorted(), name).toEqual(wanted);
    }
    const value = (name: string, wanted: Readonly<Record<string, string>>): number | undefined =>
      at.b.find(
        (each) => each.name === name && Object.entries(wanted).every(([label, is]) => each.labels[label] === is),
      )?.value;
    expect(value('umbra_drill_last_success_timestamp', { level: 'L2' })).toBe(Date.parse(run.endedAt) / 1000);
    expect(value('umbra_drill_rto_seconds', { phase: 'total' })).toBe((run.rtoMs ?? 0) / 1000);
    for (const [phase, ms] of Object.entries(run.phases ?? {}))
      expect(value('umbra_drill_rto_seconds', { phase })).toBe(ms / 1000);
    expect(value('umbra_drill_last_verdict', { drill: 'canary', verdict: 'PASSED' })).toBe(1);
    expect(value('umbra_drill_last_verdict', { drill: 'canary', verdict: 'FAILED' })).toBe(0);
    expect(value('umbra_drill_skips', { drill: 'canary', level: 'L2' })).toBe(0);
    expect(value('umbra_drill_running', {})).toBe(0);
    expect(at.a.filter(({ name }) => name === 'umbra_drill_last_success_timestamp')).toEqual([]);
    for (const site of ['a', 'b'] as const) {
      const acked = at[site].filter(({ name }) => name === 'umbra_canary_acked_total');
      expect(acked.map(({ labels }) => labels.link).toSorted()).toEqual(['a-b', 'b-a']);
      expect(at[site].find(({ name }) => name === 'umbra_canary_green')?.value).toBe(1);
    }
  }, 240_000);

  test.skipIf(missingHere !== undefined)(
    'every query of the dashboard about drills resolves, and no rule about them fires on a pair that is well',
    async () => {
      const [port = 0] = await freePorts(1);
      const urls = [moving.pair.api.a.url, moving.pair.api.b.url];
      const prometheus = await startPrometheus({ port, urls, rules: [alertsFile] });
      try {
        const queries = dashboardExpressions()
          .filter(aboutDrills)
          .map((expression) =>
            expression.replaceAll('$pair', '.*').replaceAll('$link', '.*').replaceAll('$__rate_interval', '10s'),
          );
        expect(queries.length).toBeGreaterThan(5);
        for (const query of queries)
          await eventually(query, async () => (await prometheus.query(query)) > 0 || undefined, 15_000);
        for (const expression of alertExpressions().filter(aboutDrills))
          expect(await prometheus.query(expression), expression).toBe(0);
      } finally {
        await prometheus.stop();
      }
    },
  );
}
