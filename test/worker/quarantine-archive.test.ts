import { describe, expect, test } from 'vitest';
import { AwsProblem } from '../../src/aws/aws-problem.ts';
import type { FolderArchive } from '../../src/aws/s3-folders.ts';
import type { Cluster } from '../../src/kafka/cluster.ts';
import { type Manifest, manifestFormat } from '../../src/quarantine/manifest.ts';
import { QuarantineWriter } from '../../src/quarantine/quarantine-writer.ts';
import { planHash } from '../../src/worker/rebuild/plan-hash.ts';
import { bringQuarantineBack } from '../../src/worker/rebuild/quarantine-archive.ts';
import type { RebuildPorts } from '../../src/worker/rebuild/rebuild-ports.ts';
import type { RebuildRecord } from '../../src/worker/rebuild/rebuild-record.ts';
import { RebuildRun } from '../../src/worker/rebuild/rebuild-run.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { recordAt, stubPorts, topic } from './rebuild-stubs.ts';

// The archive is a stub, and says so: what it does in S3 is in test/real/quarantine-archive.test.ts.

const never = new AbortController().signal;
const manifestSha256 = 'cd'.repeat(32);
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const none = {
  ...{ batches: 0, records: 0, recordsOnlyHere: 0, bytes: 0, recordsUnexplained: 0 },
  ...{ sha256: empty, unexplainedSha256: empty },
};
const ids = { topic, link: 'a-b', copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's' };
const hash = planHash({ ...ids, partitions: [{ partition: 0, forkOffset: '3', quarantined: none }] });

interface StubArchive extends FolderArchive {
  /** What was asked of it, in its order. */
  readonly asked: string[];
}

function stubArchive(answers: Partial<FolderArchive> = {}): StubArchive {
  const asked: string[] = [];
  return {
    asked,
    keep: (...all) => {
      asked.push('keep');
      return answers.keep?.(...all) ?? Promise.resolve();
    },
    bringBack: (...all) => {
      asked.push('bring back');
      return answers.bringBack?.(...all) ?? Promise.resolve(false);
    },
  };
}

const refusing = (): Promise<never> => Promise.reject(new AwsProblem('refused', 'its role needs s3:GetObject there'));

async function writeQuarantine(folder: string): Promise<RebuildRecord> {
  const record = recordAt({ kind: 'quarantining' }, { folder, planHash: hash });
  const writer = await QuarantineWriter.create(folder, record.name);
  const manifest: Manifest = {
    ...{ format: manifestFormat, umbra: '0.1.0', reason: 'rebuild', pair: 'test', ...ids, planHash: hash },
    ...{ startedAt: record.startedAt, cutAt: record.startedAt, faults: [], groupPositions: [] },
    partitions: [{ partition: 0, copyStart: '0', copyEnd: '5', forkOffset: '3', ...none }],
  };
  const sha256 = await writer.finish(manifest);
  return { ...record, step: { kind: 'deleting', manifestSha256: sha256 } };
}

/** The copy is there; the source, which is looked at right before the deletion, answers nothing of use. */
function standingCopy(askedOfSource: () => void): RebuildPorts['sides'] {
  const { ports } = stubPorts();
  const topics = new Map([[topic, { topicId: 'c', partitions: [] }]]);
  const standing = { name: 'site b', metadata: () => Promise.resolve({ topics }) } as unknown as Cluster;
  const source = {
    name: 'site a',
    metadata: () => {
      askedOfSource();
      return Promise.reject(new Error('no further'));
    },
  } as unknown as Cluster;
  return { ...ports.sides, target: standing, source };
}

describe('before a copy is deleted', () => {
  test('all of its quarantine is kept, even where the journal says that it was: it may be of a worker without an archive', async () => {
    const folder = testFolder('quarantine');
    const record = await writeQuarantine(folder);
    const archive = stubArchive();
    const sides = standingCopy(() => archive.asked.push('source'));
    const { ports, written } = stubPorts({ folder, archive, sides });
    await new RebuildRun(ports, record, 'found').toTheEnd(never);
    expect(archive.asked).toEqual(['bring back', 'keep', 'source']);
    expect(written.map(({ step }) => step.kind)).toEqual(['stopped']);
  });

  test('an archive that will not have it stops the rebuild', async () => {
    const folder = testFolder('quarantine');
    const record = await writeQuarantine(folder);
    const archive = stubArchive({ keep: refusing });
    const sides = standingCopy(() => archive.asked.push('source'));
    const { ports, written } = stubPorts({ folder, archive, sides });
    await new RebuildRun(ports, record, 'found').toTheEnd(never);
    expect(archive.asked).toEqual(['bring back', 'keep']);
    expect(written).toMatchObject([
      { step: { kind: 'stopped', deletionSent: false, reason: expect.stringContaining('s3:GetObject') as string } },
    ]);
  });

  test('what was replayed is kept before that is noted', async () => {
    const folder = testFolder('quarantine');
    const archive = stubArchive({ keep: refusing });
    const tails: RebuildPorts['tails'] = {
      prepare: () => Promise.resolve(),
      replayed: () => Promise.resolve({ kind: 'done', records: 3 }),
      makeCopyInPlace: () => Promise.resolve(),
    };
    const { ports, written } = stubPorts({ folder, archive, tails });
    const record = recordAt({ kind: 'replaying', manifestSha256, records: 3 }, { folder });
    await new RebuildRun(ports, record, 'found').toTheEnd(never);
    expect(archive.asked).toEqual(['bring back', 'keep']);
    expect(written.map(({ step }) => step.kind)).toEqual(['stopped']);
  });
});

describe('a quarantine whose disk is gone', () => {
  test.each<[string, RebuildRecord['step'], Partial<RebuildRecord>]>([
    ['nothing is deleted', { kind: 'reversing' }, {}],
    ['nothing is left to do', { kind: 'stopped', at: '', reason: '', quarantined: true, deletionSent: false }, {}],
    ['the journal names another folder', { kind: 'quarantining' }, { folder: '/elsewhere' }],
    ['the journal names another folder', { kind: 'replaying', manifestSha256, records: 0 }, { folder: '/elsewhere' }],
    ['the journal names another folder', { kind: 'seeding', manifestSha256 }, { folder: '/elsewhere' }],
  ])('is not asked for where %s (%o)', async (_, step, more) => {
    const archive = stubArchive();
    const tails: RebuildPorts['tails'] = {
      prepare: () => Promise.resolve(),
      replayed: () => Promise.resolve({ kind: 'waiting', trouble: undefined }),
      makeCopyInPlace: () => Promise.resolve(),
    };
    const { ports } = stubPorts({ archive, tails });
    await new RebuildRun(ports, recordAt(step, more), 'found').toTheEnd(never);
    expect(archive.asked).toEqual([]);
  });

  test('is not asked for when the copy is gone already: the rebuild goes on', async () => {
    const archive = stubArchive({ bringBack: refusing });
    const { sides } = stubPorts().ports;
    const gone = { name: 'site b', metadata: () => Promise.resolve({ topics: new Map() }) } as unknown as Cluster;
    const { ports, written } = stubPorts({ archive, sides: { ...sides, target: gone } });
    await new RebuildRun(ports, recordAt({ kind: 'deleting', manifestSha256 }), 'found').toTheEnd(never);
    expect(written.map(({ step }) => step.kind)).toEqual(['seeding', 'done']);
  });

  test.each([
    ['refuses', refusing],
    ['finds the disk full', () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }))],
  ])('does not hold a new copy up: an archive that %s is a remark at its end', async (_, bringBack) => {
    const archive = stubArchive({ bringBack });
    const { ports, written } = stubPorts({ archive });
    await new RebuildRun(ports, recordAt({ kind: 'seeding', manifestSha256 }), 'found').toTheEnd(never);
    expect(written).toMatchObject([{ step: { kind: 'done', remarks: [expect.stringContaining('not put back')] } }]);
  });

  test('and that the disk has no room for stops the rebuild, which does not ask for ever', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    const archive = stubArchive({ bringBack: () => Promise.reject(full) });
    const { ports, written } = stubPorts({ archive });
    await new RebuildRun(ports, recordAt({ kind: 'quarantining' }), 'found').toTheEnd(never);
    expect(archive.asked).toEqual(['bring back']);
    expect(written).toMatchObject([{ step: { kind: 'stopped', reason: full.message } }]);
  });

  test('is asked for as often as its caller says, and told why it takes so long', async () => {
    const told: (string | undefined)[] = [];
    const archive = stubArchive({ bringBack: () => Promise.reject(new AwsProblem('unreachable', 'SlowDown')) });
    const call = { archive, record: recordAt({ kind: 'quarantining' }), onTrouble: (why?: string) => told.push(why) };
    await expect(bringQuarantineBack(call, 2, never)).rejects.toMatchObject({ name: 'Stopped' });
    expect(archive.asked).toEqual(['bring back', 'bring back']);
    expect(told).toEqual(['the archive of quarantines: SlowDown']);
  });
});
