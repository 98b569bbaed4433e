import type { SiteId } from '../pair/site.ts';
import type { LinkView } from '../worker/views.ts';
import { count, duration, plural } from './quantities.ts';

/** A worker that was asked, as far as it matters here. */
interface Asked {
  readonly site?: SiteId | undefined;
  readonly state: 'ready' | 'not-ready' | 'silent';
}

/**
 * One sentence per direction: what would be lost if the sending site died now, and how much that figure is worth. A
 * direction that no worker speaks for is not left out. Pure.
 */
export function headlines(links: readonly LinkView[], workers: readonly Asked[]): readonly string[] {
  const unknown = workers.flatMap(({ site, state }) => {
    if (site === undefined || state !== 'silent' || links.some(({ to }) => to === site)) return [];
    return [`If ${site === 'a' ? 'b' : 'a'} died now: not known, the worker of site ${site} does not answer.`];
  });
  return [...links.map(headline), ...new Set(unknown)];
}

function headline(link: LinkView): string {
  const parts = [...lossParts(link), ...standbyParts(link), fences[link.fence]];
  return `If ${link.from} died now${doubt(link)}: ${parts.join('; ')}.`;
}

function lossParts({ exposure, topics }: LinkView): readonly string[] {
  const { seconds, records, basis } = exposure;
  const estimated = basis !== 'measured';
  if (topics.total === 0 && !estimated) return ['nothing, no topic is copied'];
  const of = topics.total === 0 ? 'of topics not known yet' : `of ${plural(topics.total, 'topic')}`;
  const amount = `${estimated ? 'about ' : ''}${plural(records, 'record')}`;
  return [`${shortSeconds(seconds)}, ${amount}, ${of}${estimated ? `, ${basis}` : ''}`];
}

/** Why the figures are no measurement. */
function doubt({ from, state, topics, exposure: { basis, sampleAgeMs } }: LinkView): string {
  if (basis === 'measured') return '';
  if (topics.faulted > 0 && state !== 'source-unreachable')
    return ` (${plural(topics.faulted, 'topic')} faulted, nothing more of it is copied)`;
  if (sampleAgeMs === undefined) return ` (of some partitions ${from} has not answered yet)`;
  if (sampleAgeMs > 1_000) return ` (no answer of ${from} for ${shortSeconds(sampleAgeMs / 1_000)})`;
  return ' (some copies have not been level yet)';
}

function standbyParts({ standby: { groups, schemas } }: LinkView): readonly string[] {
  return [groupsPart(groups), schemasPart(schemas)].filter((part) => part !== undefined);
}

function groupsPart({ synced, notSynced, stalenessSeconds }: LinkView['standby']['groups']): string {
  const left = notSynced === 0 ? undefined : `${plural(notSynced, 'group')} not synced`;
  if (stalenessSeconds === undefined) return ['groups not known yet', left].filter(Boolean).join(', ');
  if (synced === 0) return left ?? 'no groups';
  const reread = `groups re-read at most ${shortSeconds(Math.ceil(stalenessSeconds))}`;
  return left === undefined ? reread : `${reread}, ${left}`;
}

function schemasPart(verdict: LinkView['standby']['schemas']): string | undefined {
  switch (verdict) {
    case 'equal':
    case 'behind':
      return `schemas ${verdict}`;
    case 'different':
      return 'schemas DIFFER';
    case 'unknown':
      return 'schemas not compared yet';
    case 'undeclared':
    case 'elsewhere':
      return undefined;
  }
}

const fences = { acl: 'fenced', leaking: 'LEAKING', unfenced: 'UNFENCED', unknown: 'fence not known' } as const;

/** `1.8 s`, `47 s`, `3 min`. */
function shortSeconds(seconds: number): string {
  if (seconds >= 120) return duration(seconds * 1_000);
  return seconds === 0 || seconds >= 9.95 || Number.isInteger(seconds)
    ? `${count(Math.round(seconds))} s`
    : `${seconds.toFixed(1)} s`;
}
