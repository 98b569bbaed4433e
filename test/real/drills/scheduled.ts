import { expect, onTestFinished, test } from 'vitest';
import { passedOnHeader } from '../../../src/api/pass-on.ts';
import { type ClusterConfigInput } from '../../../src/kafka/cluster-config.ts';
import type { PastRun } from '../../../src/worker/state/drill-memory.ts';
import { atRest, drillsIn } from '../../fixtures/drilled.ts';
import { journalSays } from '../../fixtures/journal-watch.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { type Colleague, startColleague, type TestPairOptions } from '../../fixtures/pair.ts';
import { eventually } from '../../fixtures/wait.ts';

const minuteMs = 60_000;
/** `UMBRA_DRILLS=long`: of either controller. */
const kills = process.env['UMBRA_DRILLS'] === 'long' ? 2 : 1;
/** Until the next minute begins, and a run of it is taken over by somebody else. */
const runMsMax = 2 * minuteMs;
const name = 'each-minute';

/** Registers the test. It waits for minutes of the schedule: a cron has none shorter. */
export function scheduled(
  moving: MovingSites,
  { folder, group }: { readonly folder: string } & Required<Pick<TestPairOptions, 'group'>>,
): void {
  test(
    'a run whose controller is killed as it begins is ended by the next one, and each minute is there once',
    async () => {
      const { clusters, pair } = moving;
      const api = { url: pair.urls.b };
      const b = clusters.b.connection('umbra');
      const direct = { a: clusters.a.connection('umbra'), b };
      const hired: Colleague[] = [];
      const hire = async (): Promise<Colleague> => {
        const options = { group, drills: drillsIn(folder, clusters) };
        const colleague = await startColleague(direct, `colleague-${hired.length}`, options);
        hired.push(colleague);
        return colleague;
      };
      onTestFinished(async () => {
        await pair.start('b');
        await Promise.all(hired.map((each) => each.stop()));
        await atRest(moving);
      });
      let colleague = await hire();
      await pair.api.b.drills.put({ name, level: 'L1', site: 'b', schedule: { cron: '* * * * *' } });
      const seen = new Set<string>();
      for (let kill = 0; kill < kills; kill++) {
        const leads = await eventually('one of the two leads', async () => {
          const who = [await leadsSite(api.url), await leadsSite(colleague.api.url)];
          return who[0] === who[1] ? undefined : who[0] ? 'pair' : 'colleague';
        });
        const id = await nextRun(b, seen);
        if (leads === 'pair') await pair.kill('b');
        else await colleague.signal('SIGKILL');
        seen.add(id);
        const atOnce = await hasEnded(b, id);
        await journalSays(b, `${id} is over`, (state) => state.drills.past().some((past) => past.id === id), runMsMax);
        process.stdout.write(`${id}: ${leads} killed, ${atOnce ? 'it was over by then' : 'in its middle'}\n`);
        if (leads === 'pair') await pair.start('b');
        else colleague = await hire();
      }
      await journalSays(b, 'one more run is over', (state) => pastOf(state.drills.past()).length > kills, runMsMax);
      const runs = pastOf(await pair.api.b.drills.history());
      await pair.api.b.drills.remove(name);
      eachMinuteOnce(runs);
    },
    kills * runMsMax + 4 * minuteMs,
  );
}

function pastOf(runs: readonly PastRun[]): readonly PastRun[] {
  return runs.filter(({ drill }) => drill === name);
}

/** What is passed on once is answered by who leads, and refused by everybody else. */
async function leadsSite(url: string): Promise<boolean> {
  const headers = { [passedOnHeader]: 'test' };
  const answer = await fetch(`${url}/v1/drills`, { headers, signal: AbortSignal.timeout(10_000) });
  await answer.text();
  return answer.status === 200;
}

/** The id of a run that is not among those, as soon as `_umbra` has it. */
async function nextRun(site: ClusterConfigInput, seen: ReadonlySet<string>): Promise<string> {
  let id = '';
  const isNew = (state: Parameters<Parameters<typeof journalSays>[2]>[0]): boolean => {
    id = state.drills.runs().find((run) => run.drill === name && !seen.has(run.id))?.id ?? '';
    return id !== '';
  };
  await journalSays(site, 'the next run has begun', isNew, runMsMax);
  return id;
}

async function hasEnded(site: ClusterConfigInput, id: string): Promise<boolean> {
  let ended = false;
  await journalSays(site, 'the run is known', (state) => {
    ended = state.drills.run(id) === undefined;
    return true;
  });
  return ended;
}

function eachMinuteOnce(runs: readonly PastRun[]): void {
  const planned = runs.map(({ plannedFor = '' }) => Date.parse(plannedFor)).toSorted((left, right) => left - right);
  const [first = 0] = planned;
  const minutes = planned.map((_, index) => first + index * minuteMs);
  expect(planned.map((ms) => new Date(ms).toISOString())).toEqual(minutes.map((ms) => new Date(ms).toISOString()));
  for (const { verdict, reasons, evidence } of runs) {
    if (verdict === 'SKIPPED') expect(reasons[0]).toMatch(/^missed: |^another run goes on/);
    else
      expect({ verdict, reasons, sealed: evidence !== undefined }).toEqual({
        verdict: 'PASSED',
        reasons: [],
        sealed: true,
      });
  }
}
