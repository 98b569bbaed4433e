import { type Restored } from '../drill/rehearsal-record.ts';
import type { Cluster } from '../kafka/cluster.ts';
import { describeConfigs } from '../kafka/config-admin.ts';
import type { CutRecord, PartitionCut } from '../operations/cut.ts';
import { LogReader } from '../replication/logs/log-reader.ts';
import { tailSha256Of } from '../replication/logs/tail-hash.ts';
import { some } from './judge-group.ts';

const cutsMax = 50;
const partitionsMax = 500;
const tailBytesMax = 64 * 1024;

export interface CheckedCuts {
  readonly restored: readonly Restored[];
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
}

/**
 * Whether the logs here still are those that promotions to this site have cut: below each cut stands the batch whose hash was
 * written down then, as far as the log still reaches there. Nothing is written. Rejects when aborted or when the cluster does not
 * answer.
 */
export async function checkCuts(here: Cluster, cuts: readonly CutRecord[], signal: AbortSignal): Promise<CheckedCuts> {
  const newest = cuts.toSorted((left, right) => right.at.localeCompare(left.at));
  const chosen: CutRecord[] = [];
  let partitions = 0;
  for (const cut of newest) {
    if (chosen.length >= cutsMax || partitions + cut.partitions.length > partitionsMax) break;
    partitions += cut.partitions.length;
    chosen.push(cut);
  }
  if (chosen.length === 0 && newest.length === 0) return { restored: [], leftOut: [] };
  const { topics } = await here.metadata(
    chosen.map(({ topic }) => topic),
    () => undefined,
  );
  const log = new LogReader(here);
  const restored: Restored[] = [];
  for (const cut of chosen) {
    signal.throwIfAborted();
    const is = topics.get(cut.topic)?.topicId;
    restored.push(
      is === cut.topicId
        ? await checkCut(here, log, cut, signal)
        : notComparable(cut, 'the topic here is another one by now'),
    );
  }
  const others = newest.slice(chosen.length);
  return {
    restored,
    leftOut: others.map(({ topic }) => ({ name: `cut ${topic}`, why: 'older than those that are read' })),
  };
}

/** What is to be said of one partition. */
export type CutSeen =
  | { readonly kind: 'equal' }
  | { readonly kind: 'not comparable'; readonly why: string }
  | { readonly kind: 'differs'; readonly why: string };

async function checkCut(here: Cluster, log: LogReader, cut: CutRecord, signal: AbortSignal): Promise<Restored> {
  const { topic } = cut;
  const seen: CutSeen[] = [];
  for (const [partition, at] of cut.partitions.entries())
    seen.push(await checkTail(log, { topic, partition, at }, signal));
  const equal = seen.filter(({ kind }) => kind === 'equal').length;
  const differing = seen.flatMap((each, partition) =>
    each.kind === 'differs' ? [`partition ${partition} ${each.why}`] : [],
  );
  if (differing.length > 0) {
    if (await isCompacted(here, topic))
      return notComparable(cut, `it is compacted: its batches are not those any more (${some(differing).join('; ')})`);
    const value = some(differing).join('; ').slice(0, 1_000);
    return { kind: 'cut', name: nameOf(cut), result: 'damaged', value };
  }
  if (equal > 0)
    return {
      ...{ kind: 'cut', name: nameOf(cut), result: 'intact' },
      value: `below the cut ${equal} of ${seen.length} partitions end with the batch that was written down; the others have nothing to compare`,
    };
  const why = seen.find((each) => each.kind === 'not comparable')?.why ?? 'it has no partitions';
  return notComparable(cut, why);
}

async function checkTail(
  log: LogReader,
  { topic, partition, at }: { readonly topic: string; readonly partition: number; readonly at: PartitionCut },
  signal: AbortSignal,
): Promise<CutSeen> {
  const offset = BigInt(at.offset);
  if (at.tailSha256 === undefined || offset === 0n)
    return { kind: 'not comparable', why: 'nothing stood below the cut' };
  const { start, end } = await log.range(topic, partition, signal);
  if (end < offset) return { kind: 'differs', why: `ends at ${end}, below its cut ${offset}` };
  if (start >= offset) return { kind: 'not comparable', why: 'the log begins behind the cut by now' };
  const { batches } = await log.chunk({ topic, partition }, { offset: offset - 1n, bytesMax: tailBytesMax }, signal);
  const [last] = batches;
  if (last === undefined || last.header.baseOffset >= offset)
    return { kind: 'differs', why: `has no batch below its cut ${offset}` };
  if (last.header.lastOffset !== offset - 1n)
    return { kind: 'differs', why: `has a batch across its cut ${offset}, up to ${last.header.lastOffset}` };
  const hash = tailSha256Of(last);
  if (hash === at.tailSha256) return { kind: 'equal' };
  return { kind: 'differs', why: `has another batch below its cut ${offset} than was written down` };
}

async function isCompacted(here: Cluster, topic: string): Promise<boolean> {
  const { configs } = await describeConfigs(here, [topic]);
  return configs.get(topic)?.get('cleanup.policy')?.value?.includes('compact') === true;
}

function notComparable(cut: CutRecord, value: string): Restored {
  return { kind: 'cut', name: nameOf(cut), result: 'not comparable', value: value.slice(0, 1_000) };
}

function nameOf({ topic, operation }: CutRecord): string {
  return `${topic} (${operation})`;
}
