import type { DrillSpec } from '../../src/drill/drill-spec.ts';
import type { DeclaredPolicy } from '../../src/prefix-policy/declared-policy.ts';
import type { ApplicationsView } from '../../src/worker/acl-view.ts';
import type { LinkView, PairView } from '../../src/worker/views.ts';
import { Problem } from '../../src/worker/problems.ts';
import type {
  CarriedTopic,
  Clock,
  ClusterCondition,
  LocalClusters,
  LocalWorkers,
  OpenWorkerApi,
  RunningCluster,
  WorkerAddress,
  WorkerApi,
  WorkerCondition,
} from '../../src/provider/ports.ts';
import type { Catalogue } from '../../src/provider/server/dispatch.ts';
import type { Invoke } from '../../src/provider/server/invoke.ts';
import type { Resource } from '../../src/provider/server/resource.ts';

// Fakes of the provider's ports, for the tests of its handlers: no cluster, no worker and no process is behind them.

export function catalogueOf(...things: (Resource | Invoke)[]): Catalogue {
  return {
    resource: (type) => {
      const found = things.find((thing): thing is Resource => 'type' in thing && thing.type === type);
      return found === undefined ? Promise.reject(new Error(`no ${type} here`)) : Promise.resolve(found);
    },
    invoke: (token) => {
      const found = things.find((thing): thing is Invoke => 'token' in thing && thing.token === token);
      return found === undefined ? Promise.reject(new Error(`no ${token} here`)) : Promise.resolve(found);
    },
  };
}

/** Time that passes only while somebody sleeps. */
export function fakeClock(): Clock {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    sleep: (ms, signal) => {
      signal.throwIfAborted();
      nowMs += ms;
      return Promise.resolve();
    },
  };
}

export const fakePasswords = { admin: 'fake-admin-password', umbra: 'fake-umbra-password', app: 'fake-app-password' };

export const fakeRunning: RunningCluster = {
  bootstrapServers: ['127.0.0.1:19092'],
  clusterId: 'fakeClusterId',
  mechanism: 'SCRAM-SHA-512',
  passwords: fakePasswords,
};

export interface FakeClusters extends LocalClusters {
  readonly calls: string[];
  condition: ClusterCondition;
  /** What the next call of that name rejects with. */
  failing: Partial<Record<'start' | 'grant' | 'delete', Error>>;
  /** What `start` leaves behind when it fails. */
  leaves: ClusterCondition;
  /** Workers. */
  users: readonly string[];
}

export function fakeClusters(): FakeClusters {
  const fake: FakeClusters = {
    calls: [],
    condition: { kind: 'absent' },
    failing: {},
    leaves: { kind: 'absent' },
    users: [],
    files: (site) => ({ home: `/fake/${site}`, clientFiles: { app: `/fake/${site}/app.properties` } }),
    keepsData: (from, to) => from.kafkaVersion <= to.kafkaVersion,
    start(spec, working) {
      fake.calls.push(`start ${spec.site} ${spec.runtime} ${spec.kafkaVersion}`);
      working.progress('fake broker starts');
      if (fake.failing.start !== undefined) {
        fake.condition = fake.leaves;
        return Promise.reject(fake.failing.start);
      }
      fake.condition = { kind: 'running', ...fakeRunning };
      return Promise.resolve(fakeRunning);
    },
    grant(site, grants) {
      fake.calls.push(`grant ${site} ${grants.length}`);
      return fake.failing.grant === undefined ? Promise.resolve() : Promise.reject(fake.failing.grant);
    },
    inspect: () => Promise.resolve(fake.condition),
    usedBy: () => Promise.resolve(fake.users),
    delete(site) {
      fake.calls.push(`delete ${site}`);
      return fake.failing.delete === undefined ? Promise.resolve() : Promise.reject(fake.failing.delete);
    },
  };
  return fake;
}

export interface FakeWorkers extends LocalWorkers {
  readonly started: Parameters<LocalWorkers['start']>[0][];
  readonly calls: string[];
  condition: WorkerCondition;
  failing: Error | undefined;
}

export function fakeWorkers(): FakeWorkers {
  const running = { apiUrl: 'http://127.0.0.1:18080', metricsUrl: 'http://127.0.0.1:18080/metrics', pid: 4711 };
  const fake: FakeWorkers = {
    started: [],
    calls: [],
    condition: { kind: 'absent' },
    failing: undefined,
    start(spec) {
      fake.started.push(spec);
      fake.calls.push(`start ${spec.pair}-${spec.site}`);
      if (fake.failing !== undefined) return Promise.reject(fake.failing);
      fake.condition = { kind: 'running', ...running };
      return Promise.resolve(running);
    },
    inspect: () => Promise.resolve(fake.condition),
    delete(worker) {
      fake.calls.push(`delete ${worker.pair}-${worker.site}`);
      return Promise.resolve();
    },
  };
  return fake;
}

const nothing = { count: 0, first: [] };
/** Everything that is declared is granted. */
const granted: ApplicationsView = {
  ...{ authorizer: 'present', wanted: 0, alreadyThere: nothing, refused: nothing },
  ...{ behind: [], created: 0, removed: 0 },
};

/** Two workers' APIs in memory; `link` is called for each look at a link. */
export interface FakeApis {
  readonly open: OpenWorkerApi;
  readonly calls: string[];
  readonly addresses: WorkerAddress[];
  /** What every call rejects with while it is set. */
  failing: Error | undefined;
  /** What deletion rejects with. */
  deletion: Error | undefined;
  links: LinkView[];
  /** States that a new link goes through, one per look; the last one stays. */
  states: LinkView['state'][];
  topics: readonly CarriedTopic[];
  roles: readonly { readonly topic: string }[];
  policy: DeclaredPolicy | undefined;
  applications: ApplicationsView;
  schemaPrimary: PairView['schemaPrimary'];
  drills: readonly DrillSpec[];
}

export function fakeApis(): FakeApis {
  const fake: FakeApis = {
    calls: [],
    addresses: [],
    failing: undefined,
    deletion: undefined,
    links: [],
    states: ['following'],
    topics: [],
    roles: [],
    policy: undefined,
    applications: granted,
    schemaPrimary: undefined,
    drills: [],
    open(address) {
      fake.addresses.push(address);
      return apiOf(fake, address.url);
    },
  };
  return fake;
}

function apiOf(fake: FakeApis, url: string): WorkerApi {
  const call = <T>(what: string, answer: () => T): Promise<T> => {
    fake.calls.push(`${what} @${new URL(url).host}`);
    return fake.failing === undefined ? Promise.resolve().then(answer) : Promise.reject(fake.failing);
  };
  const next = (): LinkView['state'] => (fake.states.length > 1 ? fake.states.shift()! : fake.states[0]!);
  return {
    pair: () => call('pair', () => pairView(fake)),
    links: () => call('links', () => (fake.links = fake.links.map((link) => ({ ...link, state: next() })))),
    topics: () => call('topics', () => fake.topics),
    roles: () => call('roles', () => fake.roles),
    acls: () => call('acls', () => ({ links: [], applications: fake.applications })),
    prefixPolicy: () =>
      call('policy', () => {
        if (fake.policy === undefined) throw new Problem('NOT_FOUND', 'no prefix policy is declared');
        return fake.policy;
      }),
    putPrefixPolicy: (policy) =>
      call(`policy ${policy.owners.a} ${policy.owners.b}`, () => void (fake.policy = policy)),
    putSchemaPrimary: ({ site }) => call(`primary ${site}`, () => void (fake.schemaPrimary = site)),
    putLink: ({ from, to }) =>
      call(`link ${from}-${to}`, () => {
        const link = linkView({ from, to, state: next() });
        fake.links = [link];
        return link;
      }),
    deleteLink: (id, mode) =>
      call(`delete ${id} ${mode}`, () => {
        if (fake.deletion !== undefined) throw fake.deletion;
        fake.links = [];
      }),
    drill: (name) =>
      call(`drill ${name}`, () => {
        const drill = fake.drills.find((each) => each.name === name);
        if (drill === undefined) throw new Problem('NOT_FOUND', `there is no drill ${name}`);
        return drill;
      }),
    putDrill: (drill) =>
      call(`put drill ${drill.name}`, () => {
        fake.drills = [...fake.drills.filter(({ name }) => name !== drill.name), drill];
      }),
    deleteDrill: (name) =>
      call(`delete drill ${name}`, () => {
        if (fake.deletion !== undefined) throw fake.deletion;
        fake.drills = fake.drills.filter((each) => each.name !== name);
      }),
  };
}

const exposure = { seconds: 0, records: 0, recordsAtMost: 0, bytes: 0, basis: 'measured' } as const;

export function linkView(link: Partial<LinkView> & Pick<LinkView, 'from' | 'to' | 'state'>): LinkView {
  return {
    id: `${link.from}-${link.to}`,
    fence: 'acl',
    gap: 'fault',
    topics: { total: 0, following: 0, faulted: 0 },
    lag: { records: 0, seconds: 0 },
    exposure,
    standby: { groups: { synced: 0, notSynced: 0 }, schemas: 'unknown' },
    ...link,
  };
}

function pairView({ policy, schemaPrimary, links }: FakeApis): PairView {
  return {
    pair: 'pair',
    site: 'a',
    worker: { version: '0.1.0', pid: 1, startedAt: '2026-01-01T00:00:00Z' },
    ...(policy === undefined ? {} : { prefixes: policy.owners }),
    ...(schemaPrimary === undefined ? {} : { schemaPrimary }),
    sites: [],
    links,
    exposure,
    violations: [],
  };
}

export const unreachable = new Problem('UNREACHABLE', 'the worker at http://fake is unreachable: ECONNREFUSED');
