/**
 * Captures answers of real brokers, raw, as golden bytes for the codec tests, together with what Kafka's own tools say
 * about the same data (kafka-dump-log, kafka-topics, a Java consumer): the tests compare our codecs with these and
 * with literals, never with themselves.
 *
 *   node_modules/.bin/node test/kafka/golden/capture.ts            (a minute; needs Java, as all tests with brokers do)
 *
 * Per version `golden/<version>/`: `<name>.bin` (an answer from its correlation id on), `dump-<topic>.txt` and
 * `witness.json`. Ids, ports and times differ from capture to capture; tests read those from the witnesses. Offsets,
 * counts and codes do not, and stand in the tests.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  apiVersionsV3,
  describeProducersV0,
  listOffsetsV6,
  metadataV12,
  offsetForLeaderEpochV4,
  type Writer,
} from '@platformatic/kafka';
import { BrokerConnection, defaultLimits, type RequestFrame } from '../../../src/kafka/connection.ts';
import { decodeFetch, encodeFetch, type FetchPartition, newSession, noSession } from '../../../src/kafka/fetch-api.ts';
import { encodeProduce, type ProducePartition } from '../../../src/kafka/produce-api.ts';
import { runCommand } from '../../../src/local/run-command.ts';
import { parseBatch, stampBatch } from '../../../src/replication/batches/record-batch.ts';
import { kafkaLibs } from '../../../src/local/cache-dir.ts';
import { clusterPaths } from '../../../src/local/cluster-paths.ts';
import { startTestCluster, type TestCluster } from '../../fixtures/cluster.ts';
import { type Codec, javaConsume, javaProduce } from '../../fixtures/java-client.ts';
import { createTopic, kafkajs } from '../../fixtures/kafkajs.ts';

const versions = ['4.3.1', '3.9.2'];
const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const plainTopics = [...codecs, 'empty', 'txn', 'epochs', 'target'];
const toolTimeoutMs = 60_000;
const linkProducer = 2n ** 52n; // what a link's ids look like: this plus the version of Produce

class Capture {
  readonly version: string;
  readonly folder: string;
  readonly cluster: TestCluster;
  #connection: BrokerConnection | undefined;
  topicIds: Record<string, string> = {};

  constructor(version: string, cluster: TestCluster) {
    this.version = version;
    this.folder = join(import.meta.dirname, version);
    this.cluster = cluster;
  }

  async ask(frame: RequestFrame): Promise<{ readonly bytes: Buffer; readonly bodyStart: number }> {
    const port = Number(this.cluster.bootstrapServers[0]?.split(':')[1]);
    if (this.#connection?.closed !== false) {
      this.#connection = await BrokerConnection.open(
        { host: '127.0.0.1', port },
        { clientId: 'capture', tls: undefined, limits: defaultLimits },
        AbortSignal.timeout(toolTimeoutMs),
      );
    }
    return this.#connection.request(frame);
  }

  async save(name: string, frame: RequestFrame): Promise<{ readonly bytes: Buffer; readonly bodyStart: number }> {
    const answer = await this.ask(frame);
    await writeFile(join(this.folder, `${name}.bin`), answer.bytes);
    console.log(`${this.version} ${name}: ${answer.bytes.length} bytes`);
    return answer;
  }

  /** Runs one of Kafka's own command line tools. */
  async tool(...args: readonly string[]): Promise<string> {
    const classPath = join(kafkaLibs(this.version, process.env), '*');
    const bounds = { env: process.env, signal: AbortSignal.timeout(toolTimeoutMs), timeoutMs: toolTimeoutMs };
    const { exitCode, stdout, output } = await runCommand('java', ['-Xmx128m', '-cp', classPath, ...args], bounds);
    if (exitCode !== 0) throw new Error(`${args[0] ?? ''} failed:\n${output}`);
    return stdout;
  }

  partition(topic: string, fetchOffset: bigint, more: Partial<FetchPartition> = {}): FetchPartition {
    const topicId = this.topicIds[topic];
    if (topicId === undefined) throw new Error(`no topic ${topic}`);
    const unset = { partition: 0, currentLeaderEpoch: -1, lastFetchedEpoch: undefined, bytesMax: 1 << 20 };
    return { topicId, fetchOffset, ...unset, ...more };
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }
}

async function fill(capture: Capture): Promise<void> {
  const client = capture.cluster.connection('admin');
  for (const topic of plainTopics) {
    const partitions = topic === 'target' ? 2 : 1;
    await createTopic(client, topic, { partitions, configs: { 'retention.ms': '-1' } });
  }
  await createTopic(client, 'compacted', { configs: { 'cleanup.policy': 'compact' } });
  await javaProduce(
    client,
    codecs.map((codec, index) => ({
      ...{ topic: codec, partitions: 1, records: 20, codec, seed: index + 1 },
      ...{ idempotence: index % 2 === 0, valueBytesMax: 60, batchBytes: 500 },
    })),
  );
  const job = { topic: 'epochs', partitions: 1, records: 5, codec: 'none', idempotence: false, seed: 9 } as const;
  await javaProduce(client, [job]);
  await capture.cluster.broker.stop();
  await capture.cluster.broker.start(); // a new leader epoch
  await javaProduce(client, [{ ...job, records: 10 }]);
  await transactions(capture);
}

/** Two committed records, three aborted ones, their markers; then one record of no transaction. */
async function transactions(capture: Capture): Promise<void> {
  const app = kafkajs(capture.cluster.connection('admin'));
  const producer = app.producer({ transactionalId: 'golden', maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  try {
    for (const [values, end] of [
      [['c1', 'c2'], 'commit'],
      [['x1', 'x2', 'x3'], 'abort'],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: 'txn', messages: values.map((value) => ({ value })) });
      await transaction[end]();
    }
  } finally {
    await producer.disconnect();
  }
  const plain = app.producer();
  await plain.connect();
  try {
    await plain.send({ topic: 'txn', acks: -1, messages: [{ value: 'after' }] });
  } finally {
    await plain.disconnect();
  }
}

async function witnesses(capture: Capture): Promise<void> {
  const topicTool = 'org.apache.kafka.tools.TopicCommand';
  const server = capture.cluster.bootstrapServers.join(',');
  const described = await capture.tool(topicTool, '--bootstrap-server', server, '--describe');
  const topicIds: Record<string, string> = {};
  for (const [, topic, id] of described.matchAll(/^Topic: (\S+)\s+TopicId: (\S+)/gm)) {
    if (topic !== undefined && id !== undefined) topicIds[topic] = Buffer.from(id, 'base64url').toString('hex');
  }
  capture.topicIds = topicIds;
  const digests = await javaConsume(
    capture.cluster.connection('admin'),
    codecs.map((topic) => ({ topic })),
  );
  const { clusterId } = capture.cluster.local;
  await writeFile(
    join(capture.folder, 'witness.json'),
    `${JSON.stringify({ version: capture.version, server, clusterId, topicIds, digests }, undefined, 2)}\n`,
  );
}

/** After everything was written: what kafka-dump-log reads in the segment files. */
async function dumps(capture: Capture): Promise<void> {
  const data = clusterPaths(capture.cluster.local.home).broker(1).data;
  const dumper = capture.version.startsWith('3.') ? 'kafka.tools' : 'org.apache.kafka.tools';
  for (const topic of plainTopics) {
    const file = join(data, `${topic}-0`, '00000000000000000000.log');
    const text = await capture.tool(`${dumper}.DumpLogSegments`, '--files', file);
    const lines = text.split('\n').filter((line) => line.startsWith('baseOffset'));
    await writeFile(join(capture.folder, `dump-${topic}.txt`), lines.map((line) => `${line}\n`).join(''));
  }
}

async function fetches(capture: Capture): Promise<void> {
  const at = (topic: string, offset: bigint, more?: Partial<FetchPartition>): FetchPartition =>
    capture.partition(topic, offset, more);
  const one = (partitions: readonly FetchPartition[], bytesMax = 1 << 20): RequestFrame =>
    encodeFetch({ session: noSession, maxWaitMs: 0, minBytes: 0, bytesMax, partitions, forgotten: [] });
  await capture.save('fetch-codecs', one(codecs.map((codec) => at(codec, 0n))));
  await capture.save('fetch-middle', one([at('none', 7n)]));
  await capture.save('fetch-cut', one([at('none', 0n, { bytesMax: 700 }), at('gzip', 0n)], 900));
  await capture.save('fetch-empty', one([at('empty', 0n)]));
  await capture.save('fetch-out-of-range', one([at('none', 1000n)]));
  await capture.save('fetch-unknown-topic', one([{ ...at('none', 0n), topicId: 'ab'.repeat(16) }]));
  await capture.save('fetch-fenced', one([at('none', 0n, { currentLeaderEpoch: 1_000_000 })]));
  await capture.save('fetch-aborted', one([at('txn', 0n)]));
  await capture.save('fetch-diverging', one([at('epochs', 12n, { lastFetchedEpoch: 0 })]));
  await sessions(capture, at);
}

async function sessions(capture: Capture, at: (topic: string, offset: bigint) => FetchPartition): Promise<void> {
  const request = { maxWaitMs: 0, minBytes: 0, bytesMax: 1 << 20, forgotten: [] };
  const partitions = [at('empty', 0n), at('none', 20n)];
  const opened = await capture.save('fetch-session-new', encodeFetch({ ...request, session: newSession, partitions }));
  const { sessionId: id } = decodeFetch(opened.bytes, opened.bodyStart);
  const next = (epoch: number): RequestFrame => encodeFetch({ ...request, session: { id, epoch }, partitions: [] });
  await capture.save('fetch-session-idle', next(1));
  await javaProduce(capture.cluster.connection('admin'), [
    { topic: 'empty', partitions: 1, records: 1, codec: 'none', idempotence: false, seed: 1 },
  ]);
  await capture.save('fetch-session-news', next(2));
  await capture.save('fetch-session-wrong-epoch', next(9));
  const gone = { id: id ^ 1, epoch: 1 };
  await capture.save('fetch-session-gone', encodeFetch({ ...request, session: gone, partitions: [] }));
}

/** The first batch of a Java producer, stamped anew. */
async function batchOf(capture: Capture, topic: string, stamp: { id: bigint; sequence: number }): Promise<Buffer> {
  const partitions = [capture.partition(topic, 0n)];
  const request = { session: noSession, maxWaitMs: 0, minBytes: 0, bytesMax: 1 << 20, partitions, forgotten: [] };
  const answer = await capture.ask(encodeFetch(request));
  const records = decodeFetch(answer.bytes, answer.bodyStart).partitions[0]?.records ?? { start: 0, end: 0 };
  const parsed = parseBatch(answer.bytes, records.start, records.end);
  if (parsed.kind !== 'batch') throw new Error(`no batch in ${topic}`);
  return stampBatch(answer.bytes, parsed.header, {
    producerId: stamp.id,
    producerEpoch: 0,
    baseSequence: stamp.sequence,
  });
}

async function produces(capture: Capture): Promise<void> {
  for (const version of [9, 11]) {
    const id = linkProducer + BigInt(version);
    const send = async (name: string, partitions: readonly ProducePartition[]): Promise<void> => {
      await capture.save(`produce-${version}-${name}`, encodeProduce(partitions, { version, timeoutMs: 10_000 }));
    };
    const batch = (topic: string, sequence: number): Promise<Buffer> => batchOf(capture, topic, { id, sequence });
    await send('ok', [
      { topic: 'target', partition: 0, batch: await batch('none', 0) },
      { topic: 'target', partition: 1, batch: await batch(version === 9 ? 'zstd' : 'lz4', 0) },
    ]);
    await send('out-of-order', [{ topic: 'target', partition: 0, batch: await batch('none', 500) }]);
    const misplaced = await batch('gzip', 0);
    misplaced.writeBigInt64BE(5n, 0); // base offset, outside the checksum: brokers want 0 there
    await send('invalid', [{ topic: 'target', partition: 1, batch: misplaced }]);
    await send('null-key', [{ topic: 'compacted', partition: 0, batch: await batch('none', 0) }]);
    await send('mixed', [
      { topic: 'nowhere', partition: 0, batch: await batch('none', 0) },
      { topic: 'target', partition: 0, batch: await batch('none', 900) },
      { topic: 'target', partition: 7, batch: await batch('none', 0) },
    ]);
  }
}

async function queries(capture: Capture): Promise<void> {
  const library = (api: { key: number; version: number }, body: Writer): RequestFrame => ({
    ...{ apiKey: api.key, apiVersion: api.version, flexible: true, body: [body.buffer] },
  });
  const epochs = [
    ['none', 0, -1],
    ['epochs', 0, -1],
    ['none', 0, 99],
  ] as const;
  for (const [index, [name, leaderEpoch, currentLeaderEpoch]] of epochs.entries()) {
    const topics = [{ name, partitions: [{ partitionIndex: 0, currentLeaderEpoch, leaderEpoch }] }];
    const body = offsetForLeaderEpochV4.createRequest(-1, topics);
    await capture.save(`epoch-end-${index}`, library(offsetForLeaderEpochV4.api, body));
  }
  const described = [
    { name: 'target', partitionIndexes: [0, 1] },
    { name: 'empty', partitionIndexes: [0, 5] },
  ];
  await capture.save('producers', library(describeProducersV0.api, describeProducersV0.createRequest(described)));
  for (const [name, timestamp] of [['earliest', -2n] as const, ['latest', -1n] as const]) {
    const topics = ['none', 'txn', 'nowhere'].map((topic) => ({
      name: topic,
      partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }],
    }));
    await capture.save(`offsets-${name}`, library(listOffsetsV6.api, listOffsetsV6.createRequest(-1, 0, topics)));
  }
  const all = metadataV12.createRequest(null, false, false);
  await capture.save('metadata-all', library(metadataV12.api, all));
  const some = metadataV12.createRequest(['target', 'nowhere'], false, false);
  await capture.save('metadata-some', library(metadataV12.api, some));
  await capture.save('api-versions', library(apiVersionsV3.api, apiVersionsV3.createRequest('umbra', '0')));
}

for (const version of versions) {
  const cluster = await startTestCluster({ version, security: 'none', name: 'golden' });
  const capture = new Capture(version, cluster);
  try {
    await rm(capture.folder, { recursive: true, force: true });
    await mkdir(capture.folder, { recursive: true });
    await fill(capture);
    await witnesses(capture);
    await fetches(capture);
    await produces(capture);
    await queries(capture);
    await dumps(capture);
  } finally {
    await capture.close();
    await cluster.remove();
  }
}
