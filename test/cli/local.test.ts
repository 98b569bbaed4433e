import { describe, expect, test } from 'vitest';
import { colours } from '../../src/cli/colours.ts';
import { findingOf } from '../../src/cli/local-findings.ts';
import { selectThings } from '../../src/cli/local-power.ts';
import { localReportSchema, localRows, renderLocal } from '../../src/cli/local-rows.ts';
import type { LocalCluster } from '../../src/local/local-cluster.ts';
import type { LocalThing } from '../../src/local/registry.ts';

const plain = colours(false);

function cluster(name: string, statuses: readonly ('running' | 'died' | 'absent')[]): LocalThing {
  const home = `/project/.umbra/clusters/${name}`;
  const brokers = statuses.map((kind, index) => ({
    nodeId: index + 1,
    status:
      kind === 'running'
        ? ({ kind, where: `pid ${index + 100}` } as const)
        : kind === 'died'
          ? ({ kind, how: 'exit code 1' } as const)
          : ({ kind } as const),
    logTail: kind === 'died' ? ['FATAL no space\u001B[2J left'] : [],
  }));
  const present: LocalCluster = {
    name,
    home,
    clusterId: 'x',
    runtime: 'jvm',
    kafkaVersion: '4.3.1',
    security: 'scram',
    clientFiles: { admin: '', umbra: '', app: '', appKafkajs: '' },
    bootstrapServers: statuses.map((_, index) => `127.0.0.1:${9_000 + index}`),
    connection: () => ({ bootstrapServers: ['127.0.0.1:9000'] }),
  };
  return { kind: 'cluster', home, report: { kind: 'present', cluster: present, brokers } };
}

function worker(name: string, kind: 'running' | 'died'): LocalThing {
  const home = `/project/.umbra/workers/${name}`;
  const described = { home, pair: 'local', site: 'b', apiUrl: 'http://127.0.0.1:1002' } as const;
  return {
    kind: 'worker',
    home,
    report: { kind: 'present', worker: described, status: { kind, pid: 7 }, logTail: [] },
  };
}

const things: readonly LocalThing[] = [
  cluster('a', ['running', 'died']),
  cluster('b', ['absent']),
  worker('local-b', 'running'),
  { kind: 'unreadable', home: '/project/.umbra/clusters/c', reason: 'cluster.json is damaged' },
  { kind: 'cluster', home: '/project/.umbra/clusters/d', report: { kind: 'absent' } },
];

describe('what runs on this machine', () => {
  test('is a row per process; below one that died stand its last lines', () => {
    const rows = localRows(things);
    expect(localReportSchema.parse({ processes: rows }).processes).toEqual(rows);
    expect(renderLocal(rows, plain).split('\n')).toEqual([
      'KIND     NAME     STATE       ADDRESS                WHERE',
      'broker   a        running     127.0.0.1:9000         pid 100',
      'broker   a        died        127.0.0.1:9001         exit code 1',
      '    FATAL no space[2J left',
      'broker   b        stopped     127.0.0.1:9000',
      'worker   local-b  running     http://127.0.0.1:1002  pid 7',
      'unknown  c        unreadable                         cluster.json is damaged',
      '',
      '  → "npx umbra local start" starts what does not run.',
    ]);
  });

  test('may be nothing', () => {
    expect(renderLocal(localRows([]), plain)).toMatch(/^Nothing/);
  });

  test('is chosen by name, and a name nobody has is refused', () => {
    expect(selectThings(things, [])).toEqual(things);
    expect(selectThings(things, ['local-b', 'a']).map((thing) => thing.home)).toEqual([
      '/project/.umbra/clusters/a',
      '/project/.umbra/workers/local-b',
    ]);
    expect(() => selectThings(things, ['a', 'loca-b'])).toThrow(/named loca-b; there are a, b, local-b/);
  });

  test('becomes findings of the doctor: only what runs is in order', () => {
    const findings = localRows(things).map(findingOf);
    expect(findings.map((finding) => [finding.level, finding.site, finding.subject])).toEqual([
      ['ok', 'a', 'broker'],
      ['error', 'a', 'broker'],
      ['error', 'b', 'broker'],
      ['ok', 'b', 'worker'],
      ['error', undefined, 'files'],
    ]);
    expect(findings[1]).toMatchObject({
      message: 'a died (exit code 1); its last lines:\nFATAL no space\u001B[2J left',
      remedy: 'Run "npx umbra local start a".',
    });
  });
});
