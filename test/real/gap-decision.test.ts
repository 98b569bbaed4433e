import { expect, onTestFinished, test } from 'vitest';
import { compactedTopic } from '../fixtures/compacted-topic.ts';
import { startReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();

test('a hole over the bound names its price and waits; when it is decided to fill it the copy goes on', async () => {
  const topic = 'a_gap_decision';
  // One key for each batch: of five batches the first goes as a whole.
  await compactedTopic(sites.a.admin, topic, { keyOf: (round) => `key ${round % 3}`, missing: 120 });
  const link = startReplication({ source: sites.a.umbra, target: sites.b.umbra, limits: { gapOffsetsMax: 2n } });
  onTestFinished(() => link.stop());
  await link.follow(topic);
  const { fault } = await eventually('the partition waits for a decision', () => link.faults[0]);
  expect(fault.code).toBe('GAP_TOO_LARGE');
  expect(fault.message).toMatch(/do not exist at the source: filling them would cost \d+ markers, about \d+ MB/);
  link.replicator.fillsAnyGap = true;
  expect(link.replicator.retry('GAP_TOO_LARGE')).toMatchObject([{ topic, partition: 0 }]);
  expect(await link.compare(topic, { compacted: true })).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0 });
  expect(link.faults).toHaveLength(1);
});
