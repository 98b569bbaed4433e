import { describe, expect, test } from 'vitest';
import { ConnectionError, KafkaError } from '../../src/kafka/errors.ts';
import { RebuildRun } from '../../src/worker/rebuild/rebuild-run.ts';
import { type RebuildRecord, rebuildRecordSchema } from '../../src/worker/rebuild/rebuild-record.ts';
import { recordAt, stubPorts, topic } from './rebuild-stubs.ts';

const sha256 = 'cd'.repeat(32);
/** There is a file in its place. */
const folder = import.meta.filename;
const never = new AbortController().signal;
const deleting = recordAt({ kind: 'deleting', manifestSha256: sha256 });

describe('a rebuild that was found in the journal', () => {
  test('is not begun before the lease is ours, and its copy is held until then', async () => {
    const taken = Promise.withResolvers<boolean>();
    const lost = new AbortController();
    const asked: string[] = [];
    const { ports, written, told } = stubPorts({
      lease: { ours: () => taken.promise, maySend: () => true, lost: lost.signal },
      newestRecord: (name) => {
        asked.push(name);
        return Promise.resolve(undefined);
      },
    });
    const run = new RebuildRun(ports, deleting, 'found');
    const ended = run.takeUp(lost.signal);
    expect(run.holding).toBe(true);
    expect(asked).toEqual([]);
    lost.abort();
    taken.resolve(false);
    await ended;
    expect({ written, told, asked }).toEqual({ written: [], told: [], asked: [] });
    // What becomes of the copy is for the worker that took over.
    expect(run.holding).toBe(true);
  });

  test.each<[string, RebuildRecord['step']]>([
    ['stopped', { kind: 'stopped', at: deleting.startedAt, reason: 'foreign', quarantined: true, deletionSent: false }],
    ['done', { kind: 'done', at: deleting.startedAt, manifestSha256: sha256, copy: 'level', remarks: [] }],
  ])('and that another worker ended meanwhile as %s is not carried out', async (kind, step) => {
    const { ports, written, told } = stubPorts({ newestRecord: () => Promise.resolve(recordAt(step)) });
    const run = new RebuildRun(ports, deleting, 'found');
    await run.takeUp(never);
    expect(run.view().step).toBe(kind);
    expect({ written, told }).toEqual({ written: [], told: [`release ${topic}`] });
  });

  test('goes on from the step that another worker came to', async () => {
    const { ports, written } = stubPorts({
      newestRecord: () => Promise.resolve(recordAt({ kind: 'seeding', manifestSha256: sha256 })),
    });
    await new RebuildRun(ports, deleting, 'found').takeUp(never);
    expect(written.map(({ step }) => step.kind)).toEqual(['done']);
  });
});

test('a worker that lost the lease writes nothing to the journal: it is the other worker’s', async () => {
  const { ports, written, told } = stubPorts({
    folder,
    lease: { ours: () => Promise.resolve(false), maySend: () => false, lost: AbortSignal.abort() },
  });
  const record = recordAt({ kind: 'quarantining' }, { folder });
  const run = new RebuildRun(ports, record, 'found');
  await run.toTheEnd(never);
  expect({ written, told }).toEqual({ written: [], told: [] });
});

test('a record that names another folder than the configured one touches nothing in it', async () => {
  const { ports, written } = stubPorts({ folder: '/elsewhere' });
  await new RebuildRun(ports, recordAt({ kind: 'quarantining' }, { folder }), 'found').toTheEnd(never);
  expect(written).toMatchObject([
    { step: { kind: 'stopped', reason: expect.stringContaining('/elsewhere') as string } },
  ]);
});

test.each(['../../etc', 'a/b', '2026-01-02T03-04-05Z.0123456789ab.../x', ''])(
  'a record whose quarantine is called %j is refused',
  (name) => {
    expect(rebuildRecordSchema.safeParse(recordAt({ kind: 'quarantining' }, { name })).success).toBe(false);
    expect(rebuildRecordSchema.safeParse(recordAt({ kind: 'quarantining' })).success).toBe(true);
  },
);

describe('a rebuild that was confirmed', () => {
  const stopped = (written: readonly RebuildRecord[]): string[] => written.map(({ step }) => step.kind);

  test('goes on when its journal can be written again: the answer to a write may have been lost', async () => {
    let failures = 2;
    const stub = stubPorts({ folder });
    const putRebuild = (record: RebuildRecord, signal: AbortSignal): Promise<void> =>
      failures-- > 0 ? Promise.reject(new ConnectionError('lost')) : stub.ports.state.putRebuild(record, signal);
    const ports = { ...stub.ports, state: { ...stub.ports.state, putRebuild } };
    const run = new RebuildRun(ports, recordAt({ kind: 'quarantining' }, { folder }), 'confirmed');
    await run.toTheEnd(never);
    // The folder cannot be made, so it ends there: in the journal, not in silence.
    expect(stopped(stub.written)).toEqual(['quarantining', 'stopped']);
  });

  test('shows that it is interrupted when its journal refuses it for good', async () => {
    const stub = stubPorts();
    const putRebuild = (): Promise<void> => Promise.reject(new KafkaError(10, 'writing _umbra'));
    const run = new RebuildRun(
      { ...stub.ports, state: { ...stub.ports.state, putRebuild } },
      recordAt({ kind: 'quarantining' }),
      'confirmed',
    );
    await run.toTheEnd(never);
    await run.begun;
    expect(run.view()).toMatchObject({ step: 'interrupted', at: 'quarantining' });
    expect({ holding: run.holding, told: stub.told }).toEqual({ holding: false, told: [`release ${topic}`] });
  });
});
