import type { TopicStateKind } from '../../pair/topic-state.ts';
import type { LinkView, TopicDetailView, ViolationView } from '../views.ts';
import type { Notice, SystemEventKind } from './event.ts';
import { someOf } from './some-of.ts';

interface SeenTopic {
  readonly state: TopicStateKind;
  /** Of the topic as a whole; those of partitions are told one by one as they are found. */
  readonly fault: string | undefined;
  readonly rebuild: string | undefined;
}

interface SeenLink {
  readonly state: LinkView['state'];
  readonly fence: LinkView['fence'];
  readonly problem: string | undefined;
  /** Undefined before the link's first look: what exists is not new then. */
  readonly topics: ReadonlyMap<string, SeenTopic> | undefined;
}

/** What an operator sees of a site at one moment. */
export interface SiteSnapshot {
  readonly links: ReadonlyMap<string, SeenLink>;
  readonly violations: ReadonlySet<string>;
}

/** Of a link that runs here. */
interface Viewed {
  readonly id: string;
  view(): LinkView;
  topicViews(): readonly TopicDetailView[];
}

export function snapshotOf(links: readonly Viewed[], violations: readonly ViolationView[]): SiteSnapshot {
  return {
    links: new Map(links.map((link) => [link.id, seenLink(link)])),
    violations: new Set(violations.map(({ message }) => message)),
  };
}

function seenLink(link: Viewed): SeenLink {
  const { state, fence, problem } = link.view();
  const topics = link.topicViews().map((view): readonly [string, SeenTopic] => [view.name, seenTopic(view)]);
  return { state, fence, problem, topics: state === 'starting' ? undefined : new Map(topics) };
}

function seenTopic({ state, fault, partitionsFaulted, rebuild }: TopicDetailView): SeenTopic {
  const whole = state === 'faulted' && partitionsFaulted === 0 && fault !== undefined;
  return {
    state,
    fault: whole ? `${fault.code}: ${fault.message}` : undefined,
    rebuild: rebuild === undefined ? undefined : [rebuild.step, rebuild.reason].filter(Boolean).join(': '),
  };
}

/** What became different. Of the first snapshot nothing is told: it is what the lead found. */
export function noticesBetween(before: SiteSnapshot | undefined, now: SiteSnapshot): readonly Notice[] {
  if (before === undefined) return [];
  const found = [...now.violations].filter((each) => !before.violations.has(each));
  const gone = [...before.violations].filter((each) => !now.violations.has(each));
  return [
    ...[...now.links].flatMap(([id, link]) => linkNotices(id, before.links.get(id), link)),
    ...(found.length === 0 ? [] : [{ kind: 'violation found', message: someOf(found) } as const]),
    ...(gone.length === 0 ? [] : [{ kind: 'violation gone', message: someOf(gone) } as const]),
  ];
}

function linkNotices(id: string, before: SeenLink | undefined, now: SeenLink): readonly Notice[] {
  if (before === undefined) return [{ kind: 'link declared', link: id, message: `link ${id} runs here` }];
  return [...stateNotices(id, before, now), ...topicNotices(id, before.topics, now.topics)];
}

function stateNotices(id: string, before: SeenLink, now: SeenLink): readonly Notice[] {
  const parts = [
    ...(before.state === now.state ? [] : [`${before.state} → ${now.state}`]),
    ...(before.fence === now.fence ? [] : [`fence ${before.fence} → ${now.fence}`]),
  ];
  if (parts.length === 0) return [];
  const good = now.state === 'following' && now.fence === 'acl';
  const why = now.problem === undefined ? '' : `: ${now.problem}`;
  return [
    {
      ...{ kind: 'link state changed', link: id, message: `link ${id}: ${parts.join(', ')}${why}` },
      ...(good ? { level: 'info' } : {}),
    },
  ];
}

type Topics = ReadonlyMap<string, SeenTopic>;

function topicNotices(link: string, before: Topics | undefined, now: Topics | undefined): readonly Notice[] {
  if (before === undefined || now === undefined) return [];
  const happened: { readonly kind: SystemEventKind; readonly name: string }[] = [];
  const alone: Notice[] = [];
  for (const [name, topic] of now) {
    const then = before.get(name);
    for (const kind of movesOf(then?.state, topic.state)) happened.push({ kind, name });
    if (topic.fault !== undefined && topic.fault !== then?.fault)
      alone.push({ kind: 'copies faulted', link, message: `${name}: ${topic.fault}` });
    if (topic.rebuild !== undefined && topic.rebuild !== then?.rebuild && rebuildEnds.test(topic.rebuild))
      alone.push({ kind: 'rebuild ended', link, message: `${name}: ${topic.rebuild}` });
  }
  for (const name of before.keys()) if (!now.has(name)) happened.push({ kind: 'copies dropped', name });
  const byKind = Map.groupBy(happened, ({ kind }) => kind);
  const together = [...byKind].map(([kind, those]) => ({ kind, link, message: someOf(those.map(({ name }) => name)) }));
  return [...together, ...alone];
}

const rebuildEnds = /^(?:done|stopped|interrupted)/;

/** Faults have messages of their own. */
function movesOf(before: TopicStateKind | undefined, now: TopicStateKind): readonly SystemEventKind[] {
  if (before === now) return [];
  if (now === 'orphaned') return ['sources deleted'];
  const isNew = before === undefined || before === 'pending';
  return [
    ...(isNew && (now === 'seeding' || now === 'following') ? (['copies made'] as const) : []),
    ...(now === 'following' && before !== 'orphaned' ? (['copies level'] as const) : []),
  ];
}
