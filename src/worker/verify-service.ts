import { Cluster } from '../kafka/cluster.ts';
import { describeTopicConfigs } from '../kafka/topic-admin.ts';
import { otherSite, sites, type SiteId } from '../pair/site.ts';
import { linkId } from '../pair/spec.ts';
import { stateTopic } from '../prefix-policy/internal-names.ts';
import { LogReader } from '../replication/logs/log-reader.ts';
import { type PartitionVerdict as RawVerdict, verifyPartition } from '../replication/logs/verify.ts';
import { Wakeup } from '../replication/waiting/wakeup.ts';
import { Problem } from './problems.ts';
import { ownBelowOf } from './state/own-below.ts';
import { SiteState } from './state/state.ts';
import type { PartitionVerdict, TopicVerdict, VerifyProgress, VerifyReport } from './verify-report.ts';
import type { WorkerConfig } from './worker-config.ts';

export interface VerifyOptions {
  readonly config: WorkerConfig;
  /** Names of topics; without it every copy of the pair. */
  readonly topics?: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** A copy that is behind is waited for as long as it moves; without any progress for this long it is judged as it is. */
const standstillMaxMs = 3_000;
const catchUpLookMs = 250;

interface CopyToCheck {
  readonly from: SiteId;
  readonly link: string;
  readonly topic: string;
  /** Of a topic whose roles were reversed, by partition: see `CopiedPartition`. */
  readonly ownBelow: ReadonlyMap<number, bigint>;
}

/**
 * Compares every copy of the pair with its source, raw, batch by batch. Reads the clusters directly: it believes no
 * worker. Throws Problem NOT_FOUND for a topic that is no copy, UNREACHABLE when a cluster does not answer.
 */
export async function verifyPair({ config, topics, signal, onProgress }: VerifyOptions): Promise<VerifyReport> {
  const clusters = {
    a: new Cluster('site a', config.clusters.a, { clientId: 'umbra-verify' }),
    b: new Cluster('site b', config.clusters.b, { clientId: 'umbra-verify' }),
  };
  // A broker that accepts and says nothing must not hold up who asked to stop.
  const abandon = (): void => void Promise.all(sites.map((site) => clusters[site].close()));
  signal.addEventListener('abort', abandon, { once: true });
  try {
    const copies = select(await copiesOf(clusters, signal), topics);
    const readers = { a: new LogReader(clusters.a), b: new LogReader(clusters.b) };
    const verdicts: TopicVerdict[] = [];
    for (const copy of copies) {
      verdicts.push(await verifyTopic(copy, { clusters, readers, signal, onProgress }));
    }
    return { topics: verdicts, totals: totalsOf(verdicts) };
  } catch (error) {
    if (error instanceof Problem || signal.aborted) throw error;
    throw new Problem('UNREACHABLE', error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    signal.removeEventListener('abort', abandon);
    await Promise.all(sites.map((site) => clusters[site].close()));
  }
}

async function copiesOf(clusters: Readonly<Record<SiteId, Cluster>>, signal: AbortSignal): Promise<CopyToCheck[]> {
  const copies: CopyToCheck[] = [];
  for (const to of sites) {
    const metadata = await clusters[to].metadata([stateTopic]);
    if (!metadata.topics.has(stateTopic)) continue;
    const state = new SiteState(clusters[to]);
    await state.catchUp(signal);
    const from = otherSite(to);
    const link = linkId({ from, to });
    for (const shadow of state.shadows()) {
      if (shadow.link !== link || shadow.state.kind !== 'ours') continue;
      copies.push({ from, link, topic: shadow.topic, ownBelow: ownBelowOf(shadow) ?? new Map() });
    }
  }
  return copies.toSorted((left, right) => left.topic.localeCompare(right.topic));
}

function select(copies: readonly CopyToCheck[], topics: readonly string[] | undefined): readonly CopyToCheck[] {
  if (topics === undefined || topics.length === 0) return copies;
  const known = new Set(copies.map(({ topic }) => topic));
  const unknown = topics.filter((topic) => !known.has(topic));
  if (unknown.length > 0) throw new Problem('NOT_FOUND', `no link carries a topic named ${unknown.join(', ')}`);
  return copies.filter(({ topic }) => topics.includes(topic));
}

interface Checking {
  readonly clusters: Readonly<Record<SiteId, Cluster>>;
  readonly readers: Readonly<Record<SiteId, LogReader>>;
  readonly signal: AbortSignal;
  readonly onProgress: VerifyOptions['onProgress'];
}

async function verifyTopic({ from, link, topic, ownBelow }: CopyToCheck, checking: Checking): Promise<TopicVerdict> {
  const { clusters, readers, signal } = checking;
  const to = otherSite(from);
  const logs = { source: readers[from], copy: readers[to] };
  const original = (await clusters[from].metadata([topic])).topics.get(topic);
  const copy = (await clusters[to].metadata([topic])).topics.get(topic);
  const partitionCount = Math.min(original?.partitions.length ?? 0, copy?.partitions.length ?? 0);
  const configs = await describeTopicConfigs(clusters[from], [topic]);
  const compacted = configs.get(topic)?.get('cleanup.policy')?.includes('compact') ?? false;
  const partitions: PartitionVerdict[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    await waitUntilLevel(logs, { topic, partition }, signal);
    const below = ownBelow.get(partition);
    const of = { topic, partition, compacted, ...(below === undefined ? {} : { ownBelow: below }) };
    partitions.push(render(partition, await verifyPartition(logs, of, signal)));
    checking.onProgress?.({ link, topic, partitionsDone: partition + 1, partitionsTotal: partitionCount });
  }
  return { link, topic, partitions };
}

/** Lag is no difference: a copy on its way may arrive where the source ended at the start. Bounded: that end is fixed. */
async function waitUntilLevel(
  logs: { readonly source: LogReader; readonly copy: LogReader },
  { topic, partition }: { readonly topic: string; readonly partition: number },
  signal: AbortSignal,
): Promise<void> {
  const pause = new Wakeup();
  const wanted = (await logs.source.range(topic, partition, signal)).end;
  let seen = (await logs.copy.range(topic, partition, signal)).end;
  let progressAtMs = performance.now();
  while (seen < wanted && performance.now() - progressAtMs < standstillMaxMs) {
    await pause.wait(signal, catchUpLookMs);
    const { end } = await logs.copy.range(topic, partition, signal);
    if (end > seen) progressAtMs = performance.now();
    seen = end;
  }
}

function render(partition: number, verdict: RawVerdict): PartitionVerdict {
  const { firstDifference } = verdict;
  return {
    partition,
    batchesEqual: verdict.batchesEqual,
    batchesRepacked: verdict.batchesRepacked,
    batchesDifferent: verdict.batchesDifferent,
    recordsEqual: verdict.recordsEqual,
    recordsDifferent: verdict.recordsDifferent,
    behind: Number(verdict.behind),
    sourceStart: String(verdict.sourceStart),
    sourceEnd: String(verdict.sourceEnd),
    copyEnd: String(verdict.copyEnd),
    ...(firstDifference === undefined
      ? {}
      : { firstDifference: { offset: String(firstDifference.offset), what: firstDifference.what } }),
  };
}

function totalsOf(verdicts: readonly TopicVerdict[]): VerifyReport['totals'] {
  const totals = {
    batchesEqual: 0,
    batchesRepacked: 0,
    batchesDifferent: 0,
    recordsEqual: 0,
    recordsDifferent: 0,
    behind: 0,
  };
  for (const { partitions } of verdicts) {
    for (const partition of partitions) {
      totals.batchesEqual += partition.batchesEqual;
      totals.batchesRepacked += partition.batchesRepacked;
      totals.batchesDifferent += partition.batchesDifferent;
      totals.recordsEqual += partition.recordsEqual;
      totals.recordsDifferent += partition.recordsDifferent;
      totals.behind += partition.behind;
    }
  }
  return totals;
}
