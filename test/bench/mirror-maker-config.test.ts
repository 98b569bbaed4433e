import { expect, test } from 'vitest';
import { mirrorMakerAliases, renderMirrorMaker } from '../../bench/movers/mirror-maker-config.ts';
import { type MoveJob } from '../../bench/mover.ts';

const job: MoveJob = {
  source: { bootstrapServers: ['127.0.0.1:1001'] },
  target: {
    bootstrapServers: ['127.0.0.1:1002'],
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'admin', password: 'word' },
  },
  topics: ['one', 'two'],
  runId: 'large-1',
  compression: 'zstd',
  batchBytesMax: 16 * 1024 * 1024,
  lingerMs: 50,
};

function settings(): ReadonlyMap<string, string> {
  return new Map(
    renderMirrorMaker(job)
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

test('one direction is copied, under the names of the source', () => {
  const found = settings();
  expect(found.get('clusters')).toBe('src-large-1, dst-large-1');
  expect(found.get('src-large-1->dst-large-1.enabled')).toBe('true');
  expect(found.get('dst-large-1->src-large-1.enabled')).toBe('false');
  expect(found.get('src-large-1->dst-large-1.topics')).toBe('one,two');
  expect(found.get('replication.policy.class')).toContain('IdentityReplicationPolicy');
  expect(found.get('tasks.max')).toBe('4');
});

test('it does nothing beside copying, and no setting belongs to what is switched off', () => {
  const found = settings();
  for (const name of ['emit.heartbeats', 'emit.checkpoints', 'emit.offset-syncs', 'sync.topic.configs']) {
    expect(found.get(`${name}.enabled`)).toBe('false');
  }
  // MirrorMaker 2 refuses its connector when there is one.
  expect([...found.keys()].filter((name) => name.startsWith('offset-syncs.'))).toEqual([]);
});

test('its batches are as large as they may be and compressed as at the source', () => {
  const found = settings();
  expect(found.get('dst-large-1.producer.compression.type')).toBe('zstd');
  expect(Number(found.get('dst-large-1.producer.max.request.size'))).toBeGreaterThan(job.batchBytesMax);
  expect(Number(found.get('src-large-1->dst-large-1.consumer.max.partition.fetch.bytes'))).toBe(job.batchBytesMax);
});

test('each cluster is reached in its own way', () => {
  const found = settings();
  expect(found.get('src-large-1.bootstrap.servers')).toBe('127.0.0.1:1001');
  expect(found.get('src-large-1.sasl.mechanism')).toBeUndefined();
  expect(found.get('dst-large-1.sasl.mechanism')).toBe('SCRAM-SHA-512');
});

test('two runs share no name under which positions are kept', () => {
  expect(mirrorMakerAliases('a').source).not.toBe(mirrorMakerAliases('b').source);
});
