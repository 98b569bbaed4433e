import { z } from 'zod';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { lastSequences, partitionKey } from '../../src/kafka/log-queries.ts';
import { LogReader, type RawBatch } from '../../src/replication/logs/log-reader.ts';
import { type LogPair, type PartitionVerdict, verifyPartition } from '../../src/replication/logs/verify.ts';
import { consumeWhole } from '../fixtures/consumed-records.ts';
import { javaConsume } from '../fixtures/java-client.ts';
import { logEnds } from '../fixtures/kafkajs.ts';
import { eventually } from '../fixtures/wait.ts';
import { type CrewMember } from './crew.ts';
import { type Lab, topics } from './lab.ts';

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
    // Those of earlier workers died with them, unless they mean wrong bytes.
    for (const [name, log] of await crew.logs()) problems.push(...faultsIn(log).map((fault) => `${name}: ${fault}`));
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
    const empty = loads.flatMap((load) => emptiness(load, raw.batchesOf.get(load.topic) ?? 0));
    return {
      ...{ problems: [...problems, ...raw.problems, ...clients, ...empty], ...raw.totals },
      acknowledged: loads.reduce((sum, { ledger }) => sum + ledger.acknowledged, 0),
      aborted: loads.reduce((sum, { ledger }) => sum + ledger.aborted, 0),
    };
  } finally {
    await Promise.all([direct.source.close(), direct.copy.close()]);
  }
}

const faultLineSchema = z.looseObject({ topic: z.string(), partition: z.int(), code: z.string(), msg: z.string() });

/** The lines of a worker's log that say that a partition is faulted. */
function faultsIn(log: string): readonly string[] {
  return log.split('\n').flatMap((line) => {
    // The last line of one that was killed may be half a line.
    if (!line.includes('"code":') || !line.endsWith('}')) return [];
    const { success, data } = faultLineSchema.safeParse(JSON.parse(line));
    return success ? [`${data.topic}/${data.partition}: ${data.code}: ${data.msg}`] : [];
  });
}

/** Nothing is proven by a load that never got through to its brokers. */
function emptiness({ topic, ledger, transactional }: Lab['loads'][number], batchesEqual: number): readonly string[] {
  const { acknowledged, aborted } = ledger;
  return [
    ...(acknowledged > 0 ? [] : [`${topic}: no record was acknowledged`]),
    ...(aborted > 0 || !transactional ? [] : [`${topic}: no transaction was aborted`]),
    ...(batchesEqual > 0 ? [] : [`${topic}: no batch was compared`]),
  ];
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
): Promise<{
  readonly problems: readonly string[];
  readonly totals: Totals;
  /** Equal batches by topic. */
  readonly batchesOf: ReadonlyMap<string, number>;
}> {
  const signal = AbortSignal.timeout(readMs);
  const problems: string[] = [];
  const batchesOf = new Map<string, number>();
  const totals = { batchesEqual: 0, recordsEqual: 0, different: 0, lost: 0, duplicated: 0 };
  for (const { topic } of loads) {
    const partitions = (await logEnds(source, topic)).length;
    for (let partition = 0; partition < partitions; partition++) {
      const verdict = await verifyPartition(logs, { topic, partition, compacted: false }, signal);
      totals.batchesEqual += verdict.batchesEqual;
      batchesOf.set(topic, (batchesOf.get(topic) ?? 0) + verdict.batchesEqual);
      totals.recordsEqual += verdict.recordsEqual;
      totals.different += verdict.batchesDifferent + verdict.recordsDifferent;
      totals.lost += Number(verdict.behind);
      totals.duplicated += Math.max(0, Number(verdict.copyEnd - verdict.sourceEnd));
      const problem = await describeDifference(logs, { topic, partition }, verdict);
      if (problem !== undefined) problems.push(problem);
    }
  }
  return { problems, totals, batchesOf };
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
  const topics = loads.map(({ topic }) => topic);
  const read = await consumeWhole(clusters.b.connection('app'), { topics, groupId: 'chaos' });
  for (const { topic, ledger } of loads) {
    const records = (read.get(topic) ?? []).map(({ partition, offset, key }) => ({ partition, offset, id: key }));
    problems.push(...ledger.audit(records).map((problem) => `kafkajs at the copy of ${topic}: ${problem}`));
  }
  return problems;
}
