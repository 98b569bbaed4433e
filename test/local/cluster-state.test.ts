import { expect, test } from 'vitest';
import { type LocalClusterSpecInput, parseClusterSpec } from '../../src/local/cluster-spec.ts';
import { keepsData, newClusterState, planStart } from '../../src/local/cluster-state.ts';

const base: LocalClusterSpecInput = { name: 'a', home: '/tmp/umbra/a', kafkaVersion: '4.0.0' };

async function planFor(change: Partial<LocalClusterSpecInput>): Promise<ReturnType<typeof planStart>> {
  const state = await newClusterState(parseClusterSpec(base));
  return planStart(parseClusterSpec({ ...base, ...change }), state);
}

test('the same spec keeps the cluster as it is', async () => {
  expect((await planFor({})).kind).toBe('keep');
});

test('another heap, port, runtime or newer version restarts it, and the change is named', async () => {
  for (const change of [
    { heapMb: 500 },
    { clientPort: 9092 },
    { runtime: 'docker' },
    { kafkaVersion: '4.3.1' },
  ] as const) {
    const plan = await planFor(change);
    expect(plan).toMatchObject({ kind: 'restart', changes: [expect.stringContaining(Object.keys(change)[0]!)] });
  }
});

test('what the data depends on is refused: security, the number of brokers, an older version', async () => {
  for (const change of [{ security: 'none' }, { brokers: 3 }, { kafkaVersion: '3.9.2' }] as const) {
    const plan = await planFor(change);
    if (plan.kind !== 'refuse') throw new Error(plan.kind);
    expect(plan.reason).toContain(Object.keys(change)[0]!);
  }
});

test('a restart changes neither the identity nor the inner ports', async () => {
  const spec = parseClusterSpec(base);
  const state = await newClusterState(spec);
  const plan = planStart({ ...spec, clientPort: 9092 }, state);
  if (plan.kind !== 'restart') throw new Error(plan.kind);
  expect(plan.state.clusterId).toBe(state.clusterId);
  expect(plan.state.brokers).toEqual([{ ...state.brokers[0]!, clientPort: 9092 }]);
});

test('versions are compared by number, not by letter', () => {
  expect(keepsData('4.9.0', '4.10.0')).toBe(true);
  expect(keepsData('4.10.0', '4.9.0')).toBe(false);
  expect(keepsData('4.3.1', '4.3.1')).toBe(true);
});

test('every port of a new cluster is another one, below the range of outgoing connections', async () => {
  const state = await newClusterState(parseClusterSpec({ ...base, brokers: 3 }));
  const ports = state.brokers.flatMap((broker) => [broker.clientPort, broker.brokerPort, broker.controllerPort]);
  expect(new Set(ports).size).toBe(9);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test('each wrong field is named with its bound', () => {
  const wrong = { name: 'A!', home: 'relative', heapMb: 10, clientPort: 80, brokers: 4 };
  expect(() => parseClusterSpec(wrong)).toThrow(
    /name: .*home: must be an absolute path.*brokers: .*clientPort: must be at least 1024.*heapMb: must be at least 192/,
  );
});

test('a folder that Kafka or Docker could not be told is refused', () => {
  for (const home of ['/a,b', '/a:b', '/a;b', '/a"b', '/a\nb']) {
    expect(() => parseClusterSpec({ ...base, home })).toThrow('home: must not contain');
  }
});

test('several brokers in containers are refused: each would only find itself', () => {
  expect(() => parseClusterSpec({ ...base, brokers: 3, runtime: 'docker' })).toThrow('brokers: must be 1');
});

test('SCRAM before Kafka 3.5 is refused before anything is written', () => {
  expect(() => parseClusterSpec({ ...base, kafkaVersion: '3.3.2', security: 'scram' })).toThrow(
    'security: must be none before Kafka 3.5',
  );
  for (const kafkaVersion of ['3.5.2', '3.9.2', '4.3.1']) {
    expect(parseClusterSpec({ ...base, kafkaVersion, security: 'scram' }).security).toBe('scram');
  }
  expect(parseClusterSpec({ ...base, kafkaVersion: '3.3.2', security: 'none' }).kafkaVersion).toBe('3.3.2');
});
