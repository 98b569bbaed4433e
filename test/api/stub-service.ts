import type { ApplicationsView } from '../../src/worker/acl-view.ts';
import { firstTerm } from '../../src/pair/ownership.ts';
import type { BootstrapView } from '../../src/worker/bootstrap/bootstrap-view.ts';
import type { UmbraEvent } from '../../src/worker/events/event.ts';
import type { MovePlan, OperationView, PartView } from '../../src/worker/moves/operation-view.ts';
import { stubDrills } from './stub-drills.ts';
import { Problem } from '../../src/worker/problems.ts';
import type { WorkerService } from '../../src/worker/service.ts';
import type { LinkView, PairView, TopicDetailView, TopicView } from '../../src/worker/views.ts';

// A stub, and it says so: it holds canned views and writes down what it was asked, nothing is copied anywhere.

const exposure = {
  seconds: 1.5,
  records: 3,
  recordsAtMost: 3,
  bytes: 300,
  basis: 'measured',
  sampleAgeMs: 40,
} as const;
const standby = { groups: { synced: 2, notSynced: 0, stalenessSeconds: 3.2 }, schemas: 'equal' } as const;
const lag = { records: 3, seconds: 1.5, sampleAgeMs: 40 };

export const stubLink: LinkView = {
  id: 'a-b',
  from: 'a',
  to: 'b',
  state: 'following',
  fence: 'acl',
  gap: 'fault',
  topics: { total: 1, following: 1, faulted: 0 },
  lag,
  exposure,
  standby,
};

export const stubPair: PairView = {
  pair: 'stub',
  site: 'b',
  worker: { version: '0.1.0', pid: 1, startedAt: '2026-01-02T03:04:05.000Z' },
  prefixes: { a: 'a_', b: 'b_' },
  schemaPrimary: 'a',
  sites: [
    { site: 'a', bootstrapServers: ['127.0.0.1:1'], clusterId: 'A' },
    { site: 'b', bootstrapServers: ['127.0.0.1:2'] },
  ],
  links: [stubLink],
  exposure,
  violations: [],
};

export const stubTopic: TopicView = {
  name: 'a_orders',
  link: 'a-b',
  state: 'following',
  partitions: 2,
  partitionsFaulted: 0,
  lag,
  exposure,
  proof: { unverified: 0, verifiedAt: '2026-11-21T12:00:00.000Z' },
  copied: { batches: 4, records: 40, bytes: 4_000 },
};

export const stubTopicDetail: TopicDetailView = {
  ...stubTopic,
  partitionViews: [
    {
      partition: 0,
      state: 'waiting',
      copiedTo: '20',
      sourceEnd: '20',
      lag: { records: 0, seconds: 0, sampleAgeMs: 40 },
      exposure: { seconds: 0, records: 0, recordsAtMost: 0, bytes: 0, basis: 'measured', sampleAgeMs: 40 },
      proof: { unverified: 0, verifiedTo: '20', verifiedAt: '2026-11-21T12:00:00.000Z' },
    },
    { partition: 1, state: 'copying', copiedTo: '20', sourceEnd: '23', lag, exposure, proof: { unverified: 20 } },
  ],
};

export const stubApplications: ApplicationsView = {
  ...{ authorizer: 'present', wanted: 0, alreadyThere: { count: 0, first: [] }, refused: { count: 0, first: [] } },
  ...{ behind: [], created: 0, removed: 0 },
};

export const stubBootstrap: BootstrapView = {
  ...{ topic: 'a_orders', term: firstTerm, proven: true, state: 'settled', primary: 'a' },
  ...{ bootstrapServers: ['127.0.0.1:1'], brokers: [{ host: '127.0.0.1', port: 1 }] },
  standby: { site: 'b', bootstrapServers: ['127.0.0.1:2'], brokers: [{ host: '127.0.0.1', port: 2 }] },
};

const at = stubPair.worker.startedAt;

export const stubEvents: UmbraEvent[] = [
  {
    ...{ id: 7, at, type: 'change', begunAt: at, who: 'ops', address: '127.0.0.1', method: 'PUT' },
    ...{ path: '/v1/spec/links/a-b', subject: 'link a-b', outcome: 'done', status: 200 },
  },
  { id: 8, at, type: 'system', kind: 'copies made', level: 'info', link: 'a-b', message: 'a_orders' },
];

const stubPlan: MovePlan = {
  ...{ hash: '0'.repeat(64), kind: 'failover', link: 'a-b', to: 'b', topics: [], steps: [], seconds: 1 },
  ...{ blockers: [], warnings: [], unconfirmed: false, unready: false },
};

const stubOperation: OperationView = {
  ...{ id: 'failover-20261122-0433-ab12', kind: 'failover', link: 'a-b', to: 'b', topics: 1, unconfirmed: false },
  ...{ startedAt: at, since: at, step: { kind: 'settling' } },
};

const stubPart: PartView = {
  ...{ operation: 'switchover-20261122-0433-ab12', link: 'b-a', state: 'sealed', since: at },
};

export const stubIncarnation = '0123456789ab';

export interface StubService extends WorkerService {
  /** Every change asked for, in order. */
  readonly asked: unknown[];
}

/** `overrides` replace single methods, to fail in a chosen way. */
export function stubService(overrides: Partial<WorkerService> = {}): StubService {
  const asked: unknown[] = [];
  const note = (...entry: unknown[]): Promise<void> => {
    asked.push(entry);
    return Promise.resolve();
  };
  return {
    asked,
    controller: () => ({ kind: 'here' }),
    specs: {
      declared: () => ({ prefixPolicy: undefined, schemaPrimary: undefined, links: [], drills: [] }),
      judged: () => undefined,
      knownTo: () => 0n,
      record: (judged) => note('recordJudgedSpec', judged),
      show: (view) => void asked.push(['showChannel', view]),
    },
    drills: () => stubDrills(asked),
    pairView: () => Promise.resolve(stubPair),
    linkViews: () => Promise.resolve([stubLink]),
    topicViews: () => Promise.resolve([stubTopic]),
    topicView: (name) =>
      name === stubTopic.name
        ? Promise.resolve(stubTopicDetail)
        : Promise.reject(new Problem('NOT_FOUND', `no link copies a topic named ${name}`)),
    configViews: () => [],
    groupViews: () => [],
    aclsView: () => ({ links: [], applications: stubApplications }),
    prefixPolicy: () => ({ owners: { a: 'a_', b: 'b_' }, unowned: 'report', applications: { a: [], b: [] } }),
    schemaViews: () => [],
    bootstrapView: () => stubBootstrap,
    events: ({ after = 0 }) => ({
      ...{ site: 'b', newest: 8, missed: false },
      events: stubEvents.filter(({ id }) => id > after),
    }),
    beginChange: () => Promise.resolve({ end: () => Promise.resolve() }),
    workerReport: () => ({ incarnation: stubIncarnation, samples: [] }),
    takeNotice: (notice) => note('notice', notice),
    healthy: () => true,
    readiness: () => ({ ready: true, reason: 'both clusters answered' }),
    metrics: () => Promise.resolve('# a stub\numbra_stub 1\n'),
    putPrefixPolicy: (policy) => note('prefix-policy', policy),
    putSchemaPrimary: (primary) => note('schema-primary', primary),
    putLink: async (link) => {
      await note('link', link);
      return stubLink;
    },
    deleteLink: (id, mode) => note('delete', id, mode),
    pauseTopic: async (name) => {
      await note('pause topic', name);
      return stubTopicDetail;
    },
    resumeTopic: async (name) => {
      await note('resume topic', name);
      return stubTopicDetail;
    },
    pauseLink: async (id) => {
      await note('pause link', id);
      return stubLink;
    },
    resumeLink: async (id) => {
      await note('resume link', id);
      return stubLink;
    },
    planMove: () => Promise.resolve(stubPlan),
    beginMove: async (request, hash) => {
      await note('move', request, hash);
      return stubOperation;
    },
    operations: () => [stubOperation],
    parts: () => [stubPart],
    releaseOperation: (id) => {
      asked.push(['release', id]);
      return stubPart;
    },
    operation: () => stubOperation,
    abortOperation: (id) => {
      asked.push(['abort', id]);
      return stubOperation;
    },
    roles: () => [],
    reconciliationView: () => ({ step: 'none' }),
    planReconciliation: async (topic, decision) => {
      await note('plan reconciliation', topic, decision);
      return { step: 'planning', startedAt: stubPair.worker.startedAt, partitionsDone: 0, partitionsTotal: 2 };
    },
    executeReconciliation: async (topic, hash) => {
      await note('reconciliation', topic, hash);
      return { step: 'reversing', hash, startedAt: stubPair.worker.startedAt, quarantine: '/q' };
    },
    rebuildView: () => Promise.resolve({ step: 'none' }),
    planRebuild: async (topic) => {
      await note('plan rebuild', topic);
      return { step: 'planning', startedAt: stubPair.worker.startedAt, partitionsDone: 0, partitionsTotal: 2 };
    },
    executeRebuild: async (topic, hash) => {
      await note('rebuild', topic, hash);
      const startedAt = stubPair.worker.startedAt;
      return { step: 'quarantining', hash, startedAt, quarantine: '/q', partitionsDone: 0, partitionsTotal: 2 };
    },
    ...overrides,
  };
}
