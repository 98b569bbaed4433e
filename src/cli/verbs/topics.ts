import { z } from 'zod';
import { problems, Problem } from '../../worker/problems.ts';
import { topicDetailViewSchema, topicViewSchema, type TopicDetailView } from '../../worker/views.ts';
import { askWorkers } from '../ask-workers.ts';
import { knownWorkers, type KnownWorker } from '../discovery.ts';
import { statusReport, workerRowSchema } from '../pair-status.ts';
import { topicsTable, workersPart } from '../status-text.ts';
import { renderTopic } from '../topic-text.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

/** The shapes of `umbra topics --json` and `umbra topics NAME --json`. */
export const topicsReportSchema = z.strictObject({
  topics: z.array(topicViewSchema),
  /** Workers that gave no usable answer: their topics are missing above. */
  silent: z.array(workerRowSchema),
});
export const topicReportSchema = z.strictObject({ topic: topicDetailViewSchema });

/** Without a name every copied topic, with one its partitions. */
export const topics: Verb = {
  name: 'topics',
  summary: 'list the copied topics, or show the partitions of one',
  parameters: '[NAME]',
  run: async (context, [name]) => {
    const workers = await knownWorkers(context.options, context.io.cwd);
    return typeof name === 'string' ? showTopic(context, workers, name) : listTopics(context, workers);
  },
};

async function listTopics(context: VerbContext, workers: readonly KnownWorker[]): Promise<number> {
  const { pairs } = statusReport(await askWorkers(workers, context.signal));
  const all = pairs.flatMap((pair) => pair.topics);
  const silent = pairs.flatMap((pair) => pair.workers.filter((worker) => worker.state === 'silent'));
  answer(context, topicsReportSchema.parse({ topics: all, silent }), (colours) =>
    [
      all.length === 0 ? 'No topic is copied yet.' : topicsTable(all, colours),
      ...(silent.length === 0 ? [] : ['', workersPart(silent, colours)]),
    ].join('\n'),
  );
  return silent.length === 0 ? 0 : problems.UNREACHABLE.exit;
}

async function showTopic(context: VerbContext, workers: readonly KnownWorker[], name: string): Promise<number> {
  const topic = await findTopic(workers, name, context.signal);
  answer(context, topicReportSchema.parse({ topic }), (colours) => renderTopic(topic, colours));
  return 0;
}

/** A topic is known to the worker that copies it. Only if all answered is one that nobody knows not found. */
async function findTopic(workers: readonly KnownWorker[], name: string, signal: AbortSignal): Promise<TopicDetailView> {
  const answers = await Promise.all(workers.map((worker) => worker.client.topic(name, signal).catch(onlyProblems)));
  const refusals: Problem[] = [];
  for (const each of answers) {
    if (!(each instanceof Problem)) return each;
    if (each.code !== 'NOT_FOUND') refusals.push(each);
  }
  throw refusals[0] ?? new Problem('NOT_FOUND', `no link copies a topic named ${name}`);
}

function onlyProblems(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}
