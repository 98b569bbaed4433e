import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionError } from '../../src/kafka/errors.ts';
import type { RebuildPorts } from '../../src/worker/rebuild/rebuild-ports.ts';
import type { RebuildRecord } from '../../src/worker/rebuild/rebuild-record.ts';
import type { RebuildPlan } from '../../src/worker/rebuild/rebuild-view.ts';
import { Rebuilds } from '../../src/worker/rebuild/rebuilds.ts';
import type { FaultedSubject } from '../../src/worker/rebuild/subject.ts';
import { eventually } from '../fixtures/wait.ts';
import { type StubPorts, stubPorts, topic } from './rebuild-stubs.ts';

const hash = 'ab'.repeat(32);
const never = new AbortController().signal;
let folder = '';
let rebuilds: Rebuilds | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-rebuilds-'));
});
afterEach(async () => {
  await rebuilds?.stop();
  await rm(folder, { recursive: true });
});

const subject: FaultedSubject = {
  ...{ topic, state: 'faulted', faults: [], faultCodes: ['FOREIGN_WRITE'], mayCopy: true, fenced: false },
  ...{ copyTopicId: 'c', targetTopicId: 'c', sourceTopicId: 's' },
};

/** A plan is made of canned parts: what is tested is who may confirm it, and what becomes of that. */
async function planned(overrides: Partial<RebuildPorts> = {}): Promise<StubPorts & { readonly rebuilds: Rebuilds }> {
  const stub = stubPorts({ folder, subject: () => Promise.resolve(subject), ...overrides });
  const shadow = {
    ...{ topic, link: 'a-b', sourceTopicId: 's', faults: [] },
    state: { kind: 'ours' as const, shadowTopicId: 'c' },
  };
  const ports = { ...stub.ports, state: { ...stub.ports.state, shadow: () => shadow } };
  const plan: RebuildPlan = {
    ...{ topic, link: 'a-b', copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's', hash, folder },
    ...{ faults: [], partitions: [], neededBytes: 1, freeBytes: 2, groups: 0, groupsHidden: [], autoCreated: false },
  };
  const made = new Rebuilds(ports, () => Promise.resolve(plan));
  rebuilds = made;
  await made.plan(topic);
  await eventually('the plan is made', () => (made.view(topic).step === 'planned' ? true : undefined));
  return { ...stub, ports, rebuilds: made };
}

describe('a confirmation', () => {
  test('whose caller has gone is carried out by the worker’s own will, not lost halfway', async () => {
    const written: RebuildRecord[] = [];
    let lost = true;
    const stub = stubPorts();
    const state: RebuildPorts['state'] = {
      ...stub.ports.state,
      putRebuild: (record, signal) => {
        signal.throwIfAborted();
        // The first answer is lost: whether the record is in the journal is not known.
        written.push(record);
        if (!lost) return Promise.resolve();
        lost = false;
        return Promise.reject(new ConnectionError('the answer was lost'));
      },
    };
    const { rebuilds: made } = await planned({ state });
    const gone = new AbortController();
    const order = made.execute(topic, hash, gone.signal);
    await eventually('it is on its way', () => (written.length > 0 ? true : undefined));
    gone.abort();
    expect((await order).step).not.toBe('planned');
    // The clusters of this test do not answer, so that is where it ends: in the journal, where anybody can read it.
    await eventually('its end is in the journal', () => (written.at(-1)?.step.kind === 'stopped' ? true : undefined));
    expect(written.map(({ step }) => step.kind)).toEqual(['quarantining', 'quarantining', 'stopped']);
  });

  test('given twice is carried out once, also while the first is on its way', async () => {
    const { rebuilds: made, written } = await planned();
    await Promise.all([made.execute(topic, hash, never), made.execute(topic, hash, never)]);
    await made.execute(topic, hash, never);
    expect(written.filter(({ step }) => step.kind === 'quarantining')).toHaveLength(1);
  });

  test('is refused where the lease is not ours', async () => {
    const lease = { ours: () => Promise.resolve(false), maySend: () => false, lost: never };
    const fenced = await planned({ lease });
    await expect(fenced.rebuilds.execute(topic, hash, never)).rejects.toMatchObject({ code: 'REBUILD_REFUSED' });
    expect(fenced.written).toEqual([]);
  });
});
