import { afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { anyHost } from '../../../src/kafka/acl-words.ts';
import { clusterConfigSchema } from '../../../src/kafka/cluster-config.ts';
import { Cluster } from '../../../src/kafka/cluster.ts';
import type { PastRun } from '../../../src/worker/state/drill-memory.ts';
import { aclHand } from '../../fixtures/acls.ts';
import { atRest, begun, canariesMade, ended, goingOn, quick } from '../../fixtures/drilled.ts';
import { produce } from '../../fixtures/kafkajs.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { remainsAt } from '../../fixtures/site-remains.ts';
import { eventually } from '../../fixtures/wait.ts';
import { append, type CanaryPlace, endOf, newestCanary, PlantedObserver } from '../../fixtures/planted-canaries.ts';

/** `UMBRA_DRILLS=long`: every fault. */
const isLong = process.env['UMBRA_DRILLS'] === 'long';
const testMsMax = 180_000;
/** For something to be planted and seen; and where nothing is to be seen, in both directions. */
const hold = '6s';
const shortHold = '3s';
/** Until the exposure is stale, and stays so: `stale input` of docs/drills.md. */
const longHold = '60s';

/** Registers the tests: one fault each, planted while canaries are away from home. `folder` is the one of `drillsIn`. */
export function planted(moving: MovingSites, folder: string): void {
  beforeAll(() => canariesMade(moving), 60_000);

  afterEach(async () => {
    moving.between.a.set({});
    await atRest(moving);
  }, 120_000);

  /** A run whose canaries of site a are at b, and stay there for a while. */
  async function away(name: string, holdFor = hold): Promise<CanaryPlace & { readonly run: string }> {
    const api = moving.pair.api.b;
    const run = await begun(api, { ...quick, name, hold: holdFor });
    const { script } = await goingOn(api, run, 'its first hold', ({ phase }) => phase === 'hold');
    const topics = script.legs[0]?.topics;
    const topic = typeof topics === 'string' ? undefined : topics?.[0];
    const role = (await api.roles()).find((each) => each.topic === topic);
    if (topic === undefined || role === undefined) throw new Error(`${run} has moved no canaries`);
    return { run, topic, link: 'a-b', site: 'b', term: role.term, client: moving.clusters.b.connection('app') };
  }

  async function over(run: string): Promise<PastRun> {
    return ended(moving.pair.api.b, run);
  }

  /** Of a run that has failed, among its reasons. */
  async function failsNaming(run: string, ...reasons: readonly RegExp[]): Promise<void> {
    const past = await over(run);
    expect(past.verdict).toBe('FAILED');
    for (const reason of reasons) expect(past.reasons.join('\n')).toMatch(reason);
  }

  function observer(place: CanaryPlace, life: string): PlantedObserver {
    const made = new PlantedObserver(folder, life, place);
    onTestFinished(() => made.close());
    return made;
  }

  const faults: Readonly<Record<string, Plant>> = {
    'a lost record: acknowledged beyond the end of the log': async (place) => {
      const told = observer(place, 'life-of-beyond');
      await told.tell(0, told.make(0), (await endOf(place)) + 1_000_000n);
      return /lost: .*planted\/life-of-beyond sequence 0 was acknowledged/;
    },
    'a duplicate: the very bytes of an acknowledged record a second time': async (place) => {
      const record = await newestCanary(place);
      await append(place, record);
      return new RegExp(`duplicate: .*${record.says.life} sequence ${record.says.sequence} stands at`);
    },
    'a ghost: a record in the name of an observer that never sent it': async (place) => {
      const { says } = await newestCanary(place);
      const ghost = observer(place, 'life-of-ghost').make(0);
      const sequence = says.sequence + 1_000_000;
      const key = `${says.vantage}/${says.life}/${says.partition}/${sequence}`;
      await append(place, { key, value: ghost.value });
      return new RegExp(`ghost: .*${says.life} sequence ${sequence} was never sent`);
    },
    'a lost record: acknowledged at an offset where another one stands': async (place) => {
      const told = observer(place, 'life-of-lost');
      await told.tell(0, told.make(0), (await endOf(place)) - 1n);
      return /lost: .*planted\/life-of-lost sequence 0 was acknowledged by site b in term \d+, and is/;
    },
    'a shifted record: it stands elsewhere than where it was acknowledged': async (place) => {
      const told = observer(place, 'life-of-shifted');
      const record = told.make(0);
      const offset = await append(place, record);
      await told.tell(0, record, offset + 1n);
      return new RegExp(`shifted: .*planted/life-of-shifted sequence 0 was acknowledged at ${offset + 1n}`);
    },
    'a reordered pair: the later one stands before the one that had been acknowledged': async (place) => {
      const told = observer(place, 'life-of-reordered');
      const first = told.make(0);
      const second = told.make(1);
      const early = await append(place, second);
      const late = await append(place, first);
      await told.tell(0, first, late);
      await told.tell(1, second, early);
      return /reordered: .*planted\/life-of-reordered sequence 1 stands before one/;
    },
  };

  // What kinds of faults are found is a matter of test/canary; that each is found in a drill of its own, of the long version.
  const inCi = ['a ghost', 'a lost record: acknowledged beyond', 'a reordered pair'];
  const some = Object.entries(faults).filter(([name]) => inCi.some((begin) => name.startsWith(begin)));
  const together = 'a ghost, a lost record and a reordered pair in one drill: each is named';
  const planting: readonly (readonly [string, readonly Plant[]])[] = isLong
    ? Object.entries(faults).map(([name, plant]) => [name, [plant]])
    : [[together, some.map(([, plant]) => plant)]];

  test.each(planting)(
    '%s',
    async (name, plants) => {
      const { run, ...place } = await away(/^a (\w+)/.exec(name)?.[1] ?? 'one');
      const lines: RegExp[] = [];
      for (const plant of plants) lines.push(await plant(place));
      await failsNaming(run, ...lines);
    },
    testMsMax,
  );

  /** Grants the right to write a topic at site a, the old primary; taken back when the test is over. */
  async function grantAtOldPrimary(topic: string, principal: string): Promise<void> {
    const config = clusterConfigSchema.parse(moving.clusters.a.connection('admin'));
    const cluster = new Cluster('the old primary', config, { clientId: 'test' });
    const hand = aclHand(cluster);
    onTestFinished(async () => {
      await hand.takeBack();
      await cluster.close();
    });
    const where = { resourceType: 'TOPIC', patternType: 'LITERAL', resourceName: topic, host: anyHost } as const;
    await hand.put([{ ...where, principal, operation: 'WRITE', permission: 'ALLOW' }]);
  }

  test(
    'a right to write at the old primary that was granted anew to who had it does not get through the fence',
    async () => {
      const { run, topic } = await away('granted-again', shortHold);
      await grantAtOldPrimary(topic, 'User:app');
      const writing = produce(moving.clusters.a.connection('app'), topic, ['a second writer']);
      await expect(writing).rejects.toThrow(/not authorized|TOPIC_AUTHORIZATION_FAILED/i);
      expect(await over(run)).toMatchObject({ verdict: 'PASSED', reasons: [], rpoRecords: 0 });
    },
    testMsMax,
  );

  test(
    'a right to write at the old primary that somebody else was granted',
    async () => {
      const { run, topic } = await away('leaking');
      await grantAtOldPrimary(topic, 'User:late');
      await failsNaming(run, /two writers: link b-a leaks: .*User:late/);
      // What the test granted stands until its end, and is synced as every right is.
      await eventually('what was granted with the role has gone with the topic', async () => {
        const { acls } = await remainsAt(moving.clusters.b);
        return !acls.some((acl) => acl.includes(topic) && !acl.includes('"User:late"')) || undefined;
      });
    },
    testMsMax,
  );

  test(
    'an exposure that nobody has heard of for a while: the other site hangs',
    async () => {
      const { run } = await away('hanging', longHold);
      moving.between.a.set({ hold: true });
      const { abort } = await goingOn(moving.pair.api.b, run, 'it is given up', (view) => view.abort !== undefined);
      expect(['stale input', 'lost contact']).toContain(abort?.trigger);
      moving.between.a.set({});
      const past = await over(run);
      expect(past.verdict).not.toBe('PASSED');
      expect(past.reasons[0]).toMatch(/^stale input: the exposure of link a-b is|^lost contact: the other site/);
    },
    testMsMax,
  );
}

/** Plants one fault and says by which line of the reasons it has to be named. */
type Plant = (place: CanaryPlace) => Promise<RegExp>;
