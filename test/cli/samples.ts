import type { PairStatus, WorkerAnswer } from '../../src/cli/pair-status.ts';
import type { ExposureView, LagView, LinkView, PairView, StandbyView, TopicView } from '../../src/worker/views.ts';

// Made-up views to render; nothing here runs.

export const level: LagView = { records: 0, seconds: 0, sampleAgeMs: 120 };

export const safe: ExposureView = {
  seconds: 0,
  records: 0,
  recordsAtMost: 0,
  bytes: 0,
  basis: 'measured',
  sampleAgeMs: 120,
};

export const standby: StandbyView = {
  groups: { synced: 3, notSynced: 0, stalenessSeconds: 4.2 },
  schemas: 'equal',
};

export function link(from: 'a' | 'b', overrides: Partial<LinkView> = {}): LinkView {
  const to = from === 'a' ? 'b' : 'a';
  const topics = { total: 1, following: 1, faulted: 0 };
  return {
    id: `${from}-${to}`,
    from,
    to,
    state: 'following',
    fence: 'acl',
    gap: 'fault',
    topics,
    lag: level,
    exposure: safe,
    standby,
    ...overrides,
  };
}

export function topic(name: string, overrides: Partial<TopicView> = {}): TopicView {
  return {
    name,
    link: name.startsWith('a_') ? 'a-b' : 'b-a',
    state: 'following',
    partitions: 3,
    partitionsFaulted: 0,
    lag: level,
    exposure: safe,
    proof: { unverified: 0 },
    copied: { batches: 10, records: 1_234_567, bytes: 99 },
    ...overrides,
  };
}

export function pairView(site: 'a' | 'b', overrides: Partial<PairView> = {}): PairView {
  return {
    pair: 'local',
    site,
    worker: { version: '0.1.0', pid: 1, startedAt: '2026-01-02T03:04:05.000Z' },
    prefixes: { a: 'a_', b: 'b_' },
    schemaPrimary: 'a',
    sites: [
      { site: 'a', bootstrapServers: ['127.0.0.1:1'] },
      { site: 'b', bootstrapServers: ['127.0.0.1:2'] },
    ],
    links: [link(site === 'a' ? 'b' : 'a')],
    exposure: safe,
    violations: [],
    ...overrides,
  };
}

export function said(site: 'a' | 'b', view: Partial<PairView> = {}, topics?: readonly TopicView[]): WorkerAnswer {
  const own = topics ?? [topic(site === 'a' ? 'b_orders' : 'a_orders')];
  const row = { url: `http://127.0.0.1:${site === 'a' ? 1001 : 1002}`, site, state: 'ready' } as const;
  return { kind: 'said', row, view: pairView(site, view), topics: own };
}

export function silent(pair?: string): WorkerAnswer {
  const problem = {
    code: 'UNREACHABLE',
    message: 'the worker at http://x is unreachable: ECONNREFUSED',
    remedy: 'Start it.',
  };
  return { kind: 'silent', row: { url: 'http://127.0.0.1:1003', site: 'b', state: 'silent', problem }, pair };
}

export function only(pairs: readonly PairStatus[]): PairStatus {
  if (pairs.length !== 1) throw new Error(`expected one pair, got ${pairs.length}`);
  return pairs[0]!;
}
