import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { Problem } from '../../worker/problems.ts';
import { linkViewSchema, topicViewSchema, type LinkView, type TopicView } from '../../worker/views.ts';
import { knownWorkers, type KnownWorker } from '../discovery.ts';
import { printable } from '../printable.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

/** The shape of `umbra pause --json` and `umbra resume --json`: what was named, as it is now. */
export const pauseReportSchema = z.union([
  z.strictObject({ topic: topicViewSchema }),
  z.strictObject({ link: linkViewSchema }),
]);

export const pause: Verb = {
  name: 'pause',
  summary: 'stop copying a topic, or a whole link, until it is resumed; it outlives the workers',
  parameters: '<TOPIC|LINK>',
  run: (context, [name]) => order(context, String(name), 'pause'),
};

export const resume: Verb = {
  name: 'resume',
  summary: 'let a paused topic or link go on exactly where it stopped',
  parameters: '<TOPIC|LINK>',
  run: (context, [name]) => order(context, String(name), 'resume'),
};

async function order(context: VerbContext, name: string, what: 'pause' | 'resume'): Promise<number> {
  const { signal } = context;
  const target = await findTarget(await knownWorkers(context.options, context.io.cwd), name, signal);
  if (target.kind === 'link') {
    const { client } = target;
    const link = await (what === 'pause' ? client.pauseLink(name, signal) : client.resumeLink(name, signal));
    answer(context, pauseReportSchema.parse({ link }), () => linkLine(link));
    return 0;
  }
  const { client } = target;
  const view = await (what === 'pause' ? client.pauseTopic(name, signal) : client.resumeTopic(name, signal));
  const { partitionViews: _views, sourceTopicId: _source, shadowTopicId: _shadow, ...topic } = view;
  answer(context, pauseReportSchema.parse({ topic }), () => topicLine(topic));
  return 0;
}

interface Target {
  readonly kind: 'link' | 'topic';
  readonly client: ApiClient;
}

/** A link is asked for by its id, at the worker of the site where it ends; everything else is a topic. */
async function findTarget(workers: readonly KnownWorker[], name: string, signal: AbortSignal): Promise<Target> {
  const refusals: Problem[] = [];
  const targets: Target[] = [];
  await Promise.all(
    workers.map(async ({ client }) => {
      try {
        const { site } = await client.pair(signal);
        const [links, topics] = await Promise.all([client.links(signal), client.topics(signal)]);
        if (links.some(({ id, to }) => id === name && to === site)) targets.push({ kind: 'link', client });
        if (topics.some((topic) => topic.name === name)) targets.push({ kind: 'topic', client });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        refusals.push(error);
      }
    }),
  );
  const [first] = targets;
  if (first === undefined)
    throw refusals[0] ?? new Problem('NOT_FOUND', `there is no link and no copied topic named ${name}`);
  // Several workers of a site say the same.
  if (targets.some(({ kind }) => kind !== first.kind)) {
    throw new Problem('INVALID_INPUT', `${name} is both a link and a topic here; use the API for one of them`);
  }
  return first;
}

function linkLine({ id, to, paused }: LinkView): string {
  return paused === undefined
    ? `Link ${id} goes on.`
    : `Link ${id} is paused since ${paused.since}: nothing is copied to site ${to} until "npx umbra resume ${id}".`;
}

function topicLine({ name, paused, link }: TopicView): string {
  const shown = printable(name);
  if (paused === undefined) return `Topic ${shown} goes on where it stopped.`;
  const by = paused.by === 'link' ? `, with its whole link ${link}` : '';
  const next = paused.by === 'link' ? link : shown;
  return `Topic ${shown} is paused since ${paused.since}${by}: its copy stays as it is until "npx umbra resume ${next}".`;
}
