import type { Cluster, TopicMetadata } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError } from '../../kafka/errors.ts';
import { type Answer, logEnds, partitionKey } from '../../kafka/log-queries.ts';
import { deleteTopicById } from '../../kafka/topic-admin.ts';
import type { Manifest } from '../../quarantine/manifest.ts';
import { scanPartition } from '../../quarantine/scan-partition.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { RebuildLease } from './rebuild-ports.ts';
import { currentPartitions, partitionToScan, readersOf, type RebuildIds, type Sides } from './scan-topic.ts';
import { checkSourceKept } from './source-kept.ts';
import { Stopped } from './stopped.ts';

const goneLooksMax = 120;
const goneLookMs = 500;

export interface DropPorts {
  readonly sides: Sides;
  /** Whether the link may (still) copy the topic; undefined while that is not known. */
  readonly mayCopy: (source: TopicMetadata) => boolean | undefined;
  readonly lease: RebuildLease;
  /** Told right before the deletion goes out: what becomes of the copy is open from then on. */
  readonly onSending: () => void;
  readonly signal: AbortSignal;
}

/**
 * Deletes the copy whose quarantine this is, and waits until it is gone. Right before, everything that makes the
 * deletion harmless is looked at once more; throws {@link Stopped} when one of it does not hold any more. A copy that is
 * gone already is no error, and its quarantine is not asked for then. Nothing is deleted unless the link's lease is ours
 * while the request goes out.
 */
export async function dropCopy(ports: DropPorts, ids: RebuildIds, quarantine: () => Promise<Manifest>): Promise<void> {
  const { sides, lease, signal } = ports;
  if (!(await isThere(sides.target, ids))) return;
  const manifest = await quarantine();
  await checkSource(ports, ids, manifest);
  await checkCopy(sides, ids, { manifest, signal });
  if (!(await lease.ours(signal))) throw new ConnectionError('whether the link is still ours is not known');
  ports.onSending();
  await deleteTopicById(sides.target, ids.copyTopicId, () => lease.maySend());
  const pause = new Wakeup();
  for (let look = 1; await isThere(sides.target, ids); look++) {
    if (look >= goneLooksMax) throw new ConnectionError(`${sides.target.name} still shows the deleted copy`);
    await pause.wait(signal, goneLookMs);
    signal.throwIfAborted();
  }
}

async function isThere(target: Cluster, ids: RebuildIds): Promise<boolean> {
  return (await target.metadata([ids.topic])).topics.get(ids.topic)?.topicId === ids.copyTopicId;
}

/** The source must still be the one that holds everything that is not in the quarantine. */
async function checkSource({ sides, mayCopy, signal }: DropPorts, ids: RebuildIds, manifest: Manifest): Promise<void> {
  await currentPartitions(sides, ids);
  const original = (await sides.source.metadata([ids.topic])).topics.get(ids.topic);
  const allowed = original === undefined ? undefined : mayCopy(original);
  if (allowed === undefined) throw new ConnectionError(`whether ${ids.topic} may be copied is not known yet`);
  if (!allowed) throw new Stopped(`the source of ${ids.topic} is not its primary any more`);
  await checkSourceKept(readersOf(sides).source, manifest, signal);
}

interface CutCopy {
  readonly manifest: Manifest;
  readonly signal: AbortSignal;
}

/** The copy must hold nothing new that is only there: not even what its high watermark does not show yet. */
async function checkCopy(sides: Sides, ids: RebuildIds, { manifest, signal }: CutCopy): Promise<void> {
  const counts = await currentPartitions(sides, ids);
  if (counts.copy > manifest.partitions.length) throw new Stopped('somebody added partitions to the copy meanwhile');
  const logs = readersOf(sides);
  const ends = await copyEnds(sides.target, ids);
  for (const { partition, copyEnd } of manifest.partitions.slice(0, counts.copy)) {
    const end = valueOf(ends.get(partition), `${ids.topic}/${partition}`);
    const cut = BigInt(copyEnd);
    if (end < cut) throw new Stopped(`the copy ${ids.topic}/${partition} lost records meanwhile: it ends at ${end}`);
    if (end === cut) continue;
    // An append of ours may have landed late. It is harmless: the source has it.
    const of = { ...partitionToScan(ids, partition, { ...counts, compacted: false }), from: cut };
    const { range, quarantined } = await scanPartition(logs, of, { signal });
    if (quarantined.batches > 0) {
      throw new Stopped(
        `somebody still writes to the copy ${ids.topic}/${partition}: it ends at ${end}, not at ${cut}; withdraw that right first`,
      );
    }
    if (BigInt(range.copyEnd) < end) throw new ConnectionError(`the end of the copy ${ids.topic} is not settled`);
  }
}

/** Log ends as the leaders have them. */
async function copyEnds(target: Cluster, { topic }: RebuildIds): Promise<ReadonlyMap<number, Answer<bigint>>> {
  const partitions = (await target.metadata([topic])).topics.get(topic)?.partitions ?? [];
  const ends = new Map<number, Answer<bigint>>();
  for (const [leader, led] of Map.groupBy(partitions, (each) => each.leader)) {
    if (leader === undefined) continue;
    const broker = await target.broker(leader, 'read');
    const asked = led.map(({ partition, leaderEpoch }) => ({ topic, partition, leaderEpoch }));
    const answers = await logEnds(broker, asked);
    for (const { partition } of led) {
      const answer = answers.get(partitionKey(topic, partition));
      if (answer !== undefined) ends.set(partition, answer);
    }
  }
  return ends;
}

function valueOf(answer: Answer<bigint> | undefined, where: string): bigint {
  if (answer === undefined) throw new ConnectionError(`the copy ${where} has no leader`);
  if (!answer.ok) throw new KafkaError(answer.code, `the log end of the copy ${where}`, { right: 'DESCRIBE' });
  if (answer.value < 0n) throw new ConnectionError(`the log end of the copy ${where} is not known yet`);
  return answer.value;
}
