import { expect, onTestFinished, test } from 'vitest';
import { otherSite, type SiteId, sites } from '../../../src/pair/site.ts';
import type { MoveRequestInput } from '../../../src/worker/moves/operation-view.ts';
import { wishesKnown } from '../../fixtures/journal-watch.ts';
import { createTopic, kafkajs, produce } from '../../fixtures/kafkajs.ts';
import { move } from '../../fixtures/moves.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { eventually } from '../../fixtures/wait.ts';

const topic = 'a_read';
const group = 'a_readers';
const request: MoveRequestInput = { kind: 'switchover', topics: [topic] };

/** Registers the test; the topic is home again behind it. */
export function liveGroup(moving: MovingSites): void {
  test('a group that lives at both sites keeps nothing from moving; it is named, and goes on where each of its members is', async () => {
    const { clusters, pair } = moving;
    const app = (site: SiteId): ReturnType<typeof kafkajs> => kafkajs(clusters[site].connection('app'));
    const read: Record<SiteId, string[]> = { a: [], b: [] };
    const join = async (site: SiteId): Promise<void> => {
      const consumer = app(site).consumer({ groupId: group, sessionTimeout: 10_000, maxWaitTimeInMs: 200 });
      await consumer.connect();
      onTestFinished(() => consumer.disconnect());
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        autoCommitThreshold: 1,
        eachMessage: ({ message: { value } }) => Promise.resolve(void read[site].push(String(value))),
      });
    };
    const readBy = (site: SiteId, value: string): Promise<true> =>
      eventually(`${value} is read at ${site}`, () => read[site].includes(value) || undefined);
    await createTopic(clusters.a.connection('app'), topic);
    await produce(clusters.a.connection('app'), topic, ['1', '2']);
    await pair.level(topic);
    await join('a');
    await readBy('a', '2');
    await join('b');
    await readBy('b', '2');
    for (const to of ['b', 'a'] as const) {
      const from = otherSite(to);
      const plan = await eventually('the group is known to live at both sites', async () => {
        const made = await pair.api[to].planMove(request);
        return made.warnings.some(({ code }) => code === 'OWN_GROUPS') ? made : undefined;
      });
      expect(plan.blockers).toEqual([]);
      await wishesKnown(clusters[to].connection('umbra'), [topic]);
      expect(plan.warnings.find(({ code }) => code === 'OWN_GROUPS')?.message).toContain(group);
      const { step } = (await move(pair.api[to], request)).operation;
      expect(step).toMatchObject({ kind: 'done', remarks: [expect.stringContaining(group)] });
      await expect(produce(clusters[from].connection('app'), topic, ['refused'])).rejects.toThrow(/authorized/i);
      await produce(clusters[to].connection('app'), topic, [`at ${to}`]);
      // Whoever reads the copy goes on, too.
      for (const site of sites) await readBy(site, `at ${to}`);
    }
    expect(read).toEqual({ a: ['1', '2', 'at b', 'at a'], b: ['1', '2', 'at b', 'at a'] });
  }, 180_000);
}
