import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../../../src/local/free-port.ts';
import { sites } from '../../../src/pair/site.ts';
import type { MoveRequestInput } from '../../../src/worker/moves/operation-view.ts';
import type { DrillSpecInput } from '../../../src/drill/drill-spec.ts';
import { atRest, begun, ended, goingOn, type HeldRepoint, quick } from '../../fixtures/drilled.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { type Prometheus, startPrometheus } from '../../fixtures/prometheus.ts';
import { eventually } from '../../fixtures/wait.ts';

/** OffsetForLeaderEpoch: by it a drain asks where the source ends. */
const endsKey = 23;

/** Registers the tests: each rule of the abort table once. `held` is a hook of site b. */
export function givenUp(moving: MovingSites, held: HeldRepoint): void {
  const drain = {
    /** From now on no move to b comes further than its drain. */
    hold: () => moving.between.a.set({ onRequest: ({ apiKey }) => ({ kind: apiKey === endsKey ? 'hold' : 'pass' }) }),
    goOn: () => moving.between.a.set({}),
  };
  let alarm: Server;
  let ringing = false;
  let prometheus: Prometheus;
  let url: string;

  beforeAll(async () => {
    alarm = createServer((_request, response) => void response.end(`test_alarm ${ringing ? 1 : 0}\n`));
    await new Promise<void>((resolve) => alarm.listen(0, '127.0.0.1', resolve));
    const { port } = alarm.address() as AddressInfo;
    const [own = 0] = await freePorts(1);
    url = `http://127.0.0.1:${own}`;
    prometheus = await startPrometheus({ port: own, urls: [`http://127.0.0.1:${port}`], rules: [] });
    await rings(false);
  }, 60_000);

  afterAll(async () => {
    await prometheus.stop();
    alarm.close();
  });

  afterEach(async () => {
    drain.goOn();
    held.release();
    await rings(false);
    await atRest(moving);
  }, 120_000);

  /** As Prometheus sees it. */
  async function rings(now: boolean): Promise<void> {
    ringing = now;
    await eventually(
      'Prometheus has seen it',
      async () => (await prometheus.query(`test_alarm == ${now ? 1 : 0}`)) === 1 || undefined,
    );
  }

  /** A run whose move to b drains, and goes on doing so. */
  async function draining(spec: DrillSpecInput): Promise<string> {
    const api = moving.pair.api.b;
    // Held before it has looked, new canaries would never be level: there has to be time for it behind that.
    const id = await begun(api, { ...spec, baseline: '4s' });
    await goingOn(api, id, 'has looked', ({ phase }) => phase === 'baseline');
    drain.hold();
    await eventually('the first move drains', async () => {
      const operations = await moving.pair.api.b.operations();
      return operations.some(({ drill, step }) => drill?.run === id && step.kind === 'draining') || undefined;
    });
    return id;
  }

  test('a blocking alarm: BLOCKED, before anything is touched', async () => {
    await rings(true);
    const blockIf = [{ kind: 'prometheus', url, query: 'test_alarm == 1' } as const];
    const api = moving.pair.api.b;
    const run = await ended(api, await begun(api, { ...quick, name: 'blocked', blockIf }));
    expect(run).toMatchObject({ verdict: 'BLOCKED', reasons: ['blocking alarm: the query test_alarm == 1 holds'] });
    expect((await api.operations()).filter(({ drill }) => drill?.run === run.id)).toEqual([]);
  }, 120_000);

  test('a blocking alarm that cannot be asked blocks, too', async () => {
    const blockIf = [{ kind: 'prometheus', url: `http://127.0.0.1:${(await freePorts(1))[0]}`, query: 'up' } as const];
    const api = moving.pair.api.b;
    const run = await ended(api, await begun(api, { ...quick, name: 'blocked', blockIf }));
    expect(run).toMatchObject({ verdict: 'BLOCKED' });
    expect(run.reasons[0]).toMatch(/cannot be asked/);
  }, 120_000);

  test('an outcome alarm before the point of no return: undone, FAILED', async () => {
    const api = moving.pair.api.b;
    const abortIf = [{ kind: 'prometheus', url, query: 'test_alarm == 1' } as const];
    const id = await draining({ ...quick, name: 'alarmed', abortIf });
    await rings(true);
    const run = await ended(api, id);
    expect(run).toMatchObject({
      verdict: 'FAILED',
      reasons: ['outcome alarm: the query test_alarm == 1 holds'],
      rpoRecords: 0,
    });
  }, 180_000);

  test('an outcome alarm behind it: carried on and proven, FAILED', async () => {
    const api = moving.pair.api.b;
    held.hold();
    const abortIf = [{ kind: 'prometheus', url, query: 'test_alarm == 1' } as const];
    const id = await begun(api, { ...quick, name: 'alarmed', abortIf });
    await held.reached();
    await rings(true);
    await goingOn(api, id, 'has heard the alarm', ({ abort }) => abort?.before === false);
    held.release();
    const run = await ended(api, id);
    expect(run).toMatchObject({
      verdict: 'FAILED',
      reasons: ['outcome alarm: the query test_alarm == 1 holds'],
      rpoRecords: 0,
    });
    expect((await api.operations()).find(({ drill }) => drill?.run === id)?.step.kind).toBe('done');
  }, 180_000);

  test('a drain beyond its time: undone, INTERRUPTED', async () => {
    const api = moving.pair.api.b;
    const run = await ended(api, await draining({ ...quick, name: 'drains', drainTimeout: '2s' }));
    expect(run.verdict).toBe('INTERRUPTED');
    expect(run.reasons[0]).toMatch(/^drain timeout: it drains for \d/);
  }, 180_000);

  test('somebody aborts it before the point of no return: undone, INTERRUPTED', async () => {
    const api = moving.pair.api.b;
    const id = await draining({ ...quick, name: 'stopped' });
    const { run } = await api.drills.abort(id, 'enough');
    expect(run).toMatchObject({ abort: { trigger: 'operator', before: true } });
    expect(await ended(api, id)).toMatchObject({ verdict: 'INTERRUPTED', reasons: ['operator: enough'] });
  }, 180_000);

  test('somebody aborts it behind it: carried to its end, INTERRUPTED', async () => {
    const api = moving.pair.api.b;
    held.hold();
    const id = await begun(api, { ...quick, name: 'stopped' });
    await held.reached();
    const { run } = await api.drills.abort(id, 'enough');
    expect(run).toMatchObject({ abort: { trigger: 'operator', before: false } });
    held.release();
    expect(await ended(api, id)).toMatchObject({ verdict: 'INTERRUPTED', reasons: ['operator: enough'] });
  }, 180_000);

  test('no progress beyond the RTO budget: undone, FAILED', async () => {
    const api = moving.pair.api.b;
    const run = await ended(api, await draining({ ...quick, name: 'slow', objectives: { rto: '1s' } }));
    expect(run.verdict).toBe('FAILED');
    expect(run.reasons[0]).toMatch(/^rto budget: move 1 takes longer than its 1s/);
  }, 180_000);

  test('a real failover takes the topics from a drill that has not come to the point of no return', async () => {
    const api = moving.pair.api.b;
    const id = await draining({ ...quick, name: 'yields' });
    const { script } = await goingOn(api, id, 'drains', () => true);
    // Those of the run: former ones may still be on their way out.
    const named = script.legs[0]?.topics;
    const request: MoveRequestInput = { kind: 'failover', topics: typeof named === 'string' ? [] : [...(named ?? [])] };
    const plan = await api.planMove(request);
    expect(plan.blockers).toEqual([]);
    const [real] = await Promise.all([
      api.beginMove(request, plan.hash),
      goingOn(api, id, 'has given way', ({ abort }) => abort?.before === true).then(drain.goOn),
    ]);
    expect(real.drill).toBeUndefined();
    const run = await ended(api, id);
    expect(run.verdict).toBe('INTERRUPTED');
    expect(run.reasons[0]).toMatch(/^real incident: /);
    await eventually(
      'the failover is done',
      async () => (await api.operation(real.id)).step.kind === 'done' || undefined,
    );
    await eventually(
      'its canaries were made anew, and both sites have forgotten them',
      async () => {
        const roles = await Promise.all(sites.map((site) => moving.pair.api[site].roles()));
        return roles.flat().length === 0 || undefined;
      },
      60_000,
    );
  }, 180_000);

  test('somebody moves real topics while a drill is behind its point of no return: both are carried to their ends', async () => {
    const { api } = moving.pair;
    held.hold();
    const id = await begun(api.b, { ...quick, name: 'yields' });
    await held.reached();
    const request: MoveRequestInput = { kind: 'switchover', topics: ['a_orders'] };
    const plan = await api.b.planMove(request);
    const [real] = await Promise.all([
      api.b.beginMove(request, plan.hash),
      goingOn(api.b, id, 'has given way', ({ abort }) => abort?.before === false).then(() => held.release()),
    ]);
    const run = await ended(api.b, id);
    expect(run).toMatchObject({ verdict: 'INTERRUPTED', rpoRecords: 0 });
    expect(run.reasons[0]).toMatch(/^real incident: /);
    await eventually('it is done', async () => (await api.b.operation(real.id)).step.kind === 'done' || undefined);
    await atRest(moving, ['a_orders']);
    await eventually(
      'nothing stands against coming home',
      async () => (await api.a.planMove(request)).blockers.length === 0 || undefined,
    );
    const home = await api.a.beginMove(request, (await api.a.planMove(request)).hash);
    await eventually('it is home', async () => (await api.a.operation(home.id)).step.kind === 'done' || undefined);
  }, 180_000);
}
