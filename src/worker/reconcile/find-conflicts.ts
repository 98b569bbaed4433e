import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { walkRecords } from '../../replication/batches/records.ts';
import { describeTopicConfigs } from '../../kafka/topic-admin.ts';
import type { LogReader } from '../../replication/logs/log-reader.ts';
import type { RebuildPlan } from '../rebuild/rebuild-view.ts';
import { readersOf, type Sides } from '../rebuild/scan-topic.ts';

export type KeyConflicts = NonNullable<RebuildPlan['conflicts']>;

/** Keys of a tail that are held in memory while the new primary's records are read. */
const keysMax = 200_000;
const shownMax = 100;

/**
 * Keys of the tail that the new primary has written as well since the cut: replayed, the older value would stand last.
 * Undefined where the topic is not compacted there. Throws what the clusters throw.
 */
export async function findConflicts(
  sides: Sides,
  { topic, partitions, tail }: Pick<RebuildPlan, 'topic' | 'partitions' | 'tail'>,
  signal: AbortSignal,
): Promise<KeyConflicts | undefined> {
  const policy = (await describeTopicConfigs(sides.source, [topic])).get(topic)?.get('cleanup.policy') ?? '';
  if (!policy.includes('compact')) return undefined;
  const logs = readersOf(sides);
  const first: KeyConflicts['first'][number][] = [];
  let keys = 0;
  let more = false;
  for (const { partition, copyEnd, quarantined } of partitions) {
    if (quarantined.recordsUnexplained === 0) continue;
    const from = BigInt(tail?.cuts[partition] ?? '0');
    const old = await keysOf(logs.copy, { topic, partition, from, to: BigInt(copyEnd) }, signal);
    more ||= old.more;
    const { end } = await logs.source.range(topic, partition, signal);
    for await (const key of keysIn(logs.source, { topic, partition, from, to: end }, signal)) {
      if (!old.hashes.delete(hashOf(key))) continue;
      keys += 1;
      if (first.length < shownMax) first.push({ partition, key: textOf(key) });
    }
  }
  return { keys, first, more };
}

interface Range {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

async function keysOf(
  logs: LogReader,
  range: Range,
  signal: AbortSignal,
): Promise<{ readonly hashes: Set<string>; readonly more: boolean }> {
  const hashes = new Set<string>();
  for await (const key of keysIn(logs, range, signal)) {
    if (hashes.size >= keysMax) return { hashes, more: true };
    hashes.add(hashOf(key));
  }
  return { hashes, more: false };
}

async function* keysIn(
  logs: LogReader,
  { topic, partition, from, to }: Range,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const batch of logs.batches({ topic, partition }, { from, to }, signal)) {
    if (batch.dropped || batch.header.control) continue;
    for await (const { offset, key } of walkRecords(batch))
      if (key !== null && offset >= from && offset < to) yield key;
  }
}

function hashOf(key: Buffer): string {
  return createHash('sha256').update(key).digest('base64');
}

function textOf(key: Buffer): string {
  return isUtf8(key) ? key.toString('utf8') : key.toString('base64');
}
