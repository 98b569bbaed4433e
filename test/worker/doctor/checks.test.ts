import { describe, expect, test } from 'vitest';
import type { Operations } from '../../../src/kafka/authorized-operations.ts';
import type { ClientQuota } from '../../../src/kafka/client-quotas.ts';
import { ConnectionError } from '../../../src/kafka/errors.ts';
import { checkConnections, checkIdentities } from '../../../src/worker/doctor/check-connections.ts';
import { checkCopies, checkLogs, type LogSight } from '../../../src/worker/doctor/check-copies.ts';
import { checkAgreement, checkPolicy } from '../../../src/worker/doctor/check-policy.ts';
import { checkReplicas } from '../../../src/worker/doctor/check-replicas.ts';
import { checkRights, namesToAsk } from '../../../src/worker/doctor/check-rights.ts';
import { checkSettings, type SettingsContext } from '../../../src/worker/doctor/check-settings.ts';
import { checkClock, checkWorkerClock, checkWorkers } from '../../../src/worker/doctor/check-workers.ts';
import { doctorCodes, type FindingCode } from '../../../src/worker/doctor/doctor-codes.ts';
import { compareClocks } from '../../../src/worker/doctor/look-at-clock.ts';
import type { SiteSight } from '../../../src/worker/doctor/site-sight.ts';
import { unanswered } from '../../../src/worker/doctor/unanswered.ts';
import type { Finding } from '../../../src/worker/finding.ts';
import { encodeMemberData } from '../../../src/worker/group/member-data.ts';
import { broker, configs, copy, everything, owners, pairSight, sight, topic } from './sights.ts';

const now = new Date('2026-01-01T00:00:00Z');
const day = (days: number): Date => new Date(now.getTime() + days * 86_400_000);
const codes = (findings: readonly Finding[]): (string | undefined)[] =>
  findings.flatMap(({ level, code }) => (level === 'ok' ? [] : [code]));
const context = (over: Partial<SettingsContext> = {}): SettingsContext => ({
  ...{ copies: [], source: undefined, sessionTimeoutMs: 10_000, clientIds: ['umbra-test-b'] },
  ...over,
});

describe('connections', () => {
  const cases: readonly (readonly [FindingCode, Partial<SiteSight>])[] = [
    ['BROKER_UNREACHABLE', { brokers: [{ ...broker(2), unreachable: 'refused' }] }],
    ['BROKER_TOO_OLD', { brokers: [{ ...broker(2), lacks: ['Fetch version 13'] }] }],
    ['BOOTSTRAP_SILENT', { bootstrap: [{ server: 'x:1', clusterId: undefined, why: 'refused' }] }],
    [
      'BOOTSTRAP_MIXED',
      {
        bootstrap: [
          { server: 'x:1', clusterId: 'one' },
          { server: 'y:1', clusterId: 'two' },
        ],
      },
    ],
    ['CERTIFICATE_EXPIRES', { certificates: [{ where: 'the broker x:1', subject: 'CN=x', validTo: day(29) }] }],
  ];
  test.each(cases)('%s', (code, over) => {
    expect(codes(checkConnections(sight(over), now))).toEqual([code]);
  });

  test('a certificate that holds for a month more is in order', () => {
    const certificates = [{ where: 'the broker x:1', subject: 'CN=x', validTo: day(31) }];
    expect(codes(checkConnections(sight({ certificates }), now))).toEqual([]);
  });

  test('one cluster under both names is named', () => {
    expect(codes(checkIdentities([sight({ site: 'a' }), sight()]))).toEqual(['SAME_CLUSTER']);
  });

  test('who does not answer, refuses credentials and refuses certificates is told apart', () => {
    const denied = { verdict: 'denied' } as const;
    const cause = Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' });
    expect(unanswered('a', new ConnectionError('gone')).code).toBe('NO_ANSWER');
    expect(unanswered('a', new ConnectionError('no', denied)).code).toBe('CREDENTIALS_REFUSED');
    expect(unanswered('a', new ConnectionError('no', { ...denied, cause })).code).toBe('TLS_REFUSED');
  });
});

describe('rights', () => {
  const asked = namesToAsk(sight(), pairSight);
  const rights = {
    topics: new Map(asked.topics.map((name) => [name, everything])),
    groups: new Map(asked.groups.map((name) => [name, everything])),
    cluster: everything,
    transactions: true,
  };
  const less = (...operations: readonly string[]): Operations =>
    new Set([...everything].filter((each) => !operations.includes(each)));

  test('all of them are in order', () => {
    expect(codes(checkRights(sight({ rights }), pairSight))).toEqual([]);
  });

  test('nobody is asked for a name under which somebody might create a topic', () => {
    expect(asked.topics.filter((name) => name.includes('umbra-doctor'))).toHaveLength(4);
  });

  test('one that is missing on a prefix is said once, with the command', () => {
    const topics = new Map([...rights.topics, ['a_umbra-doctor', less('DELETE')], ['a_x', less('DELETE')]]);
    const [only, ...more] = checkRights(sight({ rights: { ...rights, topics } }), pairSight);
    expect(more).toEqual([]);
    expect(only).toMatchObject({ code: 'RIGHT_MISSING', site: 'b' });
    expect(only?.message).toContain('lacks DELETE on topics that begin with "a_"');
    expect(only?.remedy).toContain(
      "kafka-acls.sh --bootstrap-server kafka-1:9092 --command-config admin.properties --add --allow-principal 'User:umbra' --operation Delete --topic a_ --resource-pattern-type prefixed",
    );
  });

  test('one that is missing on single topics only names them', () => {
    const some = sight({ topics: [topic('a_x'), topic('a_y'), topic('_umbra')] });
    const topics = new Map([...rights.topics, ['a_x', less('WRITE')], ['a_y', less('WRITE')]]);
    const findings = checkRights({ ...some, rights: { ...rights, topics } }, pairSight);
    expect(findings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/lacks WRITE on the topic a_x.* on a_y/),
    ]);
  });

  test('what the site does not do needs no right: the schemas of the primary are only read there', () => {
    const topics = new Map([...rights.topics, ['_schemas', less('WRITE')]]);
    const at = (site: 'a' | 'b'): Finding[] => [
      ...checkRights(sight({ site, rights: { ...rights, topics } }), pairSight),
    ];
    expect(codes(at('a'))).toEqual([]);
    expect(codes(at('b'))).toEqual(['RIGHT_MISSING']);
  });

  test('what only tidies up or looks is a warning', () => {
    const groups = new Map([...rights.groups, ['a_umbra-doctor', less('DELETE')]]);
    const cluster = less('DESCRIBE_CONFIGS');
    expect(codes(checkRights(sight({ rights: { ...rights, groups, cluster } }), pairSight))).toEqual([
      'RIGHT_WANTED',
      'RIGHT_WANTED',
    ]);
  });

  test('without an authorizer the site is unfenced', () => {
    expect(codes(checkRights(sight({ authorizer: 'absent', rights }), pairSight))).toEqual(['UNFENCED']);
  });
});

describe('policy', () => {
  const spec = { owners, schemaPrimary: undefined, links: [], shadows: [], pauses: [] };
  const cases: readonly (readonly [FindingCode, Parameters<typeof sight>[0]])[] = [
    ['STATE_MISSING', { state: { kind: 'absent' } }],
    ['STATE_UNREAD', { state: { kind: 'unread', why: 'refused' } }],
    ['STATE_NOT_COMPACTED', { configs: new Map([['_umbra', configs({ 'cleanup.policy': 'delete' })]]) }],
    ['STATE_PARTITIONS', { topics: [topic('_umbra', { partitions: 3 }), topic('b_x')] }],
    ['LINK_MISSING', { state: { kind: 'read', spec } }],
    [
      'POLICY_MISSING',
      { state: { kind: 'read', spec: { ...spec, owners: undefined, links: [{ from: 'a', to: 'b' }] } } },
    ],
    ['SQUATTER', { topics: [topic('a_taken'), topic('b_x')] }],
    ['UNOWNED', { topics: [topic('orders'), topic('b_x')] }],
    [
      'PAUSED',
      {
        state: {
          kind: 'read',
          spec: { ...spec, links: [{ from: 'a', to: 'b' }], pauses: [{ link: 'a-b', since: now.toISOString() }] },
        },
      },
    ],
    ['NO_TOPICS', { topics: [topic('_umbra')] }],
    ['AUTO_CREATE', { brokers: [broker(1, { 'auto.create.topics.enable': 'true' })] }],
  ];
  test.each(cases)('%s', (code, over) => {
    expect(codes(checkPolicy(sight(over), pairSight))).toEqual([code]);
  });

  test('what this site took over is where it belongs for now, and is never said to be deleted', () => {
    const none = { kind: 'topics', topics: new Set<string>() } as const;
    const moved = { a: { kind: 'topics', topics: new Set(['a_taken', '_schemas']) }, b: none } as const;
    const state = { kind: 'read', spec: { ...spec, links: [{ from: 'a', to: 'b' }], moved } } as const;
    expect(
      codes(checkPolicy(sight({ topics: [topic('a_taken'), topic('_schemas'), topic('b_x')], state }), pairSight)),
    ).toEqual([]);
  });

  test('sites that were told different things are named', () => {
    const other = { ...spec, owners: { a: 'a_', b: 'c_' }, schemaPrimary: { site: 'b' as const } };
    const a = sight({ site: 'a', state: { kind: 'read', spec: { ...spec, schemaPrimary: { site: 'a' } } } });
    expect(codes(checkAgreement([a, sight({ state: { kind: 'read', spec: other } })]))).toEqual([
      'POLICY_DIFFERS',
      'SCHEMA_PRIMARY_DIFFERS',
    ]);
    expect(codes(checkAgreement([a, sight()]))).toEqual([]);
  });
});

describe('copies', () => {
  const faulted = { partition: 0, code: 'DIVERGED' as const, message: 'at 7', at: now.toISOString() };
  const { record } = copy('a_x');
  const cases: readonly (readonly [FindingCode, Parameters<typeof copy>[1]])[] = [
    ['COPY_FAULTED', { record: { ...record, faults: [faulted] } }],
    ['COPY_GONE', { copy: undefined }],
    ['COPY_REPLACED', { copy: topic('a_x', { topicId: 'other' }) }],
    ['SOURCE_GONE', { source: undefined }],
    ['SOURCE_REPLACED', { source: topic('a_x', { topicId: 'other' }) }],
    ['COPY_MORE_PARTITIONS', { copy: topic('a_x', { partitions: 2 }) }],
    ['COPY_CONFIG', { copyConfigs: configs({ 'cleanup.policy': 'compact' }) }],
    [
      'COPY_CONFIG',
      {
        sourceConfigs: configs({ 'max.message.bytes': '5000000' }),
        copyConfigs: configs({ 'max.message.bytes': '1048588' }),
      },
    ],
  ];
  test.each(cases)('%s', (code, over) => {
    expect(codes(checkCopies(sight(), [copy('a_x', over)]))).toEqual([code]);
  });

  test('a source whose cluster does not answer is not called gone', () => {
    expect(codes(checkCopies(sight(), [copy('a_x', { source: undefined, sourceSeen: false })]))).toEqual([]);
  });

  test('a topic that is gone at both sites is no fault', () => {
    const gone = { source: undefined, copy: undefined };
    expect(codes(checkCopies(sight(), [copy('a_x', { ...gone, record: { ...record, faults: [faulted] } })]))).toEqual(
      [],
    );
  });

  const level: LogSight = { topic: 'a_x', partition: 0, site: 'b', copyEnd: 5n, sourceStart: 0n, sourceEnd: 5n };
  const hour = new Map([['a_x', configs({ 'cleanup.policy': 'delete', 'retention.ms': '3600000' })]]);
  const logs: readonly (readonly [FindingCode, Partial<LogSight>])[] = [
    ['COPY_AHEAD', { copyEnd: 6n }],
    ['RECORDS_GONE', { copyEnd: 1n, sourceStart: 3n }],
    ['HANGING_TRANSACTION', { hangingMs: 1_000_000, hangingProducer: 7n }],
    ['RETENTION_NEAR', { oldestUncopied: new Date(now.getTime() - 2_000_000) }],
  ];
  test.each(logs)('%s', (code, over) => {
    const source = sight({ site: 'a', configs: hour });
    expect(codes(checkLogs([{ ...level, ...over }], source, now))).toEqual([code]);
  });

  test('RETENTION_SHORT, unless the topic is compacted', () => {
    const source = (policy: string): SiteSight =>
      sight({
        site: 'a',
        configs: new Map([['a_x', configs({ 'cleanup.policy': policy, 'retention.ms': '3599999' })]]),
      });
    expect(codes(checkLogs([level], source('delete'), now))).toEqual(['RETENTION_SHORT']);
    expect(codes(checkLogs([level], source('compact'), now))).toEqual([]);
    expect(codes(checkLogs([level], sight({ site: 'a', configs: hour }), now))).toEqual([]);
  });
});

describe('replicas', () => {
  const minimum = new Map([['_umbra', configs({ 'min.insync.replicas': '2' })]]);
  const cases: readonly (readonly [readonly FindingCode[], Parameters<typeof sight>[0]])[] = [
    [['PARTITION_OFFLINE'], { topics: [topic('b_x', { led: false })] }],
    [['UNDER_REPLICATED'], { size: 3, topics: [topic('b_x', { replicas: 3, inSync: 2 })] }],
    [
      ['UNDER_REPLICATED', 'ISR_TOO_SMALL'],
      { size: 2, topics: [topic('_umbra', { replicas: 2, inSync: 1 })], configs: minimum },
    ],
    [['MIN_ISR_ABOVE_REPLICAS'], { topics: [topic('_umbra')], configs: minimum }],
    [['ONE_REPLICA'], { size: 2, topics: [topic('__consumer_offsets')] }],
    [
      ['UNCLEAN_ELECTION'],
      { topics: [topic('b_x')], configs: new Map([['b_x', configs({ 'unclean.leader.election.enable': 'true' })]]) },
    ],
  ];
  test.each(cases)('%j', (wanted, over) => {
    expect(codes(checkReplicas(sight(over), [], pairSight))).toEqual(wanted);
  });

  test('topics of others are not looked at', () => {
    expect(codes(checkReplicas(sight({ topics: [topic('orders', { led: false })] }), [], pairSight))).toEqual([]);
  });

  test('COPY_FEWER_REPLICAS', () => {
    const seen = copy('a_x', { source: topic('a_x', { replicas: 3 }) });
    expect(codes(checkReplicas(sight({ size: 3, topics: [] }), [seen], pairSight))).toEqual(['COPY_FEWER_REPLICAS']);
  });
});

describe('settings', () => {
  const large = [copy('a_x', { copyConfigs: configs({ 'max.message.bytes': '5000000' }) })];
  const source = sight({
    site: 'a',
    brokers: [
      broker(1, { 'offset.metadata.max.bytes': '8192', 'group.coordinator.rebalance.protocols': 'classic,consumer' }),
    ],
  });
  const cases: readonly (readonly [FindingCode, Readonly<Record<string, string>>, Readonly<Record<string, string>>])[] =
    [
      ['REQUEST_BYTES', { 'socket.request.max.bytes': '1000000' }, { 'socket.request.max.bytes': '104857600' }],
      ['OFFSETS_RETENTION', { 'offsets.retention.minutes': '719' }, { 'offsets.retention.minutes': '720' }],
      ['OFFSET_METADATA', { 'offset.metadata.max.bytes': '4096' }, { 'offset.metadata.max.bytes': '8192' }],
      ['SESSION_TIMEOUT', { 'group.max.session.timeout.ms': '9999' }, { 'group.max.session.timeout.ms': '10000' }],
      ['SESSION_TIMEOUT', { 'group.min.session.timeout.ms': '10001' }, { 'group.min.session.timeout.ms': '10000' }],
      ['PRODUCER_ID_EXPIRATION', { 'producer.id.expiration.ms': '60000' }, { 'producer.id.expiration.ms': '86400000' }],
      [
        'TRANSACTIONAL_ID_EXPIRATION',
        { 'transactional.id.expiration.ms': '60000' },
        { 'transactional.id.expiration.ms': '604800000' },
      ],
      ['TRANSACTION_TIMEOUT', { 'transaction.max.timeout.ms': '9999' }, { 'transaction.max.timeout.ms': '10000' }],
      [
        'CLASSIC_GROUPS',
        { 'group.coordinator.rebalance.protocols': 'consumer' },
        { 'group.coordinator.rebalance.protocols': 'classic, consumer' },
      ],
      ['CONSUMER_GROUPS', { 'group.coordinator.rebalance.protocols': 'classic' }, {}],
      ['DELETE_OFF', { 'delete.topic.enable': 'false' }, { 'delete.topic.enable': 'true' }],
      ['CLEANER_OFF', { 'log.cleaner.enable': 'false' }, { 'log.cleaner.enable': 'true' }],
    ];
  test.each(cases)('%s %j', (code, wrong, right) => {
    const look = (settings: Readonly<Record<string, string>>): (string | undefined)[] =>
      codes(checkSettings(sight({ brokers: [broker(1, settings)] }), context({ copies: large, source })));
    expect(look(wrong)).toEqual([code]);
    expect(look(right)).toEqual([]);
  });

  test('REPLICA_FETCH_BYTES, where there are followers', () => {
    const look = (size: number): (string | undefined)[] =>
      codes(
        checkSettings(
          sight({ size, brokers: [broker(1, { 'replica.fetch.max.bytes': '1048576' })] }),
          context({ copies: large }),
        ),
      );
    expect([look(1), look(3)]).toEqual([[], ['REPLICA_FETCH_BYTES']]);
  });

  test('SETTINGS_DIFFER, and the same fault of two brokers is said once', () => {
    const differ = [broker(1, { 'message.max.bytes': '1' }), broker(2, { 'message.max.bytes': '2' })];
    expect(codes(checkSettings(sight({ brokers: differ }), context()))).toEqual(['SETTINGS_DIFFER']);
    const alike = [broker(1, { 'delete.topic.enable': 'false' }), broker(2, { 'delete.topic.enable': 'false' })];
    const [only, ...more] = checkSettings(sight({ brokers: alike }), context());
    expect([only?.message, more]).toEqual(['broker 1, 2: delete.topic.enable is false: no copy can be rebuilt', []]);
  });

  test('QUOTA, of umbra and of everybody, not of others', () => {
    const limit = { user: undefined, clientId: undefined, key: 'producer_byte_rate', value: 1_000 };
    const look = (quota: Partial<ClientQuota>): (string | undefined)[] =>
      codes(checkSettings(sight({ quotas: [{ ...limit, ...quota }] }), context()));
    expect(look({ user: 'umbra' })).toEqual(['QUOTA']);
    expect(look({ user: '<default>' })).toEqual(['QUOTA']);
    expect(look({ clientId: 'umbra-test-b' })).toEqual(['QUOTA']);
    expect(look({ user: 'app' })).toEqual([]);
    expect(look({ clientId: 'app' })).toEqual([]);
    expect(look({ user: 'umbra', value: 50_000_000 })).toEqual([]);
  });
});

describe('workers and clocks', () => {
  const member = (url: string, clientHost: string): NonNullable<SiteSight['workers']>['members'][number] => ({
    ...{ memberId: url, clientHost, assignment: Buffer.alloc(0) },
    metadata: encodeMemberData({
      version: 1,
      incarnation: 'abcdefghijkl',
      url,
      holds: new Map(),
      generation: 0,
      turn: 0,
    }),
  });
  const group = (members: NonNullable<SiteSight['workers']>['members'], protocolType = 'umbra'): SiteSight =>
    sight({ workers: { protocolType, state: 'Stable', members } });

  test('a site with a link needs a worker', () => {
    expect(codes(checkWorkers(group([])))).toEqual(['NO_WORKER']);
    expect(codes(checkWorkers({ ...group([]), state: { kind: 'absent' } }))).toEqual([]);
    expect(codes(checkWorkers(group([member('http://127.0.0.1:1', '/10.0.0.1')])))).toEqual([]);
  });

  test('the group must be that of the workers', () => {
    expect(codes(checkWorkers(group([member('http://x:1', '/10.0.0.1')], 'consumer')))).toEqual(['WORKER_GROUP_TAKEN']);
  });

  test('workers on several machines must not advertise loopback addresses', () => {
    const local = member('http://127.0.0.1:8080', '/10.0.0.1');
    expect(codes(checkWorkers(group([local, member('http://10.0.0.2:8080', '/10.0.0.2')])))).toEqual(['WORKER_URL']);
    expect(codes(checkWorkers(group([local, member('http://127.0.0.1:8081', '/10.0.0.1')])))).toEqual([]);
  });

  test('clocks are compared by the newest transactions of _umbra', () => {
    const transaction = (at: number, aheadMs: number): Parameters<typeof compareClocks>[0] => [
      { control: false, timestampMs: at },
      { control: true, timestampMs: at + aheadMs },
    ];
    const seen = compareClocks([
      ...transaction(1_000, 0),
      ...[2, 3, 4, 5, 6].flatMap((at) => transaction(at * 1_000, 9_000 + at)),
    ]);
    expect(seen).toEqual({ brokerAheadMs: 9_002, measuredAt: new Date(15_006) });
    expect(codes(checkClock(sight({ clock: seen })))).toEqual(['CLOCK_APART']);
    expect(codes(checkClock(sight({ clock: { brokerAheadMs: 2_900, measuredAt: now } })))).toEqual([]);
    expect(compareClocks([{ control: true, timestampMs: 1 }])).toBeUndefined();
  });

  test('a worker whose clock is off is named', () => {
    expect(codes(checkWorkerClock('a', { url: 'http://x', aheadMs: -9_000 }))).toEqual(['CLOCK_APART']);
    expect(codes(checkWorkerClock('a', { url: 'http://x', aheadMs: 900 }))).toEqual([]);
  });
});

test('every code says what it finds and names a remedy', () => {
  for (const [code, { finds, remedy }] of Object.entries(doctorCodes)) {
    expect(finds.length, code).toBeGreaterThan(20);
    expect(remedy.length, code).toBeGreaterThan(5);
  }
});
