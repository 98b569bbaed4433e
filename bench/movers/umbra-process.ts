import { performance } from 'node:perf_hooks';
import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { Replicator } from '../../src/replication/replicator.ts';
import { LoopWatch } from './loop-watch.ts';
import { type UmbraAnswer, umbraJobSchema, umbraQuestionSchema } from './umbra-messages.ts';

/**
 * The core as a process of its own: streams, copiers, lease, as a worker runs them; no API, no `_umbra`, no topic sync.
 * Started by umbra.ts with the file that holds its job; it ends when its starter lets go of the channel.
 */
const profileEveryUs = 500;

const [jobFile] = process.argv.slice(2);
if (jobFile === undefined || process.send === undefined) throw new Error('started by bench/movers/umbra.ts only');
const job = umbraJobSchema.parse(JSON.parse(readFileSync(jobFile, 'utf8')));
const source = new Cluster('the source', clusterConfigSchema.parse(job.source), { clientId: 'umbra-bench' });
const target = new Cluster('the target', clusterConfigSchema.parse(job.target), { clientId: 'umbra-bench' });
const problems: string[] = [];
const loop = new LoopWatch();
const replicator = new Replicator({
  source,
  target,
  linkId: job.runId,
  clock: { monotonicMs: () => performance.now(), now: () => new Date() },
  onFault: ({ of }, fault) => problems.push(`${of.topic}/${of.partition}: ${fault.message}`),
  onUnexpected: (error) => problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
});
let loopSince = performance.eventLoopUtilization();
let markersSince = 0;

const profiler = new Session();
let profiling = false;

process.on('message', (message) => void answer(umbraQuestionSchema.parse(message).kind));
process.once('disconnect', () => void end());
await follow();

async function answer(question: 'mark' | 'report'): Promise<void> {
  if (question === 'mark') {
    await startProfile();
    loop.mark();
    loopSince = performance.eventLoopUtilization();
    markersSince = markersWritten();
  }
  process.send?.(report());
}

async function startProfile(): Promise<void> {
  // From the first mark to the end, over all windows.
  if (job.profileFile === undefined || profiling) return;
  profiling = true;
  profiler.connect();
  await profiler.post('Profiler.enable');
  await profiler.post('Profiler.setSamplingInterval', { interval: profileEveryUs });
  await profiler.post('Profiler.start');
}

async function follow(): Promise<void> {
  const [from, to] = await Promise.all([source.metadata(job.topics), target.metadata(job.topics)]);
  for (const topic of job.topics) {
    const [original, copy] = [from.topics.get(topic), to.topics.get(topic)];
    if (original === undefined || copy === undefined) throw new Error(`topic ${topic} is not at both clusters`);
    const ids = { sourceTopicId: original.topicId, targetTopicId: copy.topicId };
    replicator.add({ topic, ...ids, partitions: original.partitions.map(({ partition }) => partition) });
  }
}

function report(): UmbraAnswer {
  const copiers = replicator.copiers();
  return {
    loopDelayMaxMs: loop.since.maxMs,
    loopBlockedMaxMs: loop.since.ownMaxMs,
    loopBlockedEverMs: loop.ever.ownMaxMs,
    loopBusyShare: performance.eventLoopUtilization(loopSince).utilization,
    markers: markersWritten() - markersSince,
    partitions: copiers.length,
    level: copiers.filter(({ state }) => state.kind === 'waiting').length,
    problems,
    state: [...new Set(copiers.map(({ state }) => state.kind))].join(', '),
  };
}

function markersWritten(): number {
  return replicator.copiers().reduce((sum, { counters }) => sum + counters.markers, 0);
}

async function end(): Promise<void> {
  if (job.profileFile !== undefined && profiling) {
    const { profile } = await profiler.post('Profiler.stop');
    writeFileSync(job.profileFile, JSON.stringify(profile));
    profiler.disconnect();
  }
  const stopped = replicator.stop();
  await Promise.all([source.close(), target.close()]);
  await stopped;
  loop.stop();
}
