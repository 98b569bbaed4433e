import { z } from 'zod';
import { linkViewSchema, pairViewSchema, topicViewSchema, violationViewSchema } from '../worker/views.ts';
import type { LinkView, PairView, TopicView, ViolationView } from '../worker/views.ts';
import { siteIdSchema } from '../pair/site.ts';
import { headlines } from './headline.ts';
import { plural } from './quantities.ts';

/** One worker that was asked. */
export const workerRowSchema = z.strictObject({
  url: z.string(),
  /** `silent`: it gave no usable answer; `problem` says why and what to do. */
  state: z.enum(['ready', 'not-ready', 'silent']),
  site: siteIdSchema.optional(),
  /** What it still waits for; only when it is not ready. */
  reason: z.string().optional(),
  problem: z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() }).optional(),
});

/** What all workers of one pair say together: the shape of `umbra status --json`, once per pair. */
export const pairStatusSchema = z.strictObject({
  /** Absent when nobody of that pair answered and no file names it. */
  pair: z.string().optional(),
  /** What would be lost if a site died now: a sentence per direction. */
  headlines: z.array(z.string()),
  /** The state of the pair in one sentence. */
  summary: z.string(),
  prefixes: pairViewSchema.shape.prefixes,
  schemaPrimary: pairViewSchema.shape.schemaPrimary,
  links: z.array(linkViewSchema),
  topics: z.array(topicViewSchema),
  violations: z.array(violationViewSchema),
  oldSide: pairViewSchema.shape.oldSide,
  workers: z.array(workerRowSchema),
});

export const statusReportSchema = z.strictObject({ pairs: z.array(pairStatusSchema) });

export type WorkerRow = z.output<typeof workerRowSchema>;
export type PairStatus = z.output<typeof pairStatusSchema>;
export type StatusReport = z.output<typeof statusReportSchema>;

/** What one worker said, or that it said nothing. */
export type WorkerAnswer =
  | { readonly kind: 'said'; readonly row: WorkerRow; readonly view: PairView; readonly topics: readonly TopicView[] }
  | { readonly kind: 'silent'; readonly row: WorkerRow; readonly pair?: string | undefined };

/** Pure: one status per pair. A silent worker of unknown pair belongs to the only pair there is, else to none. */
export function statusReport(answers: readonly WorkerAnswer[]): StatusReport {
  const names = new Set(answers.map(pairOf).filter((name) => name !== undefined));
  const only = names.size === 1 ? [...names][0] : undefined;
  const groups = Map.groupBy(answers, (answer) => pairOf(answer) ?? only);
  return { pairs: [...groups].map(([pair, members]) => pairStatus(pair, members)) };
}

function pairOf(answer: WorkerAnswer): string | undefined {
  return answer.kind === 'said' ? answer.view.pair : answer.pair;
}

function pairStatus(pair: string | undefined, answers: readonly WorkerAnswer[]): PairStatus {
  const said = answers.filter((answer) => answer.kind === 'said');
  const links = merge(said.flatMap(({ view }) => view.links.map((link) => ({ link, own: link.to === view.site }))));
  const status = {
    prefixes: said.find(({ view }) => view.prefixes !== undefined)?.view.prefixes,
    schemaPrimary: said.find(({ view }) => view.schemaPrimary !== undefined)?.view.schemaPrimary,
    links: links.sort((left, right) => compare(left.id, right.id)),
    topics: mergeTopics(said),
    violations: mergeViolations(said),
    ...worstOldSide(said),
    workers: answers.map((answer) => answer.row),
  };
  const lost = [...headlines(status.links, status.workers)];
  return { pair, ...status, headlines: lost, summary: summarize({ pair, ...status }) };
}

/** A link is defined at its destination: what that site's worker says of it counts. */
function merge(entries: readonly { readonly link: LinkView; readonly own: boolean }[]): LinkView[] {
  const byId = new Map<string, LinkView>();
  for (const { link, own } of entries) {
    if (own || !byId.has(link.id)) byId.set(link.id, link);
  }
  return [...byId.values()];
}

function mergeTopics(said: readonly (WorkerAnswer & { kind: 'said' })[]): TopicView[] {
  const byKey = new Map<string, TopicView>();
  for (const { topics } of said) for (const topic of topics) byKey.set(`${topic.link} ${topic.name}`, topic);
  return [...byKey.values()].sort((left, right) => compare(left.link, right.link) || compare(left.name, right.name));
}

function mergeViolations(said: readonly (WorkerAnswer & { kind: 'said' })[]): ViolationView[] {
  const byKey = new Map<string, ViolationView>();
  for (const { view } of said)
    for (const each of view.violations) byKey.set(`${each.site} ${each.kind} ${each.topic}`, each);
  return [...byKey.values()].sort((left, right) => compare(left.site, right.site) || compare(left.topic, right.topic));
}

/** Both sites read what the old one says; who could not read it yet knows less. */
function worstOldSide(said: readonly (WorkerAnswer & { kind: 'said' })[]): Pick<PairStatus, 'oldSide'> {
  const views = said.flatMap(({ view }) => (view.oldSide === undefined ? [] : [view.oldSide]));
  const [oldSide] = views.toSorted((left, right) => right.split - left.split || right.returned - left.returned);
  return oldSide === undefined ? {} : { oldSide };
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** What a person needs to know first: the worst thing, or that there is none. */
function summarize(status: Omit<PairStatus, 'summary' | 'headlines'>): string {
  const name = status.pair === undefined ? 'The pair' : `Pair ${status.pair}`;
  const silent = status.workers.filter((worker) => worker.state === 'silent');
  if (silent.length === status.workers.length) return `${name}: no worker answers, so nothing is known of it.`;
  const parts = [
    linksPart(status),
    faultsPart(status.topics),
    pausedPart(status.topics),
    seedingPart(status.topics),
    ...status.workers.flatMap(workerPart),
    status.violations.length > 0
      ? `${plural(status.violations.length, 'topic name')} outside the prefix policy`
      : undefined,
    status.oldSide === undefined || status.oldSide.split === 0
      ? undefined
      : `${plural(status.oldSide.split, 'topic')} SPLIT`,
    unfencedPart(status.links),
  ];
  return `${name}: ${parts.filter((part) => part !== undefined).join('; ')}.`;
}

function linksPart({ links, workers }: Pick<PairStatus, 'links' | 'workers'>): string {
  // A worker that is not ready may not have read its links yet.
  if (links.length === 0) return workers.every(isReady) ? 'no link is defined' : 'no link is known';
  const following = links.filter((link) => link.state === 'following');
  if (following.length === links.length) {
    const who = links.length === 2 ? 'both links follow' : `link ${links.map((link) => link.id).join(', ')} follows`;
    return `${who}, ${lagPhrase(links)}`;
  }
  return links.map((link) => `link ${link.id} ${phrases[link.state]}`).join(', ');
}

/** Zero without a sample is ignorance, not level; a link without topics has nothing to be behind with. */
function lagPhrase(links: readonly LinkView[]): string {
  const carrying = links.filter((link) => link.topics.total > 0);
  if (carrying.length === 0) return 'nothing to copy yet';
  if (carrying.some((link) => link.lag.sampleAgeMs === undefined)) return 'lag not known yet';
  const behind = carrying.reduce((sum, link) => sum + link.lag.records, 0);
  return behind === 0 ? 'level' : `${plural(behind, 'record')} behind`;
}

const phrases: Readonly<Record<LinkView['state'], string>> = {
  starting: 'is starting',
  following: 'follows',
  paused: 'is paused',
  degraded: 'is degraded',
  'source-unreachable': 'cannot reach its source',
  'target-unreachable': 'cannot reach its target',
};

function faultsPart(topics: readonly TopicView[]): string | undefined {
  const faulted = topics.filter((topic) => topic.partitionsFaulted > 0 || topic.state === 'faulted');
  return faulted.length === 0 ? undefined : `${plural(faulted.length, 'topic')} faulted`;
}

function pausedPart(topics: readonly TopicView[]): string | undefined {
  const paused = topics.filter((topic) => topic.paused?.by === 'topic');
  return paused.length === 0 ? undefined : `${plural(paused.length, 'topic')} paused`;
}

function seedingPart(topics: readonly TopicView[]): string | undefined {
  const early = topics.filter((topic) => topic.state === 'pending' || topic.state === 'seeding');
  return early.length === 0 ? undefined : `${plural(early.length, 'topic')} not yet following`;
}

function unfencedPart(links: readonly LinkView[]): string | undefined {
  const said = (['unfenced', 'leaking'] as const).flatMap((fence) => {
    const open = links.filter((link) => link.fence === fence).map((link) => `site ${link.to}`);
    return open.length === 0 ? [] : [`${open.join(' and ')} ${fence.toUpperCase()}`];
  });
  return said.length === 0 ? undefined : said.join(', ');
}

function isReady(worker: WorkerRow): boolean {
  return worker.state === 'ready';
}

function workerPart(worker: WorkerRow): string[] {
  if (isReady(worker)) return [];
  const who = worker.site === undefined ? `the worker at ${worker.url}` : `the worker of site ${worker.site}`;
  return [`${who} ${worker.state === 'silent' ? 'does not answer' : 'is not ready'}`];
}
