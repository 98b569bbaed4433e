import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { lastSequences, partitionKey } from '../../src/kafka/log-queries.ts';
import { LogReader, type RawBatch } from '../../src/replication/logs/log-reader.ts';
import { type LogPair, type PartitionVerdict, verifyPartition } from '../../src/replication/logs/verify.ts';
import { javaConsume } from '../fixtures/java-client.ts';
import { kafkajs, logEnds } from '../fixtures/kafkajs.ts';
import { eventually } from '../fixtures/wait.ts';
import { type CrewMember } from './crew.ts';
import { type Lab, topics } from './lab.ts';
import { type ReadRecord } from './ledger.ts';

/** What both logs and two ordinary clients say at the end. No problem: the proof holds. */
export interface Verdict {
  readonly problems: readonly string[];
  readonly batchesEqual: number;
  readonly recordsEqual: number;
  /** Batches or records that differ, that the copy has too many, and that it lacks. */
  readonly different: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly acknowledged: number;
  readonly aborted: number;
}

/** A copy that is behind is waited for as long as it moves. */
const standstillMs = 60_000;
const settleMs = 900_000;
const readMs = 120_000;
const aroundOffsets = 12n;

/** Waits until the copies are level, then judges. The loads must have been stopped. */
export async function judge({ clusters, crew, loads }: Lab): Promise<Verdict> {
  const names = loads.map(({ topic }) => topic);
  const problems: string[] = [];
  try {
    await level(crew.current, names);
    problems.push(...(await crew.current.faults()));
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const connect = (name: string, site: 'a' | 'b'): Cluster =>
    new Cluster(name, clusterConfigSchema.parse(clusters[site].connection('admin')), { clientId: 'chaos' });
  const direct = { source: connect('the source', 'a'), copy: connect('the copy', 'b') };
  const logs = { source: new LogReader(direct.source), copy: new LogReader(direct.copy) };
  try {
    const raw = await compareLogs(logs, loads, clusters.a.connection('app'));
    await requireForgetting(direct.copy);
    const clients = await askClients({ clusters, loads });
    return {
      ...{ problems: [...problems, ...raw.problems, ...clients], ...raw.totals },
      acknowledged: loads.reduce((sum, { ledger }) => sum + ledger.acknowledged, 0),
      aborted: loads.reduce((sum, { ledger }) => sum + ledger.aborted, 0),
    };
  } finally {
    await Promise.all([direct.source.close(), direct.copy.close()]);
  }
}

/** Every copy has all that its source has, or is faulted: that never goes away. */
async function level(worker: CrewMember, names: readonly string[]): Promise<void> {
  let copied = -1;
  let movedAtMs = performance.now();
  await eventually(
    'every copy is level with its source, or stands still',
    async () => {
      if (await worker.settled(names)) return true;
      const now = await worker.copied();
      if (now > copied) [copied, movedAtMs] = [now, performance.now()];
      return performance.now() - movedAtMs > standstillMs || undefined;
    },
    settleMs,
  );
}

/**
 * Nothing would be proven about old records if the target still knew who wrote them.
 * @throws when it does not forget
 */
async function requireForgetting(target: Cluster): Promise<void> {
  const old = topics.filter(({ transactional, ageDays }) => !transactional && ageDays > 0).map(({ topic }) => topic);
  const metadata = await target.metadata(old);
  for (const { name, partitions } of metadata.topics.values()) {
    for (const { partition, leader } of partitions) {
      if (leader === undefined) throw new Error(`${name}/${partition} has no leader`);
      const broker = await target.broker(leader, 'control');
      await eventually(`the target has forgotten who wrote ${name}/${partition}`, async () => {
        const answer = (await lastSequences(broker, [{ topic: name, partition }])).get(partitionKey(name, partition));
        return answer?.ok === true && answer.value.size === 0 ? true : undefined;
      });
    }
  }
}

type Totals = Pick<Verdict, 'batchesEqual' | 'recordsEqual' | 'different' | 'lost' | 'duplicated'>;

async function compareLogs(
  logs: LogPair,
  loads: Lab['loads'],
  source: Parameters<typeof logEnds>[0],
): Promise<{ readonly problems: readonly string[]; readonly totals: Totals }> {
  const signal = AbortSignal.timeout(readMs);
  const problems: string[] = [];
  const totals = { batchesEqual: 0, recordsEqual: 0, different: 0, lost: 0, duplicated: 0 };
  for (const { topic } of loads) {
    const partitions = (await logEnds(source, topic)).length;
    for (let partition = 0; partition < partitions; partition++) {
      const verdict = await verifyPartition(logs, { topic, partition, compacted: false }, signal);
      totals.batchesEqual += verdict.batchesEqual;
      totals.recordsEqual += verdict.recordsEqual;
      totals.different += verdict.batchesDifferent + verdict.recordsDifferent;
      totals.lost += Number(verdict.behind);
      totals.duplicated += Math.max(0, Number(verdict.copyEnd - verdict.sourceEnd));
      const problem = await describeDifference(logs, { topic, partition }, verdict);
      if (problem !== undefined) problems.push(problem);
    }
  }
  return { problems, totals };
}

/** The place, and the raw batches around it on both sides. */
async function describeDifference(
  logs: LogPair,
  of: { readonly topic: string; readonly partition: number },
  { firstDifference, sourceEnd, copyEnd }: PartitionVerdict,
): Promise<string | undefined> {
  if (firstDifference === undefined && sourceEnd === copyEnd) return undefined;
  const offset = firstDifference?.offset ?? (sourceEnd < copyEnd ? sourceEnd : copyEnd);
  const what = firstDifference?.what ?? 'the logs end at different offsets';
  const lines = [
    `${of.topic}/${of.partition} at offset ${offset}: ${what} (source ends ${sourceEnd}, copy ${copyEnd})`,
  ];
  const from = offset > aroundOffsets ? offset - aroundOffsets : 0n;
  for (const [side, end] of [
    ['source', sourceEnd],
    ['copy', copyEnd],
  ] as const) {
    const to = offset + aroundOffsets < end ? offset + aroundOffsets : end;
    lines.push(`  ${side}:`);
    for await (const batch of logs[side].batches(of, { from, to }, AbortSignal.timeout(readMs))) {
      lines.push(`    ${describeBatch(batch)}`);
    }
  }
  return lines.join('\n');
}

function describeBatch({ frame, header, dropped }: RawBatch): string {
  const at = header.start;
  const producer = `pid ${frame.readBigInt64BE(at + 43)} epoch ${frame.readInt16BE(at + 51)} seq ${frame.readInt32BE(at + 53)}`;
  const kind = header.control ? 'control' : dropped ? 'aborted' : header.transactional ? 'transactional' : 'plain';
  const first = frame.subarray(at + 61, Math.min(at + 93, header.end)).toString('hex');
  return `[${header.baseOffset}..${header.lastOffset}] ${kind} records ${header.records} leader epoch ${header.leaderEpoch} ${producer} max time ${frame.readBigInt64BE(at + 35)} payload ${first}`;
}

/** Java reads both sides whole; kafkajs reads the copy and its records are held against what was acknowledged. */
async function askClients({ clusters, loads }: Pick<Lab, 'clusters' | 'loads'>): Promise<readonly string[]> {
  const problems: string[] = [];
  const committed = loads.map(({ topic }) => ({ topic, isolation: 'read_committed' as const }));
  const everything = loads.map(({ topic }) => ({ topic, isolation: 'read_uncommitted' as const }));
  const source = await javaConsume(clusters.a.connection('app'), committed);
  const copy = await javaConsume(clusters.b.connection('app'), [...committed, ...everything]);
  for (const [index, digest] of copy.entries()) {
    const wanted = source[index % source.length];
    if (JSON.stringify(digest) === JSON.stringify(wanted)) continue;
    problems.push(`Java reads ${JSON.stringify(wanted)} at the source, ${JSON.stringify(digest)} at the copy`);
  }
  for (const { topic, ledger } of loads) {
    const records = await readAll(clusters.b.connection('app'), topic);
    problems.push(...ledger.audit(records).map((problem) => `kafkajs at the copy of ${topic}: ${problem}`));
  }
  return problems;
}

async function readAll(cluster: Parameters<typeof logEnds>[0], topic: string): Promise<readonly ReadRecord[]> {
  const ends = await logEnds(cluster, topic);
  const records: ReadRecord[] = [];
  const reached = ends.map((end) => end === 0n);
  const consumer = kafkajs(cluster).consumer({ groupId: `chaos-${topic}`, sessionTimeout: 30_000 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachBatch: ({ batch }) => {
        for (const { offset, key } of batch.messages) {
          records.push({ partition: batch.partition, offset: BigInt(offset), id: String(key) });
        }
        // The last offsets of a log may be markers, which are no messages: the batch says how far it goes.
        if (BigInt(batch.lastOffset()) + 1n >= (ends[batch.partition] ?? 0n)) reached[batch.partition] = true;
        return Promise.resolve();
      },
    });
    await eventually(`${topic} is read to its end`, () => reached.every(Boolean) || undefined, readMs);
  } finally {
    await consumer.disconnect();
  }
  return records;
}
